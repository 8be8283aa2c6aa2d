import type { Staged } from '../../database/staging.ts';
import { hintOf, type LicenseKeys } from '../../licensing/license-key.ts';
import type { Found, Resource } from './export-format.ts';
import type { Source } from './import-staged.ts';
import { type ExportFile, readExport } from './read-export.ts';

/** Rows that go in one statement. */
const MOST_AT_ONCE = 500;

/** Reads the files from beginning to end and stages what they hold; what cannot be read is told. */
export async function stageExports(source: Source, keys: LicenseKeys, { files, from, unread }: { files: ExportFile[]; from: string; unread: (columns: string[]) => void }): Promise<void> {
  let done = 0;
  for (const file of files) {
    for await (const read of readExport(file, { from, format: source.format, unread })) {
      const found = read.map(refuseUnstorable);
      await source.refusals.tell(found.flatMap((one) => ('reason' in one ? [{ place: one.place, key: one.key ? hintOf(one.key) : '', reason: one.reason }] : [])));
      const rows = found.flatMap((one) => ('resource' in one ? [stagedOf(one, keys)] : []));
      for (let n = 0; n < rows.length; n += MOST_AT_ONCE) await source.staging.add(rows.slice(n, n + MOST_AT_ONCE));
      source.progress.show('Read', { done: (done += found.length), refused: source.refusals.count() });
    }
  }
  await source.staging.complete();
}

/** A NUL or half a letter, as JSON writes them: PostgreSQL holds neither. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

function refuseUnstorable(found: Found): Found {
  if (!('resource' in found)) return found;
  const { place, resource } = found;
  if (isDeeper(resource, DEEPEST)) return { place, reason: `is nested more than ${DEEPEST} levels deep` };
  return UNSTORABLE.test(JSON.stringify(resource)) ? { place, reason: 'contains a NUL or broken Unicode' } : found;
}

/** What goes down further would be too much for whoever writes or reads it. */
const DEEPEST = 100;

function isDeeper(value: unknown, most: number): boolean {
  return typeof value === 'object' && value !== null && (most === 0 || Object.values(value).some((part) => isDeeper(part, most - 1)));
}

function stagedOf({ place, resource, owner }: Extract<Found, { resource: Resource }>, keys: LicenseKeys): Staged {
  const { key } = resource.attributes;
  return { type: resource.type, id: resource.id, owner, place, data: resource, keyHash: typeof key === 'string' ? keys.read(key).hash : null };
}
