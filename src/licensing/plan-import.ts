import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Policy, type PolicyRow } from '../database/catalog-rows.ts';
import { License, type LicenseRow } from '../database/license-rows.ts';
import { query, reading, type Transaction } from '../database/orm.ts';
import { liveIn, type Scope } from '../database/scope.ts';
import { NO_ID } from '../database/uuid.ts';
import { refuseTaken } from './activate-machine.ts';
import type { ImportedActivation, ImportedLicense } from './core/imported-license.ts';
import { overridesRefused } from './core/policy.ts';
import { overrideFor } from './core/seat.ts';
import { hintOf } from './license-key.ts';
import type { Licensing } from './licensing.ts';

/** Something of a file: `at` is its number for whoever read it, `place` where it stands there. */
type At = { at: number; place: string };

/** A license of a file. `there`: it was known when the line was read, and needs no policy; else a policy of null would be made first. */
export type ImportLine = At & { license: ImportedLicense; there: boolean; policyId: string | null; activations: (At & { activation: ImportedActivation })[] };

/** `key` is as much of the key as tells it from others. */
export type RefusedLine = At & { key: string; reason: string };

/** What a line that is not refused comes to: a new license or machines that a known one lacks. */
export type Plan = { line: ImportLine; policy: PolicyRow | null; known: LicenseRow | null; machines: ImportLine['activations']; machinesThere: number };

/** Works out what becomes of each line, given what is there; holds the policies and the known licenses until the transaction ends. */
export async function planImport(tx: Transaction, { keys }: Licensing, { scope, lines }: { scope: Scope; lines: ImportLine[] }): Promise<{ plans: Plan[]; refused: RefusedLine[] }> {
  const hashes = lines.map(({ license }) => keys.read(license.key).hash);
  const licenses = await licensesWith(tx, scope, hashes);
  const policyIds = [...lines.map(({ policyId }) => policyId), ...[...licenses.values()].map(({ policyId }) => policyId)].filter((id) => id !== null);
  const policies = await tx.find(Policy, { id: { $in: [...new Set(policyIds)] } }, { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_READ });
  const machines = await machinesThere(tx, { lines, licenses: [...licenses.values()] });
  const refused: RefusedLine[] = [];
  const plans: Plan[] = [];
  for (const [n, line] of lines.entries()) {
    const known = licenses.get(hashes[n]?.toString('hex') ?? '') ?? null;
    const policyId = known?.policyId ?? line.policyId;
    const policy = policies.find(({ id }) => id === policyId) ?? null;
    const refusal = known === null ? refusalOf(line, policy) : null;
    if (refusal !== null) refused.push(refusedLine(line, line, refusal));
    else plans.push(await planMachines(tx, { scope, machines, refused }, { line, policy, known }));
  }
  return { plans, refused };
}

export function refusedLine({ license }: Pick<ImportLine, 'license'>, { at, place }: At, reason: string): RefusedLine {
  return { at, place, key: hintOf(license.key), reason };
}

function refusalOf({ license, policyId, there }: ImportLine, policy: PolicyRow | null): string | null {
  if (there) return 'The license was deleted meanwhile';
  if (policyId === null) return null;
  if (policy === null || policy.deletedAt !== null) return 'The policy was deleted meanwhile';
  const asked = { maxMachinesOverride: overrideFor(license.limit, policy.maxMachines), maxUsesOverride: overrideFor(license.max_uses, policy.maxUses) };
  return overridesRefused(policy, asked) ? `The policy ${policy.name} is not overridable, and its limits are others` : null;
}

/** Which of these keys licenses have already. */
export async function keysThere({ database, keys }: Pick<Licensing, 'database' | 'keys'>, scope: Scope, texts: string[]): Promise<Set<string>> {
  const hashed = texts.map((text) => ({ text, hash: keys.read(text).hash }));
  const found = new Set((await idsWith(reading(database), scope, hashed.map(({ hash }) => hash))).map(({ hash }) => hash));
  return new Set(hashed.flatMap(({ text, hash }) => (found.has(hash.toString('hex')) ? [text] : [])));
}

