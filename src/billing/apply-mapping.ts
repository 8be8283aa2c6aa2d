import { reading, type Transaction, undoing } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, type Result } from '../errors.ts';
import type { Licensing } from '../licensing/licensing.ts';
import { type LicenseDetails, licensesOfPurchases } from '../licensing/read-licenses.ts';
import { applySightings } from './apply-sightings.ts';
import { isChanged, type LicenseChange, type LicenseState, stateOf } from './license-state.ts';
import { lockFacts } from './lock-facts.ts';
import { readMapping } from './read-mappings.ts';
import { factsOfPurchase, purchaseIdsOf, purchaseIdsOfMapping } from './store.ts';

/** What became of one purchase: its licenses that changed, and the messages now owed. */
export type AppliedMapping = { changed: LicenseChange<LicenseState>[]; messageIds: string[] };

type Order = { scope: Scope; id: string; dryRun: boolean };

/**
 * Moves the licenses that a mapping issued, unless they are over for good, to the policy, entitlements and terms it has now. Each
 * purchase is a transaction of its own under the locks that its events take, and one that is as it should be changes nothing: whoever is
 * interrupted begins again, and of two at once the second finds the work done. A dry run takes each transaction back.
 */
export async function applyMapping(
  licensing: Licensing,
  order: Order,
  onApplied: (applied: AppliedMapping) => Promise<void>,
  now: Date,
): Promise<Result<null>> {
  const { scope, id } = order;
  const mapping = await readMapping(licensing.database, scope, id);
  if (!mapping.ok) return mapping;
  for (const purchaseId of await purchaseIdsOfMapping(reading(licensing.database), scope, mapping.value.id)) {
    await onApplied(await applyToPurchase(licensing, { ...order, id: mapping.value.id }, purchaseId, now));
  }
  return ok(null);
}

async function applyToPurchase(licensing: Licensing, order: Order, purchaseId: string, now: Date): Promise<AppliedMapping> {
  const { scope, dryRun } = order;
  const facts = await factsOfPurchase(reading(licensing.database), scope, purchaseId);
  return lockFacts(licensing.database, { scope, facts, ids: [purchaseId] }, async (tx) => {
    // An invoice may have turned out to be a part of the purchase of a session.
    const purchaseIds = await purchaseIdsOf(tx, scope, facts);
    const work = (within: Transaction) => moveLicenses(within, licensing, { order, purchaseIds, licensed: [...new Set([purchaseId, ...purchaseIds])] }, now);
    return dryRun ? undoing(tx, work) : work(tx);
  });
}

type Reach = { order: Order; purchaseIds: string[]; licensed: string[] };

async function moveLicenses(tx: Transaction, licensing: Licensing, { order: { scope, id }, purchaseIds, licensed }: Reach, now: Date): Promise<AppliedMapping> {
  const state = (license: LicenseDetails) => stateOf(license, licensing.slackHours, now);
  const before = new Map((await licensesOfPurchases(tx, scope, { purchaseIds: licensed, locked: true })).map((license) => [license.id, state(license)]));
  const applied = await applySightings(tx, licensing, { scope, sightings: [], purchaseIds, applying: id }, now);
  const after = await licensesOfPurchases(tx, scope, { purchaseIds: licensed });
  const changed = after.flatMap((license) => {
    const was = before.get(license.id);
    const change = was && { id: license.id, before: was, after: state(license) };
    return change && isChanged(change) ? [change] : [];
  });
  return { changed, messageIds: applied.flatMap(({ messageIds }) => messageIds) };
}
