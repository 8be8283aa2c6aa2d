import { expect, test } from '@jest/globals';
import { backoffMs, dueAfter, dueUnlessDone, MOST_EVENT_ATTEMPTS, MOST_WEBHOOK_ATTEMPTS, webhookWaitMs } from '../../src/jobs/backoff.ts';

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

test('ten attempts at a webhook span about three days, later and later, and those that failed together come back apart', () => {
  expect(MOST_WEBHOOK_ATTEMPTS).toBe(10);
  const waits = (chance: number) => Array.from({ length: MOST_WEBHOOK_ATTEMPTS - 1 }, (_, n) => webhookWaitMs(n + 1, chance));
  const days = (chance: number) => waits(chance).reduce((sum, wait) => sum + wait, 0) / 86_400_000;
  for (const chance of [0, 0.5, 1]) expect(waits(chance)).toEqual(waits(chance).toSorted((a, b) => a - b));
  expect([days(0), days(1)].map(Math.round)).toEqual([3, 3]);
  for (const [n, shortest] of waits(0).entries()) expect(waits(1)[n]! / shortest).toBeCloseTo(1.1 / 0.9, 2);
});
