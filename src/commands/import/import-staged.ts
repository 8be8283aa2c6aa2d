import type { Scope } from '../../database/scope.ts';
import type { StagedRow, Staging } from '../../database/staging.ts';
import { importedActivation, importedLicense, readAs } from '../../licensing/core/imported-license.ts';
import { type Imported, importLicenses } from '../../licensing/import-licenses.ts';
import { hintOf } from '../../licensing/license-key.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import type { Placing } from '../../licensing/place-licenses.ts';
import { type ImportLine, keysThere, refusedLine, type RefusedLine } from '../../licensing/plan-import.ts';
import { type ExportFormat, type Resource, resource } from './export-format.ts';
import type { Progress } from './progress.ts';
import type { Refusals } from './refusals.ts';

/** Licenses that go in one transaction. */
const BATCH = 300;

export type Source = { staging: Staging; format: ExportFormat; refusals: Refusals; progress: Progress };
export type Target = { licensing: Licensing; scope: Scope; placing: Placing; now: () => Promise<Date>; dryRun: boolean };

/** What was imported in all, and what the vendor should know of how many licenses. */
export type Total = Omit<Imported, 'refused'> & { notes: Map<string, number> };

/** Imports what was staged, a batch after the other, and tells and sets aside what is refused: a second run meets only what the first took. */
export async function importStaged(source: Source, target: Target): Promise<Total> {
  const { staging, format, refusals, progress } = source;
  const total: Total = { licenses: 0, licensesThere: 0, machines: 0, machinesThere: 0, notes: new Map() };
  const all = await staging.count(format.licenses);
  let done = 0;
  for (let rows = await staging.next(format.licenses, 0, BATCH); rows.length > 0; rows = await staging.next(format.licenses, rows.at(-1)?.at ?? 0, BATCH)) {
    const now = await target.now();
    const { lines, refused, notes } = await readBatch(source, target, rows, now);
    for (const note of notes) total.notes.set(note, (total.notes.get(note) ?? 0) + 1);
    const imported = await importLicenses(target.licensing, target.scope, { lines, dryRun: target.dryRun }, now);
    for (const kind of ['licenses', 'licensesThere', 'machines', 'machinesThere'] as const) total[kind] += imported[kind];
    await setAside(source, [...refused, ...imported.refused]);
    progress.show(target.dryRun ? 'Checked' : 'Imported', { done: (done += rows.length), of: all, refused: refusals.count() });
  }
  await refuseStrays(source);
  return total;
}

async function setAside({ staging, refusals }: Source, refused: RefusedLine[]): Promise<void> {
  await refusals.tell(refused.toSorted((one, other) => one.at - other.at));
  if (refused.length > 0) await staging.setAside(refused.map(({ at }) => at));
}

/** Activations of licenses that no file holds. */
async function refuseStrays(source: Source): Promise<void> {
  const next = () => source.staging.strays(source.format.activations, source.format.licenses, BATCH);
  for (let rows = await next(); rows.length > 0; rows = await next()) {
    await setAside(source, rows.map(({ at, place }) => ({ at, place, key: '', reason: 'activation: its license is not in the file' })));
  }
}

type Batch = { lines: ImportLine[]; refused: RefusedLine[]; notes: string[] };

async function readBatch({ staging, format }: Source, { licensing, scope, placing }: Target, rows: StagedRow[], now: Date): Promise<Batch> {
  const licenses = rows.map((row) => ({ row, thing: resource.parse(row.data) }));
  const named = new Map((await staging.named(format.named, [...new Set(licenses.flatMap(({ thing }) => format.idsNamedBy(thing)))])).map((row) => [`${row.type} ${row.id}`, resource.parse(row.data)]));
  const owned = Map.groupBy(await staging.ownedBy(format.activations, rows.map(({ id }) => id)), ({ owner }) => owner);
  const there = await keysThere(licensing, scope, licenses.flatMap(({ thing }) => (typeof thing.attributes['key'] === 'string' ? [thing.attributes['key']] : [])));
  const batch: Batch = { lines: [], refused: [], notes: [] };
  for (const { row, thing } of licenses) {
    const claim = format.readLicense(thing, (type, id) => named.get(`${type} ${id}`));
    const refusal = await readLine({ row, claimed: claim.license, activations: owned.get(row.id) ?? [] }, { format, placing, there, batch });
    if (refusal !== null) batch.refused.push({ at: row.at, place: row.place, key: hintOfAny(thing), reason: refusal });
    else batch.notes.push(...claim.notes, ...(endsNow(batch.lines.at(-1)?.license, now) ? ['are said to have expired, without an end in the past: they end at the moment of the import'] : []));
  }
  return batch;
}

function endsNow(license: ImportLine['license'] | undefined, now: Date): boolean {
  return license?.status === 'expired' && (license.expires_at == null || license.expires_at > now);
}

function hintOfAny({ attributes: { key } }: Resource): string {
  return typeof key === 'string' && key !== '' ? hintOf(key) : '';
}

type Reading = { format: ExportFormat; placing: Placing; there: Set<string>; batch: Batch };
type Claimed = { row: StagedRow; claimed: object; activations: StagedRow[] };

/** Reads one license with its activations into the batch, or says why it is refused. */
async function readLine({ row, claimed, activations }: Claimed, { format, placing, there, batch }: Reading): Promise<string | null> {
  if (row.doubleOf !== null) return `The same key is in line ${row.doubleOf} already`;
  const license = readAs(importedLicense, claimed);
  if (!license.ok) return license.reason;
  // What is there already stays where it is: nothing is made for it.
  const isThere = there.has(license.value.key);
  const placed = isThere ? { ok: true as const, policyId: null } : await placing.place(license.value);
  if (!placed.ok) return placed.reason;
  const line: ImportLine = { at: row.at, place: row.place, license: license.value, there: isThere, policyId: placed.policyId, activations: [] };
  for (const { at, place, data } of activations) {
    const activation = readAs(importedActivation, format.readActivation(resource.parse(data)));
    if (activation.ok) line.activations.push({ at, place, activation: activation.value });
    else batch.refused.push(refusedLine(line, { at, place }, `activation: ${activation.reason}`));
  }
  batch.lines.push(line);
  return null;
}
