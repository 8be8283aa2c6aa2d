import type { LicenseRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { deliverKeys } from '../licensing/deliver-keys.ts';
import { findOrCreateCustomer } from '../licensing/find-or-create-customer.ts';
import { issueLicenses } from '../licensing/issue-license.ts';
import type { Licensing } from '../licensing/licensing.ts';
import { setBilling } from '../licensing/set-billing.ts';
import { standingsOf, tellLife } from '../licensing/tell-life.ts';
import { timeSinceTold } from '../licensing/time-since-told.ts';
import { buyerOf } from './core/contact.ts';
import { oldestUnpaid } from './core/grace.ts';
import { finding, type Finding } from './core/outcome.ts';
import { type Projection, project } from './core/project.ts';
import type { Issued, LicensePlan, Purchase } from './core/purchase.ts';
import { isLive } from './core/units.ts';
import { licensesOfPurchase, loadMappings, loadPurchase } from './store.ts';

/** What a purchase came to: the facts it stands on, by which its events are stamped, and the messages now owed. */
export type AppliedPurchase = { purchaseId: string; factIds: string[]; finding: Finding; paidAfterEnd: string[]; messageIds: string[] };

/**
 * How it is done: licenses that the mapping `applying` issued move to what it says now; `keysOnly`: what is told is old news, of which
 * customers are mailed nothing but their keys.
 */
export type Manner = { applying?: string | null; keysOnly?: boolean };

/**
 * Makes the licenses of one purchase what its facts say, in the caller's transaction, which holds the purchase's lock:
 * load, project, write the difference, tell it, owe the mails.
 */
export async function applyPurchase(
  tx: Transaction,
  licensing: Omit<Licensing, 'database'>,
  { scope, purchaseId, applying = null, keysOnly = false }: Manner & { scope: Scope; purchaseId: string },
  askedAt: Date,
): Promise<AppliedPurchase> {
  const { purchase, customer: stripeCustomer } = await loadPurchase(tx, scope, purchaseId);
  const before = await licensesOfPurchase(tx, scope, purchase);
  const now = await timeSinceTold(tx, { scope, licenses: before }, askedAt);
  const projection = project(purchase, await loadMappings(tx, scope, { purchase, licenses: before }), before.map(issuedOf), now);
  const { finding: found, paidAfterEnd } = projection;
  const applied = { purchaseId, factIds: factIdsOf(purchase), paidAfterEnd };
  if (projection.plans.length === 0) return { ...applied, finding: found, messageIds: [] };

  const standings = await standingsOf(tx, before);
  const buyer = buyerOf(purchase, stripeCustomer);
  // Facts of licenses that the vendor deleted make nobody a customer again.
  const owed = projection.plans.some((plan) => existingFor(plan, before)?.deletedAt == null);
  const customer = owed ? await findOrCreateCustomer(tx, scope, buyer, now) : null;
  const source = { scope, purchase, customerId: customer?.id ?? null, stripeCustomerId: buyer.stripeCustomerId };
  const { licenses, mailed } = await writePlans(tx, licensing, { projection, before, source, applying }, now);
  const messageId = customer && (await deliverKeys(tx, { scope, customer, licenses: mailed }, now));
  const occasion = { by: 'billing', before: standings, keysOnly, ...newsOf(purchase) } as const;
  const messageIds = await tellLife(tx, licensing, { scope, licenses, occasion }, now);

  const unmailed = mailed.some(({ keyMessageId }) => keyMessageId === null);
  const lacksEmail = unmailed && found.code === 'licenses_current';
  return { ...applied, finding: lacksEmail ? finding('email_missing') : found, messageIds: [...(messageId ? [messageId] : []), ...messageIds] };
}

/** What mails say of a purchase: where to pay what is owed, and whether Stripe has announced the end of the trial. */
function newsOf({ subscription, invoices }: Purchase): { invoiceUrl: string | null; trialEnding: boolean } {
  const trialEnd = subscription?.fact.trialEnd ?? null;
  return { invoiceUrl: oldestUnpaid({ invoices })?.fact.hostedUrl ?? null, trialEnding: trialEnd !== null && subscription?.marks.trialEndTold === trialEnd };
}

function factIdsOf({ subscription, session, invoices, money }: Purchase): string[] {
  return [subscription, session, ...invoices, ...money].flatMap((known) => known?.fact.id ?? []);
}

type Source = { scope: Scope; purchase: Purchase; customerId: string | null; stripeCustomerId: string | null };

/** Issues or updates the license of each plan; returns those that are not deleted, and of them those whose mapping mails keys. */
async function writePlans(
  tx: Transaction,
  licensing: Omit<Licensing, 'database'>,
  { projection, before, source, applying }: { projection: Projection; before: LicenseRow[]; source: Source; applying: string | null },
  now: Date,
): Promise<{ licenses: LicenseRow[]; mailed: LicenseRow[] }> {
  const planned = projection.plans.map((plan) => ({ plan, bought: boughtBy(source, plan), existing: existingFor(plan, before) }));
  for (const { plan: { mapping }, bought, existing } of planned) {
    if (existing) await setBilling(tx, { license: existing, bought, moves: mapping.id === applying && isMovable(existing, applying) }, now);
  }
  const unissued = planned.filter(({ existing }) => existing === undefined);
  const issued = await issueLicenses(tx, licensing, { scope: source.scope, units: unissued.map(({ bought }) => bought) }, now);
  const written = planned.flatMap(({ plan, existing }) => {
    const license = existing ?? existingFor(plan, issued);
    return license && license.deletedAt === null ? [{ license, mails: plan.mapping.sendKeyEmail }] : [];
  });
  return { licenses: written.map(({ license }) => license), mailed: written.filter(({ mails }) => mails).map(({ license }) => license) };
}

type BoughtUnit = Parameters<typeof issueLicenses>[2]['units'][number];

function boughtBy({ purchase, customerId, stripeCustomerId }: Source, { mapping, ...plan }: LicensePlan): BoughtUnit {
  return {
    ...plan,
    purchaseId: purchase.id,
    mappingId: mapping.id,
    policyId: mapping.policyId,
    entitlementIds: mapping.entitlementIds,
    customerId,
    stripeCustomerId,
    stripeSubscriptionId: purchase.subscription?.fact.id ?? null,
    stripeCheckoutSessionId: purchase.session?.fact.id ?? null,
  };
}

/** Whether an applied mapping moves a license: one that it issued, and that is not over for good. */
function isMovable(license: LicenseRow, mappingId: string): boolean {
  const stands = license.vendorStatus === 'active' || license.vendorStatus === 'suspended';
  return license.mappingId === mappingId && license.deletedAt === null && stands && isLive(issuedOf(license));
}

function existingFor({ itemId, unit }: { itemId: string; unit: number }, before: LicenseRow[]): LicenseRow | undefined {
  return before.find((license) => license.stripeItemId === itemId && license.stripeUnit === unit);
}

function issuedOf(license: LicenseRow): Issued {
  return {
    itemId: license.stripeItemId ?? '',
    unit: license.stripeUnit ?? 0,
    mappingId: license.mappingId ?? '',
    priceId: license.stripePriceId,
    seats: license.seats,
    vendorExpiresAt: license.vendorExpiresAt,
    billing: {
      state: license.billingState ?? 'ACTIVE',
      reason: license.billingReason,
      renews: license.billingRenews,
      graceEndsAt: license.graceEndsAt,
      cancelsAt: license.cancelsAt,
      paidThrough: license.paidThrough,
    },
  };
}
