import { type Column, columnsOf } from './columns.ts';
import type { Found } from './export-format.ts';
import { readRecord } from './records.ts';

/** What a CSV's things are staged under. */
export const CSV_TYPES = { licenses: 'license', activations: 'activation' };

/** What the first line of a CSV says: which column stands where. */
export type Header = { at: Map<Column, number>; width: number; keepsIds: boolean };

export function readHeader(cells: string[], from: string): { header: Header; unread: string[] } {
  const { at, unread } = columnsOf(cells);
  const keepsIds = from === 'lemon-squeezy' || /instance/i.test(cells[at.get('activations') ?? -1] ?? '');
  return { header: { at, width: cells.length, keepsIds }, unread };
}

/** What a line says: a license, and what was activated on it. */
export function readRow({ at, width, keepsIds }: Header, cells: string[], place: string): Found[] {
  const row = Object.fromEntries([...at].map(([column, index]) => [column, cells[index] ?? '']));
  if (cells.length !== width) return [{ place, key: row['key'], reason: `has ${cells.length} columns, where the first line has ${width}` }];
  return readRecord(row, { place, id: place, types: CSV_TYPES, keepsIds });
}

const DELIMITERS = [',', ';', '\t'];

/** What stands between the columns, by the first line: also a semicolon, as spreadsheets write it where a comma is in numbers, or a tab. */
export function delimiterOf(begins: string): string {
  const [first = ''] = begins.split(/[\r\n]/, 1);
  const counts = DELIMITERS.map((delimiter) => first.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}
