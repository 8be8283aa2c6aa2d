import { expect, test } from '@jest/globals';
import { backoffMs, dueAfter, dueUnlessDone, MOST_EVENT_ATTEMPTS } from '../../src/jobs/backoff.ts';

test('waits grow from seconds to hours, and all attempts span about a day', () => {
  const waits = Array.from({ length: MOST_EVENT_ATTEMPTS - 1 }, (_, n) => backoffMs(n + 1));
  expect(waits.slice(0, 3)).toEqual([5_000, 10_000, 20_000]);
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
  const hours = waits.reduce((sum, wait) => sum + wait, 0) / 3_600_000;
  expect(hours).toBeGreaterThan(20);
  expect(hours).toBeLessThan(36);
});

test('a row is never due before its own retry, and one being tried not for a minute', () => {
  const now = new Date();
  expect(dueUnlessDone(now).getTime() - now.getTime()).toBeGreaterThanOrEqual(60_000);
  for (let attempts = 1; attempts < MOST_EVENT_ATTEMPTS; attempts += 1) {
    expect(dueAfter(attempts, now).getTime() - now.getTime()).toBeGreaterThanOrEqual(Math.max(60_000, backoffMs(attempts)));
  }
});
