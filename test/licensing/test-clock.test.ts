import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { inTransaction, query, reading } from '../../src/database/orm.ts';
import { timeOf } from '../../src/database/scope-time.ts';
import type { Scope } from '../../src/database/scope.ts';
import { type Batch, type DueWork, runDueBatch, runDueInOrder } from '../../src/licensing/due-work.ts';
import { endTestClock } from '../../src/licensing/end-test-clock.ts';
import { moveTestClock } from '../../src/licensing/move-test-clock.ts';
import { withRival } from '../support/rival.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { insertAccount } from '../support/world.ts';

/** The test clock, moved over due work of the tests' own: a row falls due at a moment, and is done once. */

let tillkey: TestService;
let scope: Scope;
const START = new Date('2026-03-01T12:00:00.000Z');
const day = (n: number) => new Date(START.getTime() + n * 86_400_000);

beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
  await run(sql`create table dues (id text primary key, kind text not null, scope_id int not null, at timestamptz(3) not null, done_at timestamptz(3), clock_at timestamptz(3))`);
});
afterAll(() => tillkey.stop());

/** A test side of its own, at the start. */
beforeEach(async () => {
  tillkey.clock.set(START);
  scope = await newScope();
});

const run = <Row>(statement: ReturnType<typeof sql<Row>>) => query(reading(database()), statement);
const database = () => tillkey.service.dependencies.database;
const realNow = () => tillkey.clock.now();
const newScope = async (): Promise<Scope> => ({ id: (await insertAccount(tillkey)).scopeId, accountId: randomUUID(), mode: 'test' });

const owe = async (id: string, at: Date, { kind = 'bills', of = scope } = {}) => run(sql`insert into dues (id, kind, scope_id, at) values (${`${of.id} ${id}`}, ${kind}, ${of.id}, ${at})`);

/** What was done, in the order of its moments: at which, and by which time the scope was judged then. */
const done = async (of = scope) => {
  const rows = await run(sql<{ id: string; done_at: string; clock_at: string }>`select id, done_at, clock_at from dues where scope_id = ${of.id} and done_at is not null order by done_at, id`);
  return rows.map((row) => [row.id.split(' ')[1], new Date(row.done_at), new Date(row.clock_at)]);
};
const each = (...ids: [string, Date][]) => ids.map(([id, at]) => [id, at, at]);

/** Takes one row a batch. */
function workOn(kind: string): DueWork {
  const next: DueWork['next'] = async (tx, { id }) => {
    const [first] = await query(tx, sql<{ at: string | null }>`select min(at) as at from dues where scope_id = ${id} and kind = ${kind} and done_at is null`);
    return first?.at ? new Date(first.at) : null;
  };
  const batch: DueWork['batch'] = ({ database: of }, { scope: { id }, waits }, now) => inTransaction<Batch>(of, async (tx) => {
    const taken = await query(tx, sql<{ id: string }>`
      update dues set done_at = ${now}, clock_at = (select now from test_clocks where scope_id = ${id}) where id in (
        select id from dues where scope_id = ${id} and kind = ${kind} and done_at is null and at <= ${now} order by at, id limit 1 for update ${waits ? sql`` : sql`skip locked`}
      ) returning id`);
    return { count: taken.length, messageIds: taken.map((row) => row.id.split(' ')[1]!) };
  });
  return { name: kind, rows: 'licenses', next, batch };
}

const works = [workOn('bills'), workOn('letters')];
const move = (to: Date, { of = scope, by = works } = {}) => moveTestClock(tillkey.service.dependencies, { scope: of, to, works: by }, realNow);
const end = (of = scope) => endTestClock(tillkey.service.dependencies, { scope: of, works }, realNow());
const stands = (of = scope) => timeOf(database(), of, realNow());

