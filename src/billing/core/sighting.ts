import type { StripeFact, SubscriptionItem } from './facts.ts';

/** Facts as they were seen: when, what they leave behind, and what is kept of them. */

/** One sight of a subscription's items, and whether it was in good standing. */
export type TimelineEntry = {
  at: string;
  /** When it came here first: what was mapped by then was bought, what is mapped since was not. */
  heardAt?: string;
  standing: 'active' | 'trialing' | 'other';
  /** True: not all items were shown, so that one which is missing may still be there. */
  partial: boolean;
  items: Pick<SubscriptionItem, 'id' | 'priceId' | 'productId' | 'quantity'>[];
};

/**
 * What later truth would hide: the earliest moment each thing was seen, and how the items of a subscription went. Marks are
 * merged, never replaced (`trialEndTold` is the latest end of a trial that Stripe announced), so an event that arrives late, after its object has moved on, still leaves what it alone could tell.
 */
export type Marks = { failedAt?: string; emailChangedAt?: string; trialEndTold?: string; timeline?: TimelineEntry[] };

/** A fact with the moment it was true and the marks of its object. */
export type Known<Fact extends StripeFact> = { fact: Fact; asOf: string; marks: Marks };

/** What is stored of an object. `first`: only `*.created` has told of it. */
export type Stored = Known<StripeFact> & { first: boolean };

/** One reading of an object: how it is, since when, what it leaves behind, and how to tell it from another of the same second. */
export type Sighting = {
  fact: StripeFact;
  asOf: string;
  marks: Marks;
  /** Whether Stripe's API was asked, rather than an event read. */
  fetched: boolean;
  /** True of `*.created`: the first thing ever said of the object. */
  first: boolean;
  /** What the object was before this event, where the event says. */
  previous: StripeFact | null;
};
