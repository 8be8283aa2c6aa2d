import { type FileHandle, open } from 'node:fs/promises';
import { misused } from '../command.ts';

/** What of a file is refused: where it stands, as much of the key as tells it, and why. */
type Refusal = { place: string; key: string; reason: string };

/** Tells each as it comes: a line each in a CSV, or for whoever reads along. */
export type Refusals = { tell(refusals: Refusal[]): Promise<void>; count(): number; close(): Promise<void> };

export async function tellRefusals(path: string | undefined): Promise<Refusals> {
  const file = path === undefined ? null : await create(path);
  await file?.write('line,key,reason\n');
  let count = 0;
  return {
    tell: async (refusals) => {
      count += refusals.length;
      const lines = refusals.map((refusal) => (file ? csvLine([refusal.place, refusal.key, refusal.reason]) : `line ${refusal.place}${refusal.key && ` (${refusal.key})`}: ${refusal.reason}\n`)).join('');
      if (file) await file.write(lines);
      else process.stderr.write(lines);
    },
    count: () => count,
    close: async () => file?.close(),
  };
}

async function create(path: string): Promise<FileHandle> {
  return open(path, 'w').catch((error: unknown) => {
    throw misused(`--report: cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
}

function csvLine(cells: string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`;
}
