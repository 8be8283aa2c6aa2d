import { constants, existsSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Config, readConfig } from './config.ts';
import { systemClock } from './clock.ts';
import { accountsCreate } from './commands/accounts-create.ts';
import { type Call, type Command, misused, readCall } from './commands/command.ts';
import { importCommand } from './commands/import-licenses.ts';
import { mailsPreview } from './commands/mails-preview.ts';
import { rotateKeys } from './commands/rotate-keys.ts';
import { stripeConnect } from './commands/stripe-connect.ts';
import { stripeReconcile } from './commands/stripe-reconcile.ts';
import { stripeReplay } from './commands/stripe-replay.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres, visitEmbeddedPostgres } from './database/embedded-postgres.ts';
import { AppError } from './errors.ts';
import { createLogger } from './logger.ts';
import { type Role, roles } from './role.ts';
import type { Service } from './service.ts';
import { stopOnSignal, stopWithNpm } from './signals.ts';

const commands: Command<Service['dependencies']>[] = [importCommand, stripeConnect, stripeReconcile, stripeReplay, accountsCreate, rotateKeys];
/** Commands that need nothing of a Tillkey, not even its settings. */
const commandsAlone: Command<null>[] = [mailsPreview];
const allCommands = [...commands, ...commandsAlone];

const HELP = `Tillkey: from the till to the key.

  npm start              web and worker in one process; without DATABASE_URL on an embedded PostgreSQL
  npm start -- web       the HTTP side alone      (needs DATABASE_URL)
  npm start -- worker    the background side alone (needs DATABASE_URL)
  npm start -- migrate   bring the database up to date, then exit (needs DATABASE_URL)
  npm start -- --help    this text

Commands that run once, on DATABASE_URL or the data folder, also while Tillkey runs; each tells more with -- --help:

${allCommands.map(({ name, summary }) => `  npm run ${name.padEnd(17)}${summary}`).join('\n')}

Settings come from the environment or a file .env; .env.example lists them all.
`;

/** A reader of our output may go away (`| head`): that is no reason to end without stopping. */
process.stdout.on('error', () => undefined);

/** Exit codes: 2 is a wrong call or setting, 1 anything that went wrong. */
async function main(args: string[]): Promise<void> {
  const [named = 'all', ...rest] = args;
  const isNamed = ({ name }: { name: string }) => name === named;
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(allCommands.find(isNamed)?.help ?? HELP);
  const alone = commandsAlone.find(isNamed);
  if (alone) return alone.run(callOf(alone, rest), null);
  if (existsSync('.env')) process.loadEnvFile('.env');
  const command = commands.find(isNamed);
  return command ? runCommand(command, rest) : runRole(named, args);
}

async function runRole(named: string, args: string[]): Promise<void> {
  const role = roles.find((candidate) => candidate === named);
  if (role === undefined || args.length > 1) throw misused(`unknown command: ${args.join(' ')}\n\n${HELP}`);
  const config = readSettings();
  if (role !== 'all' && config.DATABASE_URL === undefined) {
    throw misused(`DATABASE_URL: needed by \`npm start -- ${role}\`. Example: DATABASE_URL=postgres://tillkey:password@localhost:5432/tillkey`);
  }
  await run(role, config);
}

/** The settings; `unlessSet` stands in for those that are not set. */
function readSettings(unlessSet: Record<string, string> = {}): Config {
  const read = readConfig({ ...unlessSet, ...process.env });
  if (!read.ok) throw misused(`Tillkey cannot start, settings are wrong:\n\n  ${read.faults.join('\n  ')}\n`);
  return read.config;
}

/** Signals count from the first moment: one that comes while we start stops what has been started. */
async function run(role: Role, config: Config): Promise<void> {
  const starting = start(role, config, async (dataFolder) => {
    await makeDataFolder(dataFolder);
    return startEmbeddedPostgres(dataFolder);
  });
  stopOnSignal(async () => (await starting).stop(), (error) => fail(1, `did not stop cleanly: ${messageOf(error)}`));
  stopWithNpm();
  const { service, stop } = await starting;
  if (role === 'migrate') return stop();
  process.stdout.write(service.banner);
}

/** Runs a command beside a Tillkey that may be running: on its database, or on that of the data folder. */
async function runCommand(command: Command<Service['dependencies']>, args: string[]): Promise<void> {
  const call = callOf(command, args);
  const { service, stop } = await start('migrate', readSettings({ LOG_LEVEL: 'warn' }), visitEmbeddedPostgres);
  await command.run(call, service.dependencies).finally(stop);
}

function callOf(command: Parameters<typeof readCall>[0], args: string[]): Call {
  return { ...readCall(command, args), say: (line) => void process.stdout.write(`${line}\n`) };
}

type Started = { service: Service; stop: () => Promise<void> };

async function start(role: Role, config: Config, openEmbedded: (dataFolder: string) => Promise<EmbeddedPostgres>): Promise<Started> {
  // Loaded here, not above: who only asks for help, or is told of a slip, need not wait for it.
  const { startService } = await import('./service.ts');
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

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof AppError && error.code === 'USAGE') fail(2, error.message);
  else fail(1, `${allCommands.some(({ name }) => name === process.argv[2]) ? '' : 'Tillkey did not start: '}${messageOf(error)}`);
});
