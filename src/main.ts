import { constants, existsSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Config, readConfig } from './config.ts';
import { systemClock } from './clock.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres, visitEmbeddedPostgres } from './database/embedded-postgres.ts';
import { AppError } from './errors.ts';
import { type PublicKey, spkiOf } from './licensing/signing-keys.ts';
import { createLogger } from './logger.ts';
import { type Role, roles } from './role.ts';
import { type Service, startService } from './service.ts';

const HELP = `Tillkey: from the till to the key.

  npm start              web and worker in one process; without DATABASE_URL on an embedded PostgreSQL
  npm start -- web       the HTTP side alone      (needs DATABASE_URL)
  npm start -- worker    the background side alone (needs DATABASE_URL)
  npm start -- migrate   bring the database up to date, then exit (needs DATABASE_URL)
  npm run keys:rotate    make a new key to sign with, on DATABASE_URL or the data folder, also while Tillkey runs; what the old
                         ones signed keeps verifying
  npm start -- --help    this text

Settings come from the environment or a file .env; .env.example lists them all.
`;

const commands = [...roles, 'keys:rotate'] as const;

/** A reader of our output may go away (`| head`): that is no reason to end without stopping. */
process.stdout.on('error', () => undefined);

/** Exit codes: 2 is a wrong call or setting, 1 anything that went wrong. */
async function main(args: string[]): Promise<void> {
  const [named = 'all', ...surplus] = args;
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(HELP);
  const command = commands.find((candidate) => candidate === named);
  if (command === undefined || surplus.length > 0) return fail(2, `unknown command: ${args.join(' ')}\n\n${HELP}`);
  if (existsSync('.env')) process.loadEnvFile('.env');
  const read = readConfig(process.env);
  if (!read.ok) return fail(2, `Tillkey cannot start, settings are wrong:\n\n  ${read.faults.join('\n  ')}\n`);
  if (command === 'keys:rotate') return rotateKeys(read.config);
  if (command !== 'all' && read.config.DATABASE_URL === undefined) {
    return fail(2, `DATABASE_URL: needed by \`npm start -- ${command}\`. Example: DATABASE_URL=postgres://tillkey:password@localhost:5432/tillkey`);
  }
  await run(command, read.config);
}

/** Signals count from the first moment: one that comes while we start stops what has been started. */
async function run(role: Role, config: Config): Promise<void> {
  const starting = start(role, config, async (dataFolder) => {
    await makeDataFolder(dataFolder);
    return startEmbeddedPostgres(dataFolder);
  });
  stopOnSignal(async () => (await starting).stop());
  stopWithNpm();
  const { service, stop } = await starting;
  if (role === 'migrate') return stop();
  process.stdout.write(service.banner);
}

async function rotateKeys(config: Config): Promise<void> {
  const { service, stop } = await start('migrate', config, visitEmbeddedPostgres);
  const { signingKeys } = service.dependencies;
  const publicKeys = signingKeys.rotate(systemClock.now()).then(() => signingKeys.publicKeys());
  const [current, ...old] = await publicKeys.finally(stop);
  if (current) process.stdout.write(rotated(current, old.length));
}

function rotated({ kid, raw }: PublicKey, oldKeys: number): string {
  return `
The new signing key is ${kid}. It signs from now on; a Tillkey that runs takes it up within half a minute.
Its public key, for apps that carry it in their code:

  hex   ${raw.toString('hex')}
  SPKI  ${spkiOf(raw)}

What the ${oldKeys === 1 ? 'old key' : `${oldKeys} old keys`} signed keeps verifying: GET /public-keys lists them all.
`;
}

type Started = { service: Service; stop: () => Promise<void> };

async function start(role: Role, config: Config, openEmbedded: (dataFolder: string) => Promise<EmbeddedPostgres>): Promise<Started> {
  const dataFolder = resolve(config.TILLKEY_DATA_DIR);
  const embedded = config.DATABASE_URL === undefined ? await openEmbedded(dataFolder) : null;
  await makeDataFolder(dataFolder);
  const databaseUrl = embedded?.url ?? config.DATABASE_URL ?? '';
  const log = createLogger(config.LOG_LEVEL);
  const service = await startService({ role, config, clock: systemClock, log, dataFolder, databaseUrl, show: printKeys }).catch(async (error: unknown) => {
    await embedded?.stop();
    throw error;
  });
  const stop = async () => {
    await service.stop();
    await embedded?.stop();
  };
  return { service, stop };
}

async function makeDataFolder(path: string): Promise<void> {
  const usable = mkdir(path, { recursive: true, mode: 0o700 }).then(() => access(path, constants.R_OK | constants.W_OK | constants.X_OK));
  await usable.catch((cause: Error) => {
    throw new AppError('DATA_FOLDER_UNUSABLE', 500, `TILLKEY_DATA_DIR: ${path} cannot be used: ${cause.message}. Give a folder that may be written to`, { cause });
  });
}

/** An npm that is killed hard would leave us running where no Ctrl-C reaches us: its end is ours. */
function stopWithNpm(): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  watch.unref();
}

/** One Ctrl-C under npm arrives twice: from the terminal, and passed on by npm. */
const ECHO_MS = 1_000;

/** The first signal finishes what is in flight; a second one, or half a minute, ends it hard. */
function stopOnSignal(stop: () => Promise<void>): void {
  let stoppingSince: number | null = null;
  const onSignal = (signal: string) => {
    if (stoppingSince !== null) {
      if (performance.now() - stoppingSince > ECHO_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    process.stdout.write(`\n${signal}: finishing what is in flight (again to stop at once)\n`);
    setTimeout(() => process.exit(1), 30_000).unref();
    stop().then(() => process.exit(0), (error: unknown) => fail(1, `did not stop cleanly: ${messageOf(error)}`));
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, onSignal);
}

function printKeys(keys: { mode: string; key: string }[]): void {
  const lines = keys.map(({ mode, key }) => `  ${mode}   ${key}`);
  process.stdout.write(`\nAPI keys of the account "default". They are shown this once; keep them safe.\n\n${lines.join('\n')}\n`);
}

function messageOf(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function fail(code: number, message: string): void {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

main(process.argv.slice(2)).catch((error: unknown) => fail(1, `Tillkey did not start: ${messageOf(error)}`));
