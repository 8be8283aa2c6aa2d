import { describe, expect, test } from '@jest/globals';
import { chooseTtl, ttlBounds } from '../../src/licensing/core/offline-ttl.ts';

const now = new Date('2026-03-01T12:00:00.000Z');
const HOUR = 3_600;
const DAY = 24 * HOUR;
const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1000);

function ttlOf(asked: number | undefined, offlineMaxDays: number, endsIn: number | null): number | null {
  const activeUntil = endsIn === null ? null : inSeconds(endsIn);
  return chooseTtl(asked, ttlBounds({ offlineMaxDays, activeUntil }, now));
}

describe('an offline file', () => {
  test.each([
    ['an hour', HOUR, 14, null, HOUR],
    ['a second less than an hour', HOUR - 1, 14, null, null],
    ['all that the policy allows', 7 * DAY, 7, null, 7 * DAY],
    ['a second more than the policy allows', 7 * DAY + 1, 7, null, null],
    ['90 days, where the policy allows more', 90 * DAY, 365, null, 90 * DAY],
    ['a second more than 90 days, whatever the policy allows', 90 * DAY + 1, 365, null, null],
    ['to the very end of the license', 2 * DAY, 14, 2 * DAY, 2 * DAY],
    ['a second past the end of the license', 2 * DAY + 1, 14, 2 * DAY, null],
    ['an hour, where the license has just that left', HOUR, 14, HOUR, HOUR],
    ['an hour, where the license has less left', HOUR, 14, HOUR - 1, null],
    ['nothing', 0, 14, null, null],
    ['less than nothing', -HOUR, 14, null, null],
  ])('asked to last %s: %d s with %d days allowed and %p s left gives %p', (_title, asked, offlineMaxDays, endsIn, ttl) => {
    expect(ttlOf(asked, offlineMaxDays, endsIn)).toBe(ttl);
  });

  test.each([
    ['14 days', 30, null, 14 * DAY],
    ['what the policy allows, where that is less', 3, null, 3 * DAY],
    ['what is left of the license, where that is less', 30, 2 * DAY + 5, 2 * DAY + 5],
    ['an hour, where just that is left', 30, HOUR, HOUR],
    ['no time at all, where less than an hour is left', 30, HOUR - 1, null],
    ['no time at all, once the license has ended', 30, -5, null],
  ])('left to itself lasts %s: %d days allowed and %p s left give %p', (_title, offlineMaxDays, endsIn, ttl) => {
    expect(ttlOf(undefined, offlineMaxDays, endsIn)).toBe(ttl);
  });

  test('never outlives the license by a part of a second', () => {
    const activeUntil = new Date(now.getTime() + 2 * DAY * 1000 + 999);
    const { most } = ttlBounds({ offlineMaxDays: 14, activeUntil }, now);
    expect(most).toBe(2 * DAY);
  });

  test('names the bounds it has', () => {
    expect(ttlBounds({ offlineMaxDays: 14, activeUntil: null }, now)).toEqual({ least: HOUR, most: 14 * DAY });
    expect(ttlBounds({ offlineMaxDays: 14, activeUntil: inSeconds(-1) }, now)).toEqual({ least: HOUR, most: 0 });
  });
});
