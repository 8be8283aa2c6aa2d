import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fillDataFolder } from '../support/data-folder.ts';
import { createDatabase } from '../support/database.ts';
import { addressOf, spawnTillkey, type TillkeyProcess } from '../support/process.ts';
import { callAt } from '../support/service.ts';

const TIMEOUT_MS = 60_000;

let folder: string;
let processes: TillkeyProcess[];
beforeEach(async () => {
  [folder, processes] = [await mkdtemp(join(tmpdir(), 'tillkey-rotate-')), []];
});
afterEach(async () => {
  for (const tillkey of processes) await tillkey.end('SIGTERM');
  await rm(folder, { recursive: true, force: true });
});

function start(args: string[], environment: Record<string, string> = {}): TillkeyProcess {
  const tillkey = spawnTillkey(args, { TILLKEY_DATA_DIR: folder, LOG_LEVEL: 'silent', ...environment });
  processes.push(tillkey);
  return tillkey;
}

const published = async (url: string) => (await callAt(url)('GET', '/public-keys', { key: null })).body.data;

async function rotate(environment?: Record<string, string>): Promise<string> {
  const command = start(['keys:rotate'], environment);
  expect(await command.exitCode).toBe(0);
  return /new signing key is ([0-9a-f]{16})/.exec(command.printed())?.[1] ?? command.printed();
}

describe('npm run keys:rotate', () => {
  test('makes a new key while Tillkey runs on its embedded database, and the old one stays published', async () => {
    await fillDataFolder(folder);
    const url = await addressOf(start([]));
    const [first] = await published(url);
    const kid = await rotate();
    expect(await published(url)).toEqual([
      expect.objectContaining({ kid, retiredAt: null }),
      { ...first, retiredAt: expect.any(String) },
    ]);
    expect((await callAt(url)('GET', '/readyz')).status).toBe(200);
  }, TIMEOUT_MS);

  test('works on the embedded database while no Tillkey runs, and leaves the folder free', async () => {
    await fillDataFolder(folder);
    const first = start([]);
    await addressOf(first);
    await first.end('SIGTERM');
    const kid = await rotate();
    expect(await published(await addressOf(start([])))).toContainEqual(expect.objectContaining({ kid, retiredAt: null }));
  }, TIMEOUT_MS);

  test('refuses a folder that no Tillkey ever worked on, and leaves no trace in it', async () => {
    const nowhere = join(folder, 'mistyped');
    const command = start(['keys:rotate'], { TILLKEY_DATA_DIR: nowhere });
    expect(await command.exitCode).toBe(1);
    expect(command.printed()).toMatch(/npm start once first.*TILLKEY_DATA_DIR/);
    expect(existsSync(nowhere)).toBe(false);
  }, TIMEOUT_MS);

  test('works on DATABASE_URL', async () => {
    const database = await createDatabase();
    const environment = { DATABASE_URL: database.url };
    const url = await addressOf(start(['web'], environment));
    const kid = await rotate(environment);
    expect((await published(url))[0].kid).toBe(kid);
    for (const tillkey of processes) await tillkey.end('SIGTERM');
    await database.drop();
  }, TIMEOUT_MS);

  test('--help tells what it does', async () => {
    const help = start(['keys:rotate', '--help']);
    expect(await help.exitCode).toBe(0);
    expect(help.printed()).toContain('npm run keys:rotate');
  });
});