describe('a clock that is moved', () => {
  test('does what falls due on its way in order, each at its own moment, of all kinds, and then stands at its time', async () => {
    await owe('c', day(30));
    await owe('a', day(10), { kind: 'letters' });
    await owe('b', day(20));
    await owe('d', day(40), { kind: 'letters' });
    await owe('too-late', new Date(day(40).getTime() + 1));
    expect(await move(day(40))).toEqual({ ok: true, value: ['a', 'b', 'c', 'd'] });
    expect(await done()).toEqual(each(['a', day(10)], ['b', day(20)], ['c', day(30)], ['d', day(40)]));
    expect(await stands()).toEqual(day(40));
  });

  test('does all that falls due at one moment, and what was due before at the time it sets out from', async () => {
    for (const id of ['a', 'b', 'c']) await owe(id, day(5));
    await owe('overdue', day(-3));
    await move(day(6));
    expect(await done()).toEqual(each(['overdue', START], ['a', day(5)], ['b', day(5)], ['c', day(5)]));
  });

  test('does what comes to be due because of what it did', async () => {
    const [bills, letters] = works as [DueWork, DueWork];
    const reminding: DueWork = { ...bills, batch: async (...given) => {
      const taken = await bills.batch(...given);
      if (taken.count > 0) await owe('reminder', day(8), { kind: 'letters' });
      return taken;
    } };
    await owe('bill', day(2));
    await owe('other', day(9), { kind: 'letters' });
    await move(day(10), { by: [reminding, letters] });
    expect(await done()).toEqual(each(['bill', day(2)], ['reminder', day(8)], ['other', day(9)]));
  });

  test('goes forward only, never before real time, and may be told the same time again', async () => {
    await move(day(10));
    expect(await move(day(9))).toMatchObject({ ok: false, refused: 'CONFLICT', message: expect.stringMatching(/2026-03-11T12:00:00.000Z.*2026-03-10T12:00:00.000Z/) });
    expect(await move(day(10))).toEqual({ ok: true, value: [] });
    tillkey.clock.set(day(20));
    expect(await move(day(15))).toMatchObject({ ok: false, refused: 'CONFLICT', message: expect.stringMatching(/2026-03-16T12:00:00.000Z.*2026-03-21T12:00:00.000Z/) });
    expect(await stands()).toEqual(day(20));
    expect(await move(day(20))).toEqual({ ok: true, value: [] });
  });

  test('that was refused has changed nothing: there is no rehearsal', async () => {
    await move(day(-1));
    await move(new Date('2036-03-01T12:00:00.001Z'));
    expect(await run(sql`select 1 from test_clocks where scope_id = ${scope.id}`)).toEqual([]);
  });

  test.each([
    ['in live mode', { refused: 'FORBIDDEN' }, () => move(day(1), { of: { ...scope, mode: 'live' } })],
    ['more than ten years ahead', { refused: 'VALIDATION_ERROR' }, () => move(new Date('2036-03-01T12:00:00.001Z'))],
  ])('is refused %s', async (_title, refusal, moved) => {
    expect(await moved()).toMatchObject({ ok: false, ...refusal });
  });

  test('moves nobody else’s: another account and another mode stay on real time, and nothing of theirs is done', async () => {
    const other = await newScope();
    await owe('theirs', day(1), { of: other });
    await owe('ours', day(1));
    await move(day(2));
    expect([await done(), await done(other), await stands(other), await stands({ ...scope, mode: 'live' })]).toEqual([each(['ours', day(1)]), [], START, START]);
    await move(day(3), { of: other });
    expect([await stands(), await stands(other)]).toEqual([day(2), day(3)]);
  });

  test.each<[string, Batch]>([
    ['takes nothing', { count: 0, messageIds: [] }],
    ['never has enough', { count: 1, messageIds: [] }],
  ])('ends in an error where what is due %s', async (_title, taken) => {
    const broken: DueWork = { name: 'riddles', rows: 'licenses', next: async () => day(1), batch: async () => taken };
    await expect(runDueInOrder(tillkey.service.dependencies, { scope, works: [broken], from: START, to: day(2) }, (_moment, batch) => batch())).rejects.toThrow('riddles');
  });
});

