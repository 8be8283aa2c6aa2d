import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';
import { bootstrapApiKeys, checkSecret, defaultScopes } from '../src/bootstrap.ts';
import { startEmbeddedPostgres } from '../src/database/embedded-postgres.ts';
import { migrate } from '../src/database/migrate.ts';
import { connectDatabase } from '../src/database/orm.ts';
import { createLicenseKeys } from '../src/licensing/license-key.ts';
import { seed, type Seeded } from './seed.ts';

const SECRET = 'a secret for benchmarks, long enough to pass';
const CONNECTIONS = 32;
const WARM_UP_S = 2;

type Options = { seconds: number; rounds: number; licenses: number };
type Measured = { perSecond: number; p99: number };

/** A measurement: where it is sent, and the bodies it goes through. */
type Load = { name: string; url: string; bodies: string[] };

/**
 * validate-key, served by Tillkey as it is in production (its own process, logging, signing; rate limits off), against the bare
 * routes of `baseline-server.ts`. Each round measures every load once, the order turning from round to round; ratios are
 * taken within a round.
 */
export async function benchValidate({ seconds, rounds, licenses }: Options): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tillkey-bench-'));
  const embedded = process.env['DATABASE_URL'] === undefined ? await startEmbeddedPostgres(folder) : null;
  const databaseUrl = embedded?.url ?? process.env['DATABASE_URL'] ?? '';
  const children: ChildProcess[] = [];
  try {
    const { uncounted, counted } = await prepare(databaseUrl, licenses);
    const environment = { DATABASE_URL: databaseUrl, TILLKEY_SECRET: SECRET, TILLKEY_DATA_DIR: folder, PORT: '0', HOST: '127.0.0.1', RATE_LIMIT_VALIDATE: '0' };
    const bare = await serve(children, ['bench/baseline-server.ts'], environment);
    const tillkey = await serve(children, ['src/main.ts', 'web'], environment);
    const loads = loadsOf(bare, `${tillkey}/api/v1/licenses/validate-key`, { uncounted, counted });
    for (const load of loads) await measure(load, WARM_UP_S);
    const found: Map<string, Measured>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const measured = new Map<string, Measured>();
      for (const load of [...loads.slice(round), ...loads.slice(0, round)]) {
        measured.set(load.name, await measure(load, seconds));
        process.stdout.write(`round ${round + 1} of ${rounds}: ${load.name.padEnd(26)} ${Math.round(measured.get(load.name)?.perSecond ?? 0)}/s, p99 ${measured.get(load.name)?.p99} ms\n`);
      }
      found.push(measured);
    }
    report(found);
  } finally {
    for (const child of children) child.kill('SIGTERM');
    for (const child of children) if (child.exitCode === null) await once(child, 'exit');
    await embedded?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(databaseUrl: string, licenses: number) {
  const database = await connectDatabase(databaseUrl);
  await migrate(database, databaseUrl);
  await checkSecret(database, SECRET);
  const scopes = await defaultScopes(database, new Date());
  await bootstrapApiKeys(database, scopes, { given: { live: undefined, test: undefined }, show: () => undefined }, new Date());
  const seeded = await seed(database, createLicenseKeys(SECRET), scopes.live.id, licenses);
  await database.close(true);
  return seeded;
}

/** Starts a server in a process of its own and waits for the address it prints. */
async function serve(children: ChildProcess[], args: string[], environment: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  const address = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const found = /http:\/\/(?:localhost|127\.0\.0\.1):(\d+)/.exec(line);
      if (found) resolve(`http://127.0.0.1:${found[1]}`);
    });
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}`)));
  });
  return address;
}

/** Spread: a license a request, all in turn. Hot: one license for all. */
function loadsOf(bare: string, validate: string, { uncounted, counted }: { uncounted: Seeded[]; counted: Seeded[] }): Load[] {
  const ask = (seeded: Seeded[]) => seeded.map(({ key, fingerprint }) => JSON.stringify({ key, fingerprint }));
  const join = (seeded: Seeded[]) => seeded.map(({ hash, fingerprint }) => JSON.stringify({ hash, fingerprint }));
  const hot = (seeded: Seeded[]) => seeded.slice(0, 1);
  return [
    { name: 'constant', url: `${bare}/constant`, bodies: ask(hot(uncounted)) },
    { name: 'join, spread', url: `${bare}/join`, bodies: join(uncounted) },
    { name: 'validate, spread', url: validate, bodies: ask(uncounted) },
    { name: 'counted, spread', url: validate, bodies: ask(counted) },
    { name: 'join, hot', url: `${bare}/join`, bodies: join(hot(uncounted)) },
    { name: 'validate, hot', url: validate, bodies: ask(hot(uncounted)) },
    { name: 'counted, hot', url: validate, bodies: ask(hot(counted)) },
  ];
}

async function measure({ url, bodies }: Load, seconds: number): Promise<Measured> {
  let next = Math.floor(Math.random() * bodies.length);
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    requests: [{
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      setupRequest: (request) => ({ ...request, body: bodies[(next += 1) % bodies.length] ?? '' }),
    }],
  });
  if (result.non2xx + result.errors + result.timeouts > 0) throw new Error(`${url}: ${result.non2xx} refused, ${result.errors} errors, ${result.timeouts} timeouts`);
  return { perSecond: result.requests.average, p99: result.latency.p99 };
}

const comparisons = [
  ['validate, spread', 'join, spread', 1.0],
  ['validate, hot', 'join, hot', 1.0],
  ['counted, spread', 'join, spread', 0.6],
  ['counted, hot', 'join, hot', 0.6],
  ['validate, spread', 'constant', null],
  ['validate, hot', 'constant', null],
] as const;

function report(rounds: Map<string, Measured>[]): void {
  const ratio = (what: string, to: string, of: (measured: Measured) => number) =>
    rounds.flatMap((round) => {
      const [a, b] = [round.get(what), round.get(to)];
      return a && b ? [of(a) / of(b)] : [];
    }).sort((x, y) => x - y);
  const say = (ratios: number[]) => `${(ratios[Math.floor(ratios.length / 2)] ?? NaN).toFixed(2)} (${(ratios[0] ?? NaN).toFixed(2)} to ${(ratios.at(-1) ?? NaN).toFixed(2)})`;
  process.stdout.write(`\nMedian over ${rounds.length} rounds (lowest to highest), ${CONNECTIONS} connections:\n\n`);
  for (const [what, to, goal] of comparisons) {
    const [rate, latency] = [ratio(what, to, ({ perSecond }) => perSecond), ratio(what, to, ({ p99 }) => p99)];
    process.stdout.write(`  ${`${what} / ${to}`.padEnd(36)} requests a second ${say(rate)}${goal === null ? '' : `, goal ${goal.toFixed(1)}`}; p99 ${say(latency)}${goal === null ? '' : ', goal below 2'}\n`);
  }
}
