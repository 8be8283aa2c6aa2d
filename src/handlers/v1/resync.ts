import { resyncPurchase } from '../../billing/resync-purchase.ts';
import type { Clock } from '../../clock.ts';
import type { Scope } from '../../database/scope.ts';
import { refuse } from '../../errors.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import { readLicense } from '../../licensing/read-licenses.ts';
import type { Queues } from '../../queues.ts';
import type { StripeReader } from '../../stripe.ts';
import { fetchPurchase } from '../../stripe-facts.ts';
import { answersOne, granted, noInput, one } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { license, viewLicenseWith } from './licenses.ts';

type Dependencies = Licensing & { clock: Clock; queues: Pick<Queues, 'enqueue'>; stripeOf: (scope: Scope) => Promise<StripeReader | null> };

/** Makes a bought license what Stripe says now: fetched where there is a Stripe key, else from what is stored. */
export function resyncRoute(dependencies: Dependencies): Route {
  const { database, clock, queues, stripeOf } = dependencies;
  return managementRoute({
    method: 'post', path: '/api/v1/licenses/:id/resync', permission: 'licenses:write', summary: 'Bring a bought license up to date with Stripe', input: noInput,
    answers: answersOne(license), refuses: ['CONFLICT'],
  }, async ({ scope, id }) => {
    const { stripePurchaseId: purchaseId } = granted(await readLicense(database, { scope, id, own: null }));
    if (purchaseId === null) return granted(refuse('CONFLICT', 'The license did not come from Stripe: there is nothing to bring it up to date with.'));
    const stripe = await stripeOf(scope);
    const fetched = stripe === null ? [] : await fetchPurchase(stripe, purchaseId, clock.now());
    const applied = await resyncPurchase(dependencies, { scope, purchaseId }, fetched, clock.now());
    for (const messageId of applied.flatMap(({ messageIds }) => messageIds)) await queues.enqueue('messages', { id: messageId });
    return one(await readLicense(database, { scope, id, own: null }), viewLicenseWith(dependencies));
  });
}
