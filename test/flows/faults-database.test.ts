import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { sql } from 'kysely';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded-postgres.ts';
import { control, ensureRunning, openServer, portOf } from '../../src/database/embedded-server.ts';
import { connectDatabase, inTransaction, query, reading } from '../../src/database/orm.ts';
import { type BehindLine, startBehindLine } from '../support/behind-line.ts';
import { cameTo, oneEach } from '../support/came-to.ts';
import { fillDataFolder } from '../support/data-folder.ts';
import { createDatabase } from '../support/database.ts';
import type { FakeEvent } from '../support/fake-stripe/state.ts';
import { backends } from '../support/service.ts';
import { until } from '../support/until.ts';

/** A PostgreSQL of this test's own, which it may kill. */
let folder: string;
let postgres: EmbeddedPostgres;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tillkey-faults-'));
  await fillDataFolder(folder);
  postgres = await startEmbeddedPostgres(folder);
});
afterAll(async () => {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

async function newDatabase(name: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`create database on_${name}`);
  await client.end();
  return postgres.url.replace(/postgres$/, `on_${name}`);
}

let shop: BehindLine | undefined;
afterEach(async () => {
  await shop?.stop();
  shop = undefined;
});

/** Ends the server without ceremony, as a power cut would, and has it started again on its port. */
async function crash(): Promise<void> {
  const server = await openServer(join(folder, 'postgres'));
  const port = await portOf(server.folder);
  const pid = async () => (await readFile(join(server.folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0];
  const before = await pid();
  // Its owner, here too, starts it again as soon as it is gone, before a stop that waits would have seen it gone; of two starts one fails.
  await control(server, 'stop', '-m', 'immediate', '-W');
  await until(async () => (await pid()) !== before);
  while (!(await ensureRunning(server, port).then(() => true, () => false)));
}

/** As Stripe does it: what was not answered 2xx is sent again. */
async function deliverUntilTaken({ stripe, tillkey }: BehindLine, events: FakeEvent[]): Promise<void> {
  let left = events;
  while (left.length > 0) {
    const answers = await stripe.deliver(left, { url: `${tillkey.url}/webhooks/stripe` }, { shuffle: true, concurrency: 8 });
    const taken = new Set(answers.filter(({ status }) => status === 200).map(({ eventId }) => eventId));
    expect(answers.every(({ status }) => status === 200 || status === 500 || status === 503)).toBe(true);
    left = left.filter(({ id }) => !taken.has(id));
  }
}

describe.each(backends())('PostgreSQL restarted in the middle of a burst, with the queues in %s,', (backend) => {
  test('loses no purchase, issues none twice and gives no event up', async () => {
    const started = await startBehindLine({ backend, databaseUrl: await newDatabase(backend) });
    shop = started;
    const buyers = Array.from({ length: 20 }, (_, n) => `${backend}-${n}@example.com`);
    const events = buyers.flatMap((email) => started.stripe.buySubscription({ email, priceId: started.priceId }).events);
    const delivered = deliverUntilTaken(started, events);
    await until(() => started.line.answered() >= 10);
    await crash();
    await delivered;
    await started.sweptAndSettled();
    expect(await cameTo(started.tillkey)).toEqual(oneEach(buyers));
  }, 90_000);
});

test('transactions whose connections die give their places in the pool back', async () => {
  const { url, drop } = await createDatabase();
  const database = await connectDatabase(url);
  const die = () => inTransaction(database, (tx) => query(tx, sql`select pg_terminate_backend(pg_backend_pid())`));
  for (let round = 0; round < 3; round += 1) {
    const ends = await Promise.allSettled(Array.from({ length: 8 }, die));
    expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
  }
  expect(await query(reading(database), sql`select 1 as one`)).toEqual([{ one: 1 }]);
  await database.close(true);
  await drop();
});