async function idsWith(tx: Transaction, scope: Scope, hashes: Buffer[]): Promise<{ id: string; hash: string }[]> {
  return query(tx, sql<{ id: string; hash: string }>`
    select id, encode(key_hash, 'hex') as hash from licenses where scope_id = ${scope.id} and deleted_at is null and key_hash = any(${hashes}::bytea[])`);
}

async function licensesWith(tx: Transaction, scope: Scope, hashes: Buffer[]): Promise<Map<string, LicenseRow>> {
  const found = await idsWith(tx, scope, hashes);
  const rows = await tx.find(License, { ...liveIn(scope), id: { $in: found.map(({ id }) => id) } }, { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return new Map(found.flatMap(({ id, hash }) => (byId.has(id) ? [[hash, byId.get(id)]] : [])).filter((entry): entry is [string, LicenseRow] => entry[1] !== undefined));
}

type There = { id: string; license_id: string; fingerprint: string };

/** Machines that have an id which comes in, and all that known licenses have or had: what was taken off here since the first time stays off. */
async function machinesThere(tx: Transaction, { lines, licenses }: { lines: ImportLine[]; licenses: LicenseRow[] }): Promise<{ ids: Map<string, There>; fingerprints: Set<string>; claimed: Map<string, string> }> {
  const ids = lines.flatMap(({ activations }) => activations.flatMap(({ activation }) => activation.id ?? []));
  const found = await query(tx, sql<There>`
    select id, license_id, fingerprint from machines where id = any(${ids}::uuid[])
    union all select id, license_id, fingerprint from machines where license_id = any(${licenses.map(({ id }) => id)}::uuid[])`);
  return { ids: new Map(found.map((machine) => [machine.id, machine])), fingerprints: new Set(found.map((machine) => `${machine.license_id} ${machine.fingerprint}`)), claimed: new Map() };
}

type Planning = { scope: Scope; machines: Awaited<ReturnType<typeof machinesThere>>; refused: RefusedLine[] };

async function planMachines(tx: Transaction, { scope, machines, refused }: Planning, { line, policy, known }: Pick<Plan, 'line' | 'policy' | 'known'>): Promise<Plan> {
  const plan: Plan = { line, policy, known, machines: [], machinesThere: 0 };
  for (const one of line.activations) {
    const { id, fingerprint } = one.activation;
    const holder = machines.ids.get(id ?? '');
    if (known !== null && (holder?.license_id === known.id || machines.fingerprints.has(`${known.id} ${fingerprint}`))) {
      plan.machinesThere += 1;
      continue;
    }
    const refusal = holder ? `The id ${id} is another machine's already` : await refuseClaimed(tx, { scope, machines, plan }, one);
    if (refusal === null) plan.machines.push(one);
    else refused.push(refusedLine(line, one, refusal));
  }
  return plan;
}

/** What else holds the id or the fingerprint of an activation: in this batch, or by the policy's rule. */
async function refuseClaimed(tx: Transaction, { scope, machines: { claimed }, plan }: { scope: Scope; machines: Planning['machines']; plan: Plan }, { place, activation }: ImportLine['activations'][number]): Promise<string | null> {
  const { policy, known, line } = plan;
  const realm = { PER_LICENSE: `license ${line.at}`, PER_POLICY: `policy ${policy?.id}`, PER_ACCOUNT: 'account' }[policy?.fingerprintUniqueness ?? 'PER_LICENSE'];
  const claims = [...(activation.id === null ? [] : [{ what: 'id', claim: activation.id }]), { what: 'fingerprint', claim: `${realm} ${activation.fingerprint}` }];
  const double = claims.find(({ claim }) => claimed.has(claim));
  if (double) return `The same ${double.what} is in line ${claimed.get(double.claim)} already`;
  const taken = policy && policy.fingerprintUniqueness !== 'PER_LICENSE' ? await refuseTaken(tx, { id: known?.id ?? NO_ID, scopeId: scope.id, policy }, activation.fingerprint) : null;
  if (taken) return taken.message;
  for (const { claim } of claims) claimed.set(claim, place);
  return null;
}
