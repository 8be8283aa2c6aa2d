import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { ok } from '../../errors.ts';
import { moment } from '../../licensing/core/moment.ts';
import { endTestClock } from '../../licensing/end-test-clock.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import { moveTestClock } from '../../licensing/move-test-clock.ts';
import { readTestClock } from '../../licensing/read-test-clock.ts';
import type { Queues } from '../../queues.ts';
import { answersNothing, answersOne, done, granted, noInput, one } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

type Flushed = { flush(): Promise<void> };
type Dependencies = Licensing & { clock: Clock; queues: Pick<Queues, 'enqueue'>; validations: Flushed; appEvents: Flushed };

const testClock = z.strictObject({ now: shown.time, active: z.boolean().meta({ description: 'Whether a rehearsal is under way; without one, `now` is real time.' }) }).meta({ id: 'TestClock' });

const moveRequest = z.strictObject({ now: moment.meta({ description: 'Where to: not before the clock, nor real time, and at most ten years ahead of real time.' }) });

const path = '/api/v1/test-clock';

/** The time by which test data is judged, and its rehearsals. */
export function testClockRoutes(dependencies: Dependencies): Route[] {
  const { database, clock, queues, validations, appEvents } = dependencies;
  const enqueue = async (messageIds: string[]) => {
    for (const id of messageIds) await queues.enqueue('messages', { id });
  };
  // What apps did so far happened before what falls due next, and is told before it.
  const tellWhatWas = async () => {
    await validations.flush();
    await appEvents.flush();
  };
  return [
    managementRoute({ method: 'get', path, permission: 'licenses:read', summary: 'Read the time by which test data is judged', input: noInput, answers: answersOne(testClock), refuses: ['FORBIDDEN'] }, async ({ scope }) =>
      one(await readTestClock(database, scope, clock.now()), (time) => time),
    ),
    managementRoute({
      method: 'put', path, permission: 'licenses:write', summary: 'Move the time of test data forward, running all that falls due on the way', input: moveRequest,
      answers: answersOne(testClock), refuses: ['FORBIDDEN', 'CONFLICT'],
    }, async ({ scope, input }) => {
      await tellWhatWas();
      await enqueue(granted(await moveTestClock(dependencies, { scope, to: input.now }, () => clock.now())));
      return one(ok({ now: input.now, active: true }), (time) => time);
    }),
    managementRoute({ method: 'delete', path, permission: 'licenses:write', summary: 'End the rehearsal: test data goes by real time again', input: noInput, answers: answersNothing, refuses: ['FORBIDDEN', 'CONFLICT'] }, async ({ scope }) => {
      await tellWhatWas();
      const ended = await endTestClock(dependencies, { scope }, clock.now());
      await enqueue(granted(ended));
      return done(ended);
    }),
  ];
}
