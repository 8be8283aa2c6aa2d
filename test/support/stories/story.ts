import type { FakeStripe } from '../fake-stripe/fake-stripe.ts';
import { type Shape, shapes } from '../fake-stripe/shape.ts';
import type { FakeEvent } from '../fake-stripe/state.ts';

/**
 * A story is what can happen to a purchase, told as Stripe tells it, and what the contract says must come of it. All
 * begin on one day, and all are over when they are judged: so they can be told in one world, each to a buyer of its own,
 * and their events delivered all mixed.
 */

/** Day 0. Day 31 is a month later, day 59 two, day 90 three. */
export const START = new Date('2026-01-10T12:00:00Z');

/** The day on which every story is over, and on which its `ends` are true. */
export const JUDGED_ON = 60;

export function dayOf(day: number): Date {
  return new Date(START.getTime() + day * 86_400_000);
}

/** Why the events alone do not say enough, and Tillkey must ask Stripe. */
type NeedsKey =
  /** The event of a checkout session does not carry what was bought. */
  | 'line items'
  /** An invoice has more lines than an event carries. */
  | 'lines'
  /** From basil on nothing in an event says which invoice a charge paid. Until acacia both say. */
  | 'payments';

/** The options of the mappings of a story's prices, where they differ from the defaults. `policy`: of their policy. */
export type MappingOptions = {
  gracePeriodDays?: number;
  quantityMode?: 'SEATS';
  seatsPerUnit?: number;
  onFullRefund?: 'SUSPEND' | 'KEEP';
  onDispute?: 'KEEP';
  onPauseCollection?: 'SUSPEND' | 'KEEP';
  issueOnTrial?: false;
  policy?: { expirationStrategy: 'REVOKE' };
};

export type Story = {
  title: string;
  mapping?: MappingOptions;
  needsKey?: NeedsKey;
  /** The first shape in which it can happen. */
  since?: Shape;
  /** What the buyer has on the day of judgment: each license as `standing` puts it, in no order. */
  ends: string[];
  /** How many mails with keys are sent, where the order of the events cannot change it. */
  mails?: number;
  tell: (world: World) => void;
};

/** `email`: of a buyer of the story's own; others are made of it with `another`. `on`: moves the clock. */
export type World = { stripe: FakeStripe; shop: Shop; email: string; on: (day: number) => void };

/** What is for sale. */
const goods = {
  monthly: { productName: 'Editor', recurring: 'month', unitAmount: 1900 },
  pro: { productName: 'Editor Pro', recurring: 'month', unitAmount: 4900 },
  addon: { productName: 'Spelling', recurring: 'month', unitAmount: 900 },
  yearly: { productName: 'Editor for a year', recurring: 'year', unitAmount: 19_900 },
  once: { productName: 'Font', unitAmount: 5900 },
  extra: { productName: 'Second font', unitAmount: 2900 },
  gift: { productName: 'Sample', unitAmount: 0 },
  service: { productName: 'Priority support', recurring: 'month', unitAmount: 700 },
  shirt: { productName: 'Shirt', unitAmount: 300 },
} as const;

/** The id of each price. */
export type Shop = Record<keyof typeof goods, string>;

/** The prices that nothing is mapped to. All others are mapped. */
export const unmapped: (keyof Shop)[] = ['service', 'shirt'];

/** Puts everything up for sale. Stories with the same mapping options can share a shop. */
export function openShop(stripe: FakeStripe): Shop {
  const priceOf = (name: keyof Shop) => stripe.createProductAndPrice(goods[name]).priceId;
  return Object.fromEntries(Object.keys(goods).map((name) => [name, priceOf(name as keyof Shop)])) as Shop;
}

/** Whether it can happen in a shape. */
export function happensIn(shape: Shape, { since }: Story): boolean {
  return since === undefined || shapes.indexOf(shape) >= shapes.indexOf(since);
}

/** Tells a story from day 0 on, and returns its events in order. */
export function tellStory({ tell }: Story, world: World): FakeEvent[] {
  const before = world.stripe.events.length;
  world.on(0);
  tell(world);
  return world.stripe.events.slice(before);
}

/** Another address of the story, which no other story has. */
export function another(email: string): string {
  return email.replace('@', '.other@');
}