describe('of two who move a clock at once', () => {
  test('one works and the other is told so; nor can the rehearsal be ended meanwhile', async () => {
    await owe('a', day(1));
    await owe('b', day(2));
    await withRival(tillkey.databaseUrl, async (rival) => {
      await rival.run(`select 1 from dues where scope_id = $1 and id like '%b' for update`, [scope.id]);
      const moving = move(day(3));
      await rival.untilStuck(moving);
      for (const refused of [await move(day(4)), await move(day(3)), await end()]) expect(refused).toMatchObject({ ok: false, refused: 'CONFLICT', message: expect.stringContaining('is being moved') });
      expect(await rival.commitOnce(moving)).toEqual({ ok: true, value: ['a', 'b'] });
    });
    expect(await done()).toEqual(each(['a', day(1)], ['b', day(2)]));
    expect(await move(day(4))).toEqual({ ok: true, value: [] });
  });

  test('one works where both begin in the same instant', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await owe(id, day(1));
    const answers = await Promise.all([move(day(2)), move(day(2)), move(day(2))]);
    expect(answers.filter(({ ok }) => ok).length).toBeGreaterThan(0);
    expect(answers.flatMap((answer) => (answer.ok ? answer.value : []))).toEqual(['a', 'b', 'c', 'd']);
    expect((await done()).map(([id]) => id)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('who died is waited for some seconds, and then gone on for from where the clock stands', async () => {
    await owe('a', day(5));
    await owe('b', day(15));
    await move(day(10));
    // What a killed process leaves: the clock at a moment, and its lease.
    await run(sql`update test_clocks set moving_until = ${new Date(START.getTime() + 10_000)} where scope_id = ${scope.id}`);
    expect(await move(day(20))).toMatchObject({ ok: false, refused: 'CONFLICT' });
    tillkey.clock.set(new Date(START.getTime() + 10_000));
    expect(await move(day(20))).toEqual({ ok: true, value: ['b'] });
  });

  test('who was thought dead does nothing more once another has gone on', async () => {
    await owe('a', day(5));
    const [bills] = works as [DueWork];
    const stalling: DueWork = { ...bills, batch: async (...given) => {
      const taken = await bills.batch(...given);
      await owe('b', day(6));
      return taken;
    } };
    const late = async () => {
      // Between two steps its lease ran out and another took over.
      const next: DueWork['next'] = async (tx, of) => {
        if ((await done()).length === 1) await run(sql`update test_clocks set moving_until = ${day(1)} where scope_id = ${scope.id}`);
        return bills.next(tx, of);
      };
      return move(day(7), { by: [{ ...stalling, next }] });
    };
    await expect(late()).rejects.toMatchObject({ status: 409 });
    expect(await done()).toEqual(each(['a', day(5)]));
    expect(await run(sql`select moving_until is not null as moving from test_clocks where scope_id = ${scope.id}`)).toEqual([{ moving: true }]);
  });

  test('who fails leaves the clock where it got to, free to be moved on at once', async () => {
    await owe('a', day(5));
    await owe('b', day(6));
    const [bills] = works as [DueWork];
    const failing: DueWork = { ...bills, batch: async (licensing, which, now) => {
      if (now > day(5)) throw new Error('the printer is on fire');
      return bills.batch(licensing, which, now);
    } };
    await expect(move(day(7), { by: [failing] })).rejects.toThrow('on fire');
    expect([await done(), await stands()]).toEqual([each(['a', day(5)]), day(5)]);
    expect(await move(day(7))).toEqual({ ok: true, value: ['b'] });
  });
});

describe('a rehearsal that is ended', () => {
  test('leaves real time, does what is due by it, and nobody minds where there was none', async () => {
    await owe('late', day(100));
    await move(day(50));
    tillkey.clock.set(day(1));
    await owe('due', day(1));
    expect(await end()).toEqual({ ok: true, value: ['due'] });
    expect([await stands(), await end()]).toEqual([day(1), { ok: true, value: [] }]);
    expect(await move(day(2))).toEqual({ ok: true, value: [] });
  });

  test('waits for a batch that goes by its time, which is then the last to do so', async () => {
    await owe('a', day(5));
    await owe('b', day(6));
    const [bills] = works as [DueWork];
    await move(day(10), { by: [] });
    const runOne = () => runDueBatch(tillkey.service.dependencies, { scope, work: bills }, realNow());
    await withRival(tillkey.databaseUrl, async (rival) => {
      await rival.run('select 1 from dues where scope_id = $1 for update', [scope.id]);
      // The rival holds the rows: a batch that leaves them alone waits for nobody, so one that waits stands in for it.
      const waiting: DueWork = { ...bills, batch: (licensing, which, now) => bills.batch(licensing, { ...which, waits: true }, now) };
      const batch = runDueBatch(tillkey.service.dependencies, { scope, work: waiting }, realNow());
      await rival.untilStuck(batch);
      const ended = end();
      await rival.untilStuck(ended, 2);
      await rival.run('commit');
      expect([await batch, await ended]).toEqual([{ count: 1, messageIds: ['a'] }, { ok: true, value: [] }]);
    });
    expect(await runOne()).toEqual({ count: 0, messageIds: [] });
  });
});
