import type { Status } from '../../licensing/core/status.ts';
import type { Portal, PortalLicense, PortalMachine } from '../../licensing/read-portal.ts';
import { type Html, html } from '../../html.ts';
import { pageOf, vendorContact } from './layout.ts';

/** `path` is where the page is, `expiresAt` until when; `notice` is what was just done. */
export type Shown = { portal: Portal; path: string; expiresAt: Date; notice: string | null };

/** The portal's one page: data in, HTML out. */
export function portalPage({ portal, path, expiresAt, notice }: Shown, now: Date): string {
  const { licenses, complete, vendor } = portal;
  return pageOf(vendor.name === null ? 'Your licenses' : `Your licenses · ${vendor.name}`, html`<header>
${vendor.name === null ? null : html`<p class="vendor">${named(vendor.name)}</p>\n`}<h1>Your licenses</h1>
<p class="faint">${named(portal.name ?? portal.email)}${portal.name === null ? null : html` · ${named(portal.email)}`}</p>
</header>
${notice === null ? null : html`<p class="notice good" role="status">${notice}</p>`}
<main>
${licenses.length === 0 ? html`<p>You have no licenses yet.</p>` : licenses.map((license) => licenseArticle(license, path, now))}
${complete ? null : html`<p class="faint">You have more licenses than fit on this page: these are the newest ${licenses.length}. Ask the vendor about the others.</p>`}
</main>
<footer>
<p>Keep the address of this page to yourself: whoever has it sees your keys. It works until ${day(expiresAt)}, ${expiresAt.toISOString().slice(11, 16)} UTC.</p>
${vendorContact(vendor)}</footer>`);
}

function licenseArticle(license: PortalLicense, path: string, now: Date): Html {
  const { productName, name, key, entitlements } = license;
  const { word, tone } = standingOf(license);
  return html`<article>
<div class="top"><div><h2>${named(productName)}</h2>${name === null ? null : html`<p class="faint">${named(name)}</p>`}</div><span class="status ${tone}">${word}</span></div>
<code class="key">${key}</code>
<dl>
${termOf(license, now)}
${entitlements.length === 0 ? null : html`<dt>Includes</dt><dd>${named(entitlements.join(', '))}</dd>`}
</dl>
${machinesOf(license, path)}
</article>
`;
}

const standings: Record<Status, { word: string; tone: 'good' | 'warn' | 'bad' }> = {
  active: { word: 'Active', tone: 'good' },
  suspended: { word: 'Suspended', tone: 'bad' },
  expired: { word: 'Expired', tone: 'warn' },
  revoked: { word: 'Revoked', tone: 'bad' },
  banned: { word: 'Banned', tone: 'bad' },
};

function inGrace({ status, billingState, graceEndsAt }: PortalLicense): boolean {
  return status === 'active' && billingState === 'GRACE' && graceEndsAt !== null;
}

function standingOf(license: PortalLicense) {
  return inGrace(license) ? { word: 'Payment due', tone: 'warn' } : standings[license.status];
}

/** When it ends or renews, and in grace what is to be done about it; nothing of one that was taken away for good. */
function termOf(license: PortalLicense, now: Date): Html | null {
  const { expiresAt, billingRenews, graceEndsAt, status } = license;
  if (status === 'revoked' || status === 'banned') return null;
  if (inGrace(license) && graceEndsAt !== null) return html`<dt>Payment</dt><dd>The last one failed. Access ends on ${day(graceEndsAt)} unless it is paid.</dd>`;
  if (expiresAt === null) return html`<dt>Ends</dt><dd>Never</dd>`;
  if (billingRenews && status === 'active') return html`<dt>Renews on</dt><dd>${day(expiresAt)}</dd>`;
  return html`<dt>${now < expiresAt ? 'Ends on' : 'Ended on'}</dt><dd>${day(expiresAt)}</dd>`;
}

function machinesOf(license: PortalLicense, path: string): Html | null {
  const { machines, machineCount, maxMachines, letsTransfer } = license;
  if (machineCount === 0) return null;
  return html`<h3>Machines: ${machineCount}${maxMachines === null ? null : html` of ${maxMachines}`}</h3>
<ul>
${machines.map((machine) => machineItem(machine, letsTransfer ? `${path}/machines/${machine.id}/deactivate` : null))}
</ul>
${machines.length < machineCount ? html`<p class="faint">These are the newest ${machines.length}.</p>` : null}
${letsTransfer ? null : html`<p class="faint">To move this license to another machine, ask the vendor.</p>`}`;
}

const platformNames: Record<NonNullable<PortalMachine['platform']>, string> = {
  macos: 'macOS', windows: 'Windows', linux: 'Linux', docker: 'Docker', kubernetes: 'Kubernetes',
};

/** `action` is where its button goes, null for none. */
function machineItem({ name, fingerprint, platform, createdAt, lastHeartbeatAt }: PortalMachine, action: string | null): Html {
  const called = name ?? fingerprint;
  const platformName = platform === null ? null : html`${platformNames[platform]} · `;
  const seen = lastHeartbeatAt === null ? null : html` · last seen ${day(lastHeartbeatAt)}`;
  return html`<li><div>${named(called)}<p class="faint">${platformName}activated ${day(createdAt)}${seen}</p></div>
${action === null ? null : html`<form method="post" action="${action}"><button aria-label="Deactivate ${called}">Deactivate</button></form>`}</li>
`;
}

/** What somebody else named: its direction of writing must not turn around what stands beside it. */
function named(text: string): Html {
  return html`<bdi>${text}</bdi>`;
}

const dayFormat = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });

function day(at: Date): Html {
  return html`<time datetime="${at.toISOString()}">${dayFormat.format(at)}</time>`;
}
