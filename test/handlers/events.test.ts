import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLicense } from '../support/license.ts';
import { LIVE_KEY, startTestService, testClock, type TestService } from '../support/service.ts';

const clock = testClock(new Date('2026-06-01T00:00:00.000Z'));
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock });
});
afterAll(() => tillkey.stop());

const list = async (query: string, key?: string) => (await tillkey.call('GET', `/api/v1/events?${query}`, key === undefined ? {} : { key })).body;
const types = ({ data }: { data: { type: string }[] }) => data.map(({ type }) => type);

describe('events', () => {
  test('tell what happened to a license, numbered, newest first, and can be read by their id', async () => {
    const license = await createLicense(tillkey);
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/suspend`, { body: { reason: 'Chargeback' } });
    await tillkey.call('DELETE', `/api/v1/licenses/${license.id}`);
    const { data } = await list(`licenseId=${license.id}`);
    expect(data.map(({ type, sequence }: any) => [type, sequence])).toEqual([['license.deleted', 3], ['license.suspended', 2], ['license.created', 1]]);
    expect(data[1]).toEqual({
      id: expect.any(String), type: 'license.suspended', createdAt: '2026-06-01T00:00:00.000Z', livemode: false, licenseId: license.id, sequence: 2,
      data: expect.objectContaining({ id: license.id, status: 'suspended', reason: 'Chargeback' }),
    });
    expect((await tillkey.call('GET', `/api/v1/events/${data[1].id}`)).body.data).toEqual(data[1]);
  });

  test('never show a license key', async () => {
    const license = await createLicense(tillkey);
    expect(JSON.stringify(await list('limit=100'))).not.toContain(license.key.slice(5));
  });

  test('are filtered by type and by what came after a moment, page by page', async () => {
    clock.set(new Date('2026-06-05T00:00:00.000Z'));
    for (let n = 0; n < 3; n += 1) await tillkey.call('POST', '/api/v1/customers', { body: { email: `event-${n}@example.com` } });
    const filter = 'type=customer.created&createdAfter=2026-06-04T00:00:00Z&limit=2';
    const first = await list(filter);
    const second = await list(`${filter}&cursor=${first.pagination.nextCursor}`);
    expect([...first.data, ...second.data].map(({ data }) => data.email)).toEqual(['event-2@example.com', 'event-1@example.com', 'event-0@example.com']);
    expect(second.pagination).toEqual({ nextCursor: null, hasMore: false });
    expect(types(await list('createdAfter=2026-06-05T00:00:00.000Z'))).toEqual([]);
    expect(types(await list('type=machine.dead'))).toEqual([]);
  });

  test('are the caller’s scope’s own, and say which mode they are of', async () => {
    const { id } = (await tillkey.call('POST', '/api/v1/customers', { key: LIVE_KEY, body: { email: 'live@example.com' } })).body.data;
    const live = await list('', LIVE_KEY);
    expect(live.data).toEqual([expect.objectContaining({ type: 'customer.created', livemode: true, licenseId: null, sequence: null, data: expect.objectContaining({ id }) })]);
    expect((await tillkey.call('GET', `/api/v1/events/${live.data[0].id}`)).status).toBe(404);
    expect((await tillkey.call('GET', '/api/v1/events/none')).status).toBe(404);
  });

  test.each(['type=license.create', 'licenseId=x', 'createdAfter=yesterday', 'before=x'])('for %s are 400', async (query) => {
    expect((await tillkey.call('GET', `/api/v1/events?${query}`)).status).toBe(400);
  });

  test('say how a moment is written', async () => {
    for (const asked of ['yesterday', '2026-06-01', '2026-06-01T00:00:00']) {
      expect((await tillkey.call('GET', `/api/v1/events?createdAfter=${asked}`)).body.error).toContain('such as 2026-01-31T12:00:00Z');
    }
  });
});
