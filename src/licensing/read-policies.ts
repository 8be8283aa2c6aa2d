import { sql } from 'kysely';
import { Policy, type PolicyRow } from '../database/catalog-rows.ts';
import { type Database, query, reading, type Transaction } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, rowOf, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';

/** A policy with the codes of what it grants. */
export type PolicyDetails = PolicyRow & { entitlements: string[] };

export async function readPolicy(database: Database, scope: Scope, id: string): Promise<Result<PolicyDetails>> {
  const tx = reading(database);
  const policy = await tx.findOne(Policy, liveRow(scope, id));
  return policy ? ok(await policyDetails(tx, policy)) : notFound();
}

/** A page of policies. Null: the cursor is of another list. */
export async function listPolicies(
  database: Database,
  scope: Scope,
  { productId }: { productId?: string | undefined },
  page: PageRequest,
): Promise<Page<PolicyDetails> | null> {
  const tx = reading(database);
  const where = { ...liveIn(scope), ...(productId !== undefined && { productId }) };
  const list = {
    at: (id: string) => tx.findOne(Policy, rowOf(scope, id)),
    after: (last: PolicyRow | null, limit: number) => tx.find(Policy, { ...where, ...older(last) }, { orderBy: newestFirst, limit }),
  };
  const found = await readPage<PolicyRow>(list, page);
  return found && { ...found, rows: await withEntitlements(tx, found.rows) };
}

export async function policyDetails(tx: Transaction, policy: PolicyRow): Promise<PolicyDetails> {
  const codes = await entitlementCodes(tx, [policy]);
  return { ...policy, entitlements: codes.get(policy.id) ?? [] };
}

async function withEntitlements(tx: Transaction, policies: PolicyRow[]): Promise<PolicyDetails[]> {
  const codes = await entitlementCodes(tx, policies);
  return policies.map((policy) => ({ ...policy, entitlements: codes.get(policy.id) ?? [] }));
}

async function entitlementCodes(tx: Transaction, policies: PolicyRow[]): Promise<Map<string, string[]>> {
  const found = await query(tx, sql<{ id: string; codes: string[] }>`
    select g.policy_id as id, array_agg(e.code order by e.code) as codes
    from policy_entitlements g join entitlements e on e.id = g.entitlement_id and e.deleted_at is null
    where g.policy_id = any(${policies.map(({ id }) => id)}::uuid[]) group by 1`);
  return new Map(found.map(({ id, codes }) => [id, codes]));
}
