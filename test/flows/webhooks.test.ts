import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { backends, startTestService, type TestService } from '../support/service.ts';

describe.each(backends())('with the queues in %s, an endpoint', (backend) => {
  let tillkey: TestService;
  let receiver: Receiver;
  beforeAll(async () => {
    [tillkey, receiver] = [await startTestService({ backend }), await startReceiver()];
  });
  afterAll(async () => {
    await tillkey.stop();
    await receiver.close();
  });

  test('hears of an event at once, signed as the standard says', async () => {
    const { secret } = (await tillkey.call('POST', '/api/v1/webhooks', { body: { url: receiver.url } })).body.data;
    await tillkey.call('POST', '/api/v1/customers', { body: { email: 'jo@example.com' } });
    const [hook] = await receiver.got(1);
    const told = (await tillkey.call('GET', '/api/v1/events')).body.data[0];
    expect(new Webhook(secret).verify(hook!.body, hook!.headers as Record<string, string>)).toEqual(told);
    expect(hook!.headers['webhook-id']).toBe(told.id);
    expect(hook!.headers['x-signature']).toBe(createHmac('sha256', secret).update(hook!.body).digest('hex'));
    expect(hook!.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': expect.stringMatching(/^Tillkey\/\d/) });
  });
});
