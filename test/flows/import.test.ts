import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { importCommand } from '../../src/commands/import-licenses.ts';
import { readCall } from '../../src/commands/command.ts';
import { AppError } from '../../src/errors.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** Moving in: the command as it runs at a terminal, in this process, but for a test that ends it half-way. */

let tillkey: TestService;
let folder: string;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
  folder = await mkdtemp(join(tmpdir(), 'tillkey-import-'));
});
afterAll(async () => {
  await tillkey.stop();
  await rm(folder, { recursive: true });
});

type Ended = { code: number; said: string; refused: string[] };

let files = 0;

/** Imports what stands in `text` into the test data: what was said, the lines of the report, and the code it would end with. */
async function run(from: string, text: string | Buffer, options: string[] = []): Promise<Ended> {
  const path = join(folder, `export-${(files += 1)}`);
  await writeFile(path, text);
  return runOn([path], ['--from', from, '--test', ...options]);
}

async function runOn(paths: string[], options: string[]): Promise<Ended> {
  const report = join(folder, `report-${(files += 1)}.csv`);
  const said: string[] = [];
  const call = { ...readCall(importCommand, [...options, '--report', report, ...paths]), say: (line: string) => void said.push(line) };
  const code = await importCommand.run(call, tillkey.service.dependencies).then(() => 0, (error: unknown) => {
    if (!(error instanceof AppError)) throw error;
    said.push(error.message);
    return error.code === 'USAGE' ? 2 : 1;
  });
  const [, ...refused] = (await readFile(report, 'utf8').catch(() => '')).trimEnd().split('\n');
  return { code, said: said.join('\n'), refused };
}

const get = async (path: string) => (await tillkey.call('GET', `/api/v1${path}`)).body.data;
const licenseOf = async (key: string) => (await get(`/licenses?key=${encodeURIComponent(key)}`))[0];
const validate = async (key: string, fingerprint?: string) => (await tillkey.call('POST', '/api/v1/licenses/validate-key', { body: { key, ...(fingerprint && { fingerprint }) }, key: null })).body.data;

test('smoke', async () => {
  const r = await run('csv', 'Key,E-Mail,email,Name,Limit,Expires At,activations\r\nabc-DEF-123,x,jo@example.com,Jo,3,2031-01-01,machine-0001;machine-0002\r\n\r\nshort,,,,,,\r\n');
  console.log(r, await licenseOf('abc-DEF-123'), await validate('abc-DEF-123', 'machine-0001'));
});
