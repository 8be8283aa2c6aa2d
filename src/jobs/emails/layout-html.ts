import { type Html, html } from '../../html.ts';
import { type Action, type Block, type Frame, isWebPage, type Letter, moment, plain } from './letter.ts';

/**
 * A letter in HTML, for mail programs: tables and styles on each element, since many know no more; 600 px at most, which
 * Outlook needs told in a way of its own; nothing is loaded. Dark mode
 * is a style sheet that repeats the colors, for those that read one; the others keep the light ones or turn them by themselves.
 */
export function layoutHtml({ subject, heading, blocks, action }: Letter, frame: Frame): string {
  const { testMode } = frame;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${subject}</title>
${dark}
</head>
<body class="paper" style="margin:0;padding:0;background-color:#f5f5f2">
<table role="presentation" class="paper" width="100%" cellpadding="0" cellspacing="0" border="0" style="background-color:#f5f5f2"><tr><td align="center" style="padding:24px 12px">
<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px">
<tr><td class="card" style="${text};padding:28px 24px;background-color:#ffffff;border:1px solid #dedcd5;border-radius:12px">
${testMode ? html`<p class="faint" style="${faint};margin:0 0 16px">Test mode: this is about test data.</p>\n` : null}<h1 class="ink" style="margin:0 0 16px;font-size:22px;line-height:28px;font-weight:bold;color:#1d1d1b">${heading}</h1>
${blocks.map(blockOf)}${actionOf(action, frame)}</td></tr>
<tr><td class="faint" style="${faint};padding:20px 24px">
${footerOf(frame)}</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></table>
</body>
</html>
`;
  return page.markup;
}

const font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;overflow-wrap:anywhere;word-break:break-word";
const text = `${font};font-size:16px;line-height:24px;color:#1d1d1b`;
const faint = `${font};font-size:13px;line-height:20px;color:#62625c`;

const dark: Html = {
  markup: `<style>
:root { color-scheme: light dark; supported-color-schemes: light dark }
@media (prefers-color-scheme: dark) {
.paper { background-color: #161618 !important }
.card { background-color: #202023 !important; border-color: #38383c !important; color: #ececea !important }
.ink, .ink a { color: #ececea !important }
.faint, .faint a { color: #a3a3a0 !important }
.line { border-color: #38383c !important }
.box { border-color: #6a6a70 !important }
.button { background-color: #ececea !important }
.button a { color: #161618 !important }
}
</style>`,
};

function blockOf(block: Block): Html {
  if ('say' in block) return html`<p class="ink" style="margin:0 0 16px;color:#1d1d1b">${block.say}</p>\n`;
  if ('facts' in block) return factsOf(block.facts);
  return html`${block.keys.map(({ productName, keys }) => keysOf(productName, keys))}`;
}

function factsOf(facts: [string, string][]): Html {
  return html`<table role="presentation" class="line" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px;border-bottom:1px solid #dedcd5">
${facts.map(([name, value]) => html`<tr><td class="line" style="padding:10px 0;border-top:1px solid #dedcd5"><p class="faint" style="${faint};margin:0">${name}</p><p class="ink" style="${text};margin:0;font-weight:bold">${value}</p></td></tr>
`)}</table>
`;
}

function keysOf(productName: string, keys: string[]): Html {
  return html`<p class="faint" style="${faint};margin:0 0 4px">${productName}</p>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 16px"><tr><td class="box ink" style="padding:10px 14px;border:1px dashed #b9b7ae;border-radius:8px;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:16px;line-height:26px;color:#1d1d1b;overflow-wrap:anywhere;word-break:break-word">${keys.map((key, n) => (n === 0 ? html`${key}` : html`<br>\n${key}`))}</td></tr></table>
`;
}

/** The one thing to do as a button, and the portal as a link; where nothing else is to be done, the portal is the button. */
function actionOf(action: Action | null, { portal }: Frame): Html {
  const toPortal = portal && { label: 'See your licenses', url: portal.url };
  const button = action ?? toPortal;
  const note = portal && html`<p class="faint" style="${faint};margin:0">${action === null ? null : html`<a href="${portal.url}" style="color:#62625c">See your licenses and keys</a>. `}This link is yours alone: whoever has it sees your keys. It works until ${moment(portal.expiresAt)}.</p>\n`;
  return html`${button && buttonOf(button)}${note}`;
}

function buttonOf({ label, url }: Action): Html {
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 16px"><tr><td class="button" style="background-color:#1d1d1b;border-radius:8px"><a href="${url}" style="${font};display:inline-block;padding:12px 22px;font-size:16px;line-height:20px;font-weight:bold;color:#ffffff;text-decoration:none">${label}</a></td></tr></table>
`;
}

function footerOf({ vendor: { name, supportEmail, websiteUrl }, unsubscribeUrl }: Frame): Html {
  const link = (url: string, label: string) => html`<a href="${url}" style="color:#62625c">${label}</a>`;
  return html`${name === null ? null : html`<strong>${plain(name)}</strong><br>\n`}${supportEmail === null ? null : html`Questions? Write to ${link(`mailto:${supportEmail}`, supportEmail)}<br>\n`}${
    websiteUrl === null || !isWebPage(websiteUrl) ? null : html`${link(websiteUrl, websiteUrl)}<br>\n`}${
    unsubscribeUrl === null ? null : html`This is a reminder. ${link(unsubscribeUrl, 'Get no more reminders')}\n`}`;
}
