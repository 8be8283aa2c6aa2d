import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { inTransaction, query, reading } from '../../src/database/orm.ts';
import { runDueWork } from '../../src/jobs/run-due-work.ts';
import type { Batch, DueWork } from '../../src/licensing/due-work.ts';
import { createPolicy } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { insertAccount, insertApiKey } from '../support/world.ts';

/** The run of due work, over licenses that fall due and are done with at once. */

let tillkey: TestService;
let policyId: string;
let taken: { scopeId: number; id: string; now: Date }[];
let asked: number[];
let enqueued: string[];
let logged: object[];
const START = new Date('2026-03-01T12:00:00.000Z');
const day = (n: number) => new Date(START.getTime() + n * 86_400_000);

beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
  ({ id: policyId } = await createPolicy(tillkey, { requireFingerprint: false }));
});
afterAll(() => tillkey.stop());
beforeEach(async () => {
  [taken, asked, enqueued, logged] = [[], [], [], []];
  tillkey.clock.set(START);
  await run(sql`update licenses set due_at = null`);
});

const run = <Row>(statement: ReturnType<typeof sql<Row>>) => query(reading(tillkey.service.dependencies.database), statement);
const ours = () => tillkey.service.dependencies.scopes.find(({ mode }) => mode === 'test')!.id;

const dependencies = () => ({
  ...tillkey.service.dependencies,
  queues: { enqueue: async (_queue: string, { id }: any) => { enqueued.push(id); } },
  log: { ...tillkey.service.dependencies.log, error: (what: object) => { logged.push(what); } } as never,
});

/** A side that licenses fall due on: whose key, and of which policy. */
type Side = { scopeId: number; policyId: string; key?: string };

async function anotherSide(): Promise<Side> {
  const { scopeId } = await insertAccount(tillkey);
  const key = await insertApiKey(tillkey, { scopeId });
  const { id } = await createPolicy({ call: (method, path, options) => tillkey.call(method, path, { key, ...options }) });
  return { scopeId, policyId: id, key };
}

/** A license that falls due. */
async function owe(dueAt: Date, { policyId: of, key }: Pick<Side, 'policyId' | 'key'> = { policyId }): Promise<string> {
  const { body } = await tillkey.call('POST', '/api/v1/licenses', { body: { policyId: of }, ...(key !== undefined && { key }) });
  await run(sql`update licenses set due_at = ${dueAt} where id = ${body.data.id}`);
  return body.data.id;
}

/** Two licenses a batch. */
const settling: DueWork = {
  name: 'licenses',
  rows: 'licenses',
  next: async () => null,
  batch: ({ database }, { scope, waits }, now) => inTransaction<Batch>(database, async (tx) => {
    asked.push(scope.id);
    const rows = await query(tx, sql<{ id: string }>`
      update licenses set due_at = null where id in (
        select id from licenses where scope_id = ${scope.id} and due_at <= ${now} and deleted_at is null order by due_at limit 2 for update ${waits ? sql`` : sql`skip locked`}
      ) returning id`);
    taken.push(...rows.map(({ id }) => ({ scopeId: scope.id, id, now })));
    return { count: rows.length, messageIds: rows.map(({ id }) => `mail for ${id}`) };
  }),
};
const failing: DueWork = { ...settling, name: 'broken', batch: async () => { throw new Error('the printer is on fire'); } };
const runWith = (works: DueWork[], stopped = () => false) => runDueWork(dependencies(), stopped, works);
const takenIds = () => taken.map(({ id }) => id).toSorted();

test('everything that is due is done, and the mails owed are enqueued', async () => {
  const due = await Promise.all([1, 2, 3, 4, 5].map((n) => owe(day(-n))));
  await owe(day(1));
  await runWith([settling]);
  expect(takenIds()).toEqual(due.toSorted());
  expect(enqueued.toSorted()).toEqual(due.map((id) => `mail for ${id}`).toSorted());
});

test('hundreds of scopes with nothing due cost nothing', async () => {
  await run(sql`with made as (insert into accounts (id, slug, name, created_at) select gen_random_uuid(), 'idle-' || n, 'Idle', now() from generate_series(1, 300) n returning id)
    insert into scopes (account_id, mode) select id, 'test' from made`);
  await runWith([settling]);
  expect(asked).toEqual([]);
  await owe(START);
  await runWith([settling]);
  expect(new Set(asked)).toEqual(new Set([ours()]));
});

test('a test scope goes by its rehearsal, and every other by real time', async () => {
  const other = await anotherSide();
  const [mine, theirs] = [await owe(day(5)), await owe(day(5), other)];
  await run(sql`insert into test_clocks (scope_id, now) values (${ours()}, ${day(10)}) on conflict (scope_id) do update set now = excluded.now`);
  await runWith([settling]);
  expect(taken).toEqual([{ scopeId: ours(), id: mine, now: day(10) }]);
  tillkey.clock.set(day(6));
  await runWith([settling]);
  expect(taken.at(-1)).toEqual({ scopeId: other.scopeId, id: theirs, now: day(6) });
  await run(sql`delete from test_clocks`);
});

test('scopes take turns: one with much to do does not keep another waiting', async () => {
  const other = await anotherSide();
  for (let n = 0; n < 6; n += 1) await owe(day(-1));
  await owe(START, other);
  await runWith([settling]);
  expect(asked.slice(0, 2)).toEqual([ours(), other.scopeId]);
  expect(taken).toHaveLength(7);
});

test('what fails is logged, and keeps neither other work nor other scopes from being done', async () => {
  const due = [await owe(START), await owe(START, await anotherSide())];
  await runWith([failing, settling]);
  expect(takenIds()).toEqual(due.toSorted());
  expect(logged).toMatchObject([{ work: 'broken', error: 'the printer is on fire' }, { work: 'broken' }]);
});

test('a stop ends it after a batch, and the next run does the rest', async () => {
  for (let n = 0; n < 5; n += 1) await owe(START);
  await runWith([settling], () => taken.length >= 2);
  expect(taken).toHaveLength(2);
  await runWith([settling]);
  expect(new Set(takenIds()).size).toBe(5);
});

test('two schedulers do everything once between them, and neither waits for what somebody else has in hand', async () => {
  const due = await Promise.all(Array.from({ length: 9 }, () => owe(START)));
  await withRival(tillkey.databaseUrl, async (rival) => {
    await rival.run('select 1 from licenses where id = $1 for update', [due[0]]);
    await Promise.all([runWith([settling]), runWith([settling])]);
  });
  expect(takenIds()).toEqual(due.slice(1).toSorted());
  await runWith([settling]);
  expect(takenIds()).toEqual(due.toSorted());
});
