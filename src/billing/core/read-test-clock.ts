import { z } from 'zod';
import { finding, type Finding } from './outcome.ts';
import { known, moment, unknownValue } from './stripe-shapes.ts';

/** A test clock of Stripe: no fact of any purchase, but a time that test data may be moved to. */

const shape = z.looseObject({ frozen_time: moment, status: z.string() });

/** `clockTo`: the time it came to, in ISO 8601. A clock that is on its way, or fails on it, says so later. */
export function readTestClock(object: unknown): { ok: false; finding: Finding; clockTo?: string } {
  const clock = shape.safeParse(object);
  if (!clock.success) return { ok: false, finding: finding('shape_unknown', 'test clock') };
  const { frozen_time: time, status } = clock.data;
  switch (known(['ready', 'advancing', 'internal_failure'], status)) {
    case 'ready':
      return { ok: false, finding: finding('test_clock', time), clockTo: time };
    case 'advancing':
    case 'internal_failure':
      return { ok: false, finding: finding('noted') };
    case null:
      return unknownValue('test clock status', status);
  }
}
