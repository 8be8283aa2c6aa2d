import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCall } from '../../src/commands/command.ts';
import { importCommand } from '../../src/commands/import-licenses.ts';
import { AppError } from '../../src/errors.ts';
import type { TestService } from './service.ts';

/** What the command said, the lines of its report without the first, and the code it would end with. */
export type Ended = { code: number; said: string; refused: string[]; path: string };

let files = 0;

/** Imports what stands in `text` into the test data. */
export async function importFrom(tillkey: TestService, { folder, from, text }: { folder: string; from: string; text: string | Buffer }, options: string[] = []): Promise<Ended> {
  const path = join(folder, `export-${(files += 1)}`);
  await writeFile(path, text);
  return importOn(tillkey, folder, [path], ['--from', from, '--test', ...options]);
}

export async function importOn(tillkey: TestService, folder: string, paths: string[], options: string[]): Promise<Ended> {
  const report = join(folder, `report-${(files += 1)}.csv`);
  const said: string[] = [];
  const call = { ...readCall(importCommand, [...options, '--report', report, ...paths]), say: (line: string) => void said.push(line) };
  const code = await importCommand.run(call, tillkey.service.dependencies).then(() => 0, (error: unknown) => {
    if (!(error instanceof AppError)) throw error;
    said.push(error.message);
    return error.code === 'USAGE' ? 2 : 1;
  });
  const [, ...refused] = (await readFile(report, 'utf8').catch(() => '')).trimEnd().split('\n');
  return { code, said: said.join('\n'), refused, path: paths[0] ?? '' };
}
