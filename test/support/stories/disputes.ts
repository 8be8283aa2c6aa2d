import type { DisputeStatus } from '../fake-stripe/state.ts';
import { boughtOnce, chargeFor, subscribed } from './purchases.ts';
import type { MappingOptions, Story, World } from './story.ts';

const current = 'active ACTIVE until day 68';
const disputed = 'suspended SUSPENDED DISPUTED until day 68';
const lost = 'revoked REVOKED DISPUTED until day 68';

/** Disputed on a day, and then as the course says, a day a step. */
function contested(world: World, id: string, [first, ...then]: Course, day = 45): void {
  world.on(day);
  const { disputeId } = world.stripe.dispute(chargeFor(world, id), first);
  for (const [n, next] of then.entries()) {
    world.on(day + 1 + n);
    world.stripe.moveDispute(disputeId, next);
  }
}

type Course = [DisputeStatus, ...DisputeStatus[]];

/** How a dispute of a subscription's only payment can go. */
const courses: [title: string, course: Course, end: string, mapping?: MappingOptions][] = [
  ['disputed', ['needs_response'], disputed],
  ['disputed, and answered', ['needs_response', 'under_review'], disputed],
  ['disputed, and won', ['needs_response', 'under_review', 'won'], current],
  ['disputed, and lost', ['needs_response', 'under_review', 'lost'], lost],
  ['disputed, and lost without an answer', ['needs_response', 'lost'], lost],
  ['asked about', ['warning_needs_response'], current],
  ['asked about, and answered', ['warning_needs_response', 'warning_under_review', 'warning_closed'], current],
  ['asked about, then disputed', ['warning_needs_response', 'needs_response'], disputed],
  ['asked about, then disputed, and won', ['warning_needs_response', 'needs_response', 'under_review', 'won'], current],
  ['disputed and lost, in a state nobody knows since', ['needs_response', 'lost', 'appeal_under_review'], lost],
  ['disputed where that changes nothing', ['needs_response'], current, { onDispute: 'KEEP' }],
  ['disputed where that changes nothing, and lost', ['needs_response', 'under_review', 'lost'], lost, { onDispute: 'KEEP' }],
];

/** Payments that the buyer's bank takes back. */
export const disputeStories: Story[] = ([
  ...courses.map(([title, course, end, mapping]) => ({
    title, ends: [end], mails: 1, ...(mapping && { mapping }), tell: (world: World) => contested(world, subscribed(world, 40), course),
  })),
  { title: 'disputed twice, one won and one open', ends: [disputed], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    contested(world, id, ['needs_response', 'won']);
    contested(world, id, ['needs_response', 'under_review'], 47);
  } },
  { title: 'disputed twice, one lost and one won', ends: [lost], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    contested(world, id, ['needs_response', 'lost']);
    contested(world, id, ['needs_response', 'won'], 47);
  } },
  { title: 'disputed for a period that is over', ends: ['suspended SUSPENDED DISPUTED until day 69'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10);
    const first = chargeFor(world, id);
    world.on(41);
    world.stripe.renew(id);
    world.on(45);
    world.stripe.dispute(first);
  } },
  { title: 'disputed for a period that is over, and lost', ends: ['revoked REVOKED DISPUTED until day 69'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10);
    const first = chargeFor(world, id);
    world.on(41);
    world.stripe.renew(id);
    world.on(45);
    const { disputeId } = world.stripe.dispute(first);
    world.on(46);
    world.stripe.moveDispute(disputeId, 'lost');
  } },
  { title: 'its refund failed, and a dispute was lost then', ends: [lost], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(42);
    const { refundId } = world.stripe.refund(chargeFor(world, id), { status: 'pending' });
    world.on(43);
    world.stripe.settleRefund(refundId, 'failed');
    contested(world, id, ['needs_response', 'lost']);
  } },
  { title: 'asked about, and refunded for that', ends: ['revoked REVOKED REFUNDED until day 68'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    contested(world, id, ['warning_needs_response']);
    world.on(46);
    world.stripe.refund(chargeFor(world, id));
  } },
] satisfies Story[]).map((story) => ({ needsKey: 'payments', ...story }));

/** The same of what was bought once. */
export const disputedOnceStories: Story[] = ([
  ['bought once, disputed', ['needs_response'], 'suspended SUSPENDED DISPUTED for good'],
  ['bought once, disputed and won', ['needs_response', 'won'], 'active ACTIVE for good'],
  ['bought once, disputed and lost', ['needs_response', 'lost'], 'revoked REVOKED DISPUTED for good'],
] satisfies [string, Course, string][]).map(([title, course, end]) => ({
  title, needsKey: 'line items', ends: [end], mails: 1, tell: (world) => contested(world, boughtOnce(world, 40), course as Course),
}));
