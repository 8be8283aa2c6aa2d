import { sql } from 'kysely';
import { query, type Transaction } from '../database/orm.ts';

/**
 * Has the culling look at machines that another rule binds from now on: those of a policy whose rule changed, or of a license that moved. It works
 * out when each of them may be dead. The license or the policy was written before, in the same transaction: whoever activates locks both.
 */
export async function lookAgain(tx: Transaction, whose: { policyId: string } | { licenseId: string }, now: Date): Promise<void> {
  const owned = 'licenseId' in whose ? sql`m.license_id = ${whose.licenseId}` : sql`m.license_id in (select l.id from licenses l where l.policy_id = ${whose.policyId} and l.deleted_at is null)`;
  // In the order in which the culling locks them, so that neither waits for the other.
  await query(tx, sql`
    update machines set due_at = ${now} where id = any(array(
      select m.id from machines m where ${owned} and m.deleted_at is null order by m.id for update))`);
}
