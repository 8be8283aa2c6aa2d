import { z } from 'zod';
import { outcomes } from '../billing/core/outcome.ts';
import { replayEvents } from '../billing/replay-events.ts';
import type { Clock } from '../clock.ts';
import type { StripeEventRow } from '../database/exchange-rows.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { EventFilter } from '../inbox.ts';
import { moment } from '../licensing/core/moment.ts';
import type { Queues } from '../queues.ts';
import { chooseScopes } from './choose-scopes.ts';
import { type Call, type Command, misused } from './command.ts';

type Needs = { database: Database; clock: Clock; queues: Pick<Queues, 'enqueue'>; scopes: Scope[] };

export const stripeReplay: Command<Needs> = {
  name: 'stripe:replay',
  summary: 'process Stripe events again that an id, type, outcome, object or time names',
  help: `npm run stripe:replay -- [--live|--test] [--account ACCOUNT] [--dry-run] and at least one of
  --id evt_…          one event; those of an object are found with --object
  --type TYPE         events of this type, such as invoice.paid
  --outcome OUTCOME   applied, ignored, needs_attention or failed
  --object ID         events of this Stripe object
  --after MOMENT      events that Stripe made after this moment, such as 2026-01-31T00:00:00Z

Has each event processed again, with what is known now: after a mapping was made, or the cause of a failure mended. An event that is
applied again changes nothing that is right already. Without --live or --test, both sides. --account takes an id or a name. --dry-run shows the events and changes none.
`,
  takes: { values: ['account', 'id', 'type', 'outcome', 'object', 'after'], flags: ['live', 'test', 'dry-run'] },
  run: async (call, dependencies) => {
    const filter = readFilter(call.values);
    const dryRun = call.flags.has('dry-run');
    let count = 0;
    for (const scope of await chooseScopes(call, dependencies)) count += await replayScope(call, dependencies, { scope, filter, dryRun });
    const events = count === 1 ? '1 event' : `${count} events`;
    if (count === 0) call.say(`No event matches.${hintOf(filter)}`);
    else call.say(dryRun ? `${events} would be processed again.` : `${events} will be processed again by a running worker, or by the next one that starts.`);
  },
};

/** The id of an object in place of an event's is a likely slip. */
function hintOf({ id }: EventFilter): string {
  return id === undefined || id.startsWith('evt_') ? '' : ` ${id} is not the id of a Stripe event, which starts with evt_; --object ${id} finds the events of an object.`;
}

async function replayScope({ say }: Call, { database, clock, queues }: Needs, replay: { scope: Scope; filter: EventFilter; dryRun: boolean }): Promise<number> {
  const { scope, dryRun } = replay;
  const onBatch = async (events: StripeEventRow[]) => {
    for (const event of events) say(lineOf(scope, event));
    if (!dryRun) await Promise.all(events.map(({ id }) => queues.enqueue('stripe-events', { scopeId: scope.id, id })));
  };
  return replayEvents(database, replay, onBatch, clock.now());
}

function lineOf({ mode }: Scope, { id, type, createdAt, outcome, reason }: StripeEventRow): string {
  return `${mode}  ${createdAt.toISOString()}  ${id}  ${type}  ${outcome ?? 'pending'}${reason ? `: ${reason}` : ''}`;
}

const filters = z.strictObject({ id: z.string().optional(), type: z.string().optional(), outcome: z.enum(outcomes).optional(), objectId: z.string().optional(), createdAfter: moment.optional() });

function readFilter({ id, type, outcome, object: objectId, after: createdAfter }: Call['values']): EventFilter {
  const given = Object.entries({ id, type, outcome, objectId, createdAfter }).filter(([, value]) => value !== undefined);
  if (given.length === 0) throw misused('Say which events: give at least one of --id, --type, --outcome, --object and --after.');
  const read = filters.safeParse(Object.fromEntries(given));
  if (read.success) return read.data;
  const wrong = read.error.issues[0]?.path[0] === 'outcome' ? `--outcome: expected one of ${outcomes.join(', ')}` : '--after: expected a moment such as 2026-01-31T00:00:00Z';
  throw misused(wrong);
}
