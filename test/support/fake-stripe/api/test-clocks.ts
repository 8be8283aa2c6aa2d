import { badParameter } from '../api-error.ts';
import type { State, StripeObject, TestClock } from '../state.ts';
import { emit, requestedStep, type Step } from '../step.ts';
import { integerOf, textOf } from './params.ts';
import { type Call, find, type Kind, readRoutes, type Route, shown } from './route.ts';

const NOUN = 'test_helpers.test_clock';

const kind: Kind<TestClock> = {
  path: '/v1/test_helpers/test_clocks',
  noun: 'test clock',
  param: 'test_clock',
  records: ({ testClocks }) => testClocks,
  render: renderTestClock,
  filters: [],
};

export const testClockRoutes: Route[] = [
  ...readRoutes(kind),
  { method: 'post', path: kind.path, answer: create },
  { method: 'post', path: `${kind.path}/:id/advance`, answer: advance },
  { method: 'delete', path: `${kind.path}/:id`, answer: remove },
];

function renderTestClock({ livemode }: State, clock: TestClock): StripeObject {
  return {
    id: clock.id,
    object: NOUN,
    created: clock.created,
    deletes_after: clock.created + 30 * 86_400,
    frozen_time: clock.frozenTime,
    livemode,
    name: clock.name,
    status: clock.status,
    status_details: clock.status === 'advancing' ? { advancing: { target_frozen_time: clock.frozenTime } } : {},
  };
}

function create({ state, params }: Call): StripeObject {
  const step = requestedStep(state);
  const clock: TestClock = { id: state.newId('testClock'), name: textOf(params, 'name') ?? null, frozenTime: timeIn(params), status: 'ready', created: step.at };
  state.testClocks.set(clock.id, clock);
  tellOf(step, clock, 'created');
  return shown(state, kind, clock);
}

/** The clock is there at once. Nothing is billed on the way: what passes with time is a story's to tell. */
function advance(call: Call): StripeObject {
  const { state, params } = call;
  const clock = find(call, kind);
  const to = timeIn(params);
  if (to <= clock.frozenTime) throw badParameter('frozen_time', 'The new frozen time must be after the current one.');
  const step = requestedStep(state);
  Object.assign(clock, { status: 'advancing', frozenTime: to } satisfies Partial<TestClock>);
  tellOf(step, clock, 'advancing');
  const answer = shown(state, kind, clock);
  clock.status = 'ready';
  tellOf(step, clock, 'ready');
  return answer;
}

function remove(call: Call): StripeObject {
  const { state } = call;
  const clock = find(call, kind);
  state.testClocks.delete(clock.id);
  tellOf(requestedStep(state), clock, 'deleted');
  return { id: clock.id, object: NOUN, deleted: true };
}

function tellOf(step: Step, clock: TestClock, what: 'created' | 'advancing' | 'ready' | 'deleted'): void {
  emit(step, `${NOUN}.${what}`, renderTestClock(step.state, clock));
}

function timeIn(params: Call['params']): number {
  const time = integerOf(params, 'frozen_time');
  if (time === undefined) throw badParameter('frozen_time', 'Missing required param: frozen_time.');
  return time;
}
