import { z } from 'zod';
import { describeFinding, outcomes } from '../../billing/core/outcome.ts';
import { isChanged, type LicenseChange } from '../../billing/license-state.ts';
import { type EventPreview, previewEvent, readEventPayload } from '../../billing/preview-event.ts';
import type { Clock } from '../../clock.ts';
import type { Scope } from '../../database/scope.ts';
import { ok } from '../../errors.ts';
import { statuses } from '../../licensing/core/status.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import type { StripeReader } from '../../stripe.ts';
import { fetchFacts, readCompleted } from '../../stripe-facts.ts';
import { answersOne, granted, one } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { billing } from './licenses.ts';
import { shown } from './view.ts';

type Dependencies = Licensing & { clock: Clock; stripeOf: (scope: Scope) => Promise<StripeReader | null> };

const previewRequest = z
  .strictObject({ event: z.record(z.string(), z.unknown()).optional(), eventId: z.string().min(1).max(255).optional() })
  .refine(({ event, eventId }) => (event === undefined) !== (eventId === undefined), 'Give exactly one of event and eventId.');

const licenseState = z.strictObject({
  status: z.enum(statuses), policyId: shown.id, userEmail: shown.text, expiresAt: shown.timeOrNull, maxMachines: shown.limit,
  entitlements: z.array(z.string()), billing: billing.nullable(),
}).meta({ id: 'LicenseState' });

/** `id` and `before` are null for a license that would be issued. */
const plannedLicense = z.strictObject({
  id: shown.id.nullable(), action: z.enum(['issue', 'update', 'none']), before: licenseState.nullable(), after: licenseState,
}).meta({ id: 'PlannedLicense' });

const preview = z.strictObject({
  outcome: z.enum(outcomes), reason: z.string(),
  licenses: z.array(plannedLicense),
  mails: z.array(z.strictObject({ kind: z.string(), recipient: z.string() })),
}).meta({ id: 'StripePreview' });

/** What a Stripe event would do, told by doing it and taking it back. */
export function previewRoute(dependencies: Dependencies): Route {
  const { database, clock, stripeOf } = dependencies;
  return managementRoute({
    method: 'post', path: '/api/v1/stripe-mappings/preview', permission: 'stripe:write', summary: 'Tell what a Stripe event would do, and do nothing', input: previewRequest,
    answers: answersOne(preview), refuses: ['NOT_FOUND'], takesStripeEvent: true,
  }, async ({ scope, input, now }) => {
    const payload = input.eventId === undefined ? JSON.stringify(input.event) : granted(await readEventPayload(database, scope, input.eventId));
    const stripe = await stripeOf(scope);
    const { read } = await readCompleted(stripe, payload, scope.mode);
    const fetched = stripe === null ? null : read.ok ? await fetchFacts(stripe, read.sighting.fact, clock.now()) : [];
    return one(ok(await previewEvent(dependencies, { scope, read }, fetched, now)), viewPreview);
  });
}

function viewPreview({ finding, licenses, messages }: EventPreview): object {
  const { outcome, reason } = describeFinding(finding);
  return { outcome, reason, licenses: licenses.map(viewPlanned), mails: messages.map(({ kind, recipient }) => ({ kind, recipient })) };
}

/** A license that would be issued has no id yet: the one it was tried with is gone. */
function viewPlanned(change: LicenseChange): object {
  const { id, before, after } = change;
  if (before === null) return { id: null, action: 'issue', before, after };
  return { id, action: isChanged(change) ? 'update' : 'none', before, after };
}
