import { z } from 'zod';
import { type AppliedMapping, applyMapping } from '../../billing/apply-mapping.ts';
import type { LicenseChange, LicenseState } from '../../billing/license-state.ts';
import { statuses } from '../../licensing/core/status.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import type { Queues } from '../../queues.ts';
import { answersOne, one } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { billing } from './licenses.ts';
import { shown } from './view.ts';

type Dependencies = Licensing & { queues: Pick<Queues, 'enqueue'> };

/** Licenses that an answer shows of those that changed. */
const MOST_SHOWN = 100;

const changeOf = (value: z.ZodType) => z.strictObject({ from: value, to: value });

const movedLicense = z.strictObject({
  id: shown.id, policyId: changeOf(shown.id), entitlements: z.strictObject({ added: z.array(z.string()), removed: z.array(z.string()) }),
  status: changeOf(z.enum(statuses)), maxMachines: changeOf(shown.limit), expiresAt: changeOf(shown.timeOrNull), billing: changeOf(billing.nullable()),
}).meta({ id: 'MovedLicense' });

const appliedMapping = z.strictObject({ dryRun: z.boolean(), count: shown.count, licenses: z.array(movedLicense).max(MOST_SHOWN) }).meta({ id: 'AppliedStripeMapping' });

/** Moves issued licenses to what their mapping says now, which editing it does not. */
export function applyMappingRoute(dependencies: Dependencies): Route {
  const { queues } = dependencies;
  return managementRoute({
    method: 'post', path: '/api/v1/stripe-mappings/:id/apply', permission: 'stripe:write', summary: 'Move the licenses that a mapping issued to what it says now', input: z.strictObject({ dryRun: z.boolean().default(false) }),
    answers: answersOne(appliedMapping),
  }, async ({ scope, id, input: { dryRun }, now }) => {
    const told: { count: number; newest: LicenseChange<LicenseState>[] } = { count: 0, newest: [] };
    const onApplied = async ({ changed, messageIds }: AppliedMapping) => {
      told.count += changed.length;
      told.newest = [...told.newest, ...changed].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, MOST_SHOWN);
      if (!dryRun) for (const messageId of messageIds) await queues.enqueue('messages', { id: messageId });
    };
    return one(await applyMapping(dependencies, { scope, id, dryRun }, onApplied, now), () => ({ dryRun, count: told.count, licenses: told.newest.map(viewMoved) }));
  });
}

function viewMoved({ id, before, after }: LicenseChange<LicenseState>): object {
  const [held, has] = [new Set(before.entitlements), new Set(after.entitlements)];
  const fromTo = (field: 'policyId' | 'status' | 'maxMachines' | 'expiresAt' | 'billing') => ({ from: before[field], to: after[field] });
  return {
    id, policyId: fromTo('policyId'), entitlements: { added: [...has.difference(held)], removed: [...held.difference(has)] },
    status: fromTo('status'), maxMachines: fromTo('maxMachines'), expiresAt: fromTo('expiresAt'), billing: fromTo('billing'),
  };
}
