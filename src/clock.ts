/** Where the time comes from. Everything that judges time takes `now: Date`; only edges and this file ask a clock. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };
