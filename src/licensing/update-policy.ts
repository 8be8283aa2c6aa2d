import type { z } from 'zod';
import type { PolicyRow } from '../database/catalog-rows.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Result } from '../errors.ts';
import { changePolicy } from './change-policy.ts';
import { policyFields } from './core/policy.ts';
import { lookAgain } from './look-again.ts';
import type { PolicyDetails } from './read-policies.ts';
import { writeChanges } from './write-changes.ts';

/** What of a policy may be changed. Its product stays: licenses hold both. A template is recorded and fills in nothing. */
export const policyChange = policyFields.partial();

/** Changes what the request names, for existing licenses too, at once. Their ends stay. */
export async function updatePolicy(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  request: z.output<typeof policyChange>,
  now: Date,
): Promise<Result<PolicyDetails>> {
  return changePolicy(database, { scope, id }, async (tx, policy) => {
    const heartbeatRequiredSince = requiredSince(policy, request.requireHeartbeat ?? policy.requireHeartbeat, now);
    const before = ruleOf(policy);
    writeChanges(policy, { ...request, heartbeatRequiredSince }, now);
    if (ruleOf(policy) !== before) await lookAgain(tx, { policyId: policy.id }, now);
    return null;
  });
}

/** What decides which machines are dead, and what becomes of those. */
function ruleOf({ requireHeartbeat, heartbeatIntervalMinutes, heartbeatCullStrategy }: PolicyRow): string {
  return JSON.stringify(requireHeartbeat && [heartbeatIntervalMinutes, heartbeatCullStrategy]);
}

/** Machines that never sent a heartbeat are given the time since the policy began to ask for one. */
function requiredSince({ heartbeatRequiredSince }: PolicyRow, required: boolean, now: Date): Date | null {
  return required ? (heartbeatRequiredSince ?? now) : null;
}
