import { z } from 'zod';
import { describeFinding, outcomes } from '../../billing/core/outcome.ts';
import { resyncPurchase } from '../../billing/resync-purchase.ts';
import { resyncSubscription } from '../../billing/resync-subscription.ts';
import type { Clock } from '../../clock.ts';
import type { Scope } from '../../database/scope.ts';
import { ok, refuse } from '../../errors.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import { readLicense } from '../../licensing/read-licenses.ts';
import type { Queues } from '../../queues.ts';
import type { StripeReader } from '../../stripe.ts';
import { fetchPurchase, fetchSubscription } from '../../stripe-facts.ts';
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
  }, async ({ scope, id, now }) => {
    const { stripePurchaseId: purchaseId } = granted(await readLicense(database, { scope, id, own: null }));
    if (purchaseId === null) return granted(refuse('CONFLICT', 'The license did not come from Stripe: there is nothing to bring it up to date with.'));
    const stripe = await stripeOf(scope);
    const fetched = stripe === null ? [] : await fetchPurchase(stripe, purchaseId, clock.now());
    const applied = await resyncPurchase(dependencies, { scope, purchaseId }, fetched, now);
    for (const messageId of applied.flatMap(({ messageIds }) => messageIds)) await queues.enqueue('messages', { id: messageId });
    return one(await readLicense(database, { scope, id, own: null }), viewLicenseWith(dependencies)(now));
  });
}

const resynced = z.strictObject({ stripeSubscriptionId: z.string(), outcome: z.enum(outcomes), reason: z.string(), licenses: z.array(license) }).meta({ id: 'ResyncedSubscription' });

/** The same by the subscription, which may have no license yet: one that is due is issued. */
export function resyncSubscriptionRoute(dependencies: Dependencies): Route {
  const { clock, queues, stripeOf } = dependencies;
  return managementRoute({
    method: 'post', path: '/api/v1/stripe-subscriptions/:id/resync', permission: 'licenses:write', summary: 'Bring the licenses of a subscription up to date with Stripe, and issue those that are due', input: noInput,
    answers: answersOne(resynced),
  }, async ({ scope, id, now }) => {
    const stripe = await stripeOf(scope);
    const fetched = stripe === null ? null : await fetchSubscription(stripe, id, clock.now());
    const { finding, licenses, messageIds } = granted(await resyncSubscription(dependencies, { scope, id }, fetched, now));
    for (const messageId of messageIds) await queues.enqueue('messages', { id: messageId });
    const { outcome, reason } = describeFinding(finding);
    return one(ok({ stripeSubscriptionId: id, outcome, reason, licenses: licenses.map(viewLicenseWith(dependencies)(now)) }), (told) => told);
  });
}
