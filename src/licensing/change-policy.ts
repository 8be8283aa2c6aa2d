import { LockMode } from '@mikro-orm/core';
import { Policy, type PolicyRow } from '../database/catalog-rows.ts';
import { type Database, inTransaction, type Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Refused, type Result } from '../errors.ts';
import { policyDetails, type PolicyDetails } from './read-policies.ts';

/** Changes one policy in a transaction: locks its row, lets `change` write, and returns it as it is then. A refusal leaves it untouched. */
export async function changePolicy(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  change: (tx: Transaction, policy: PolicyRow) => Promise<Refused | null>,
): Promise<Result<PolicyDetails>> {
  return inTransaction(database, async (tx) => {
    const policy = await tx.findOne(Policy, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (policy === null) return notFound();
    const refused = await change(tx, policy);
    if (refused) return refused;
    await tx.flush();
    return ok(await policyDetails(tx, policy));
  });
}
