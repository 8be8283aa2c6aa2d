import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { outcomes } from '../../src/billing/core/outcome.ts';
import { stripeEventTypes } from '../../src/billing/core/read-stripe.ts';
import { createCatalog } from '../support/catalog.ts';
import { startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { LIVE_KEY, LIVE_SECRET, startTestService, TEST_KEY, TEST_SECRET, type TestService } from '../support/service.ts';
import { deliver, type RawEvent, unix } from '../support/webhook.ts';

/**
 * Payloads that Stripe made and others collected, which stand beside the project and are no part of it: each is taken, and comes
 * to an outcome with a sentence. `STRIPE_PAYLOADS_DIR` names another folder of them.
 */

const folder = process.env['STRIPE_PAYLOADS_DIR'] ?? new URL('../../../shared/stripe-payloads', import.meta.url).pathname;

type Payload = { from: string; sent: RawEvent };

/** Every JSON file below the folder: an event as it is, or a list of bare resources. */
async function collect(): Promise<Payload[]> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json')).toSorted();
  const payloads: Payload[] = [];
  for (const file of files) {
    const content = JSON.parse(await readFile(join(folder, file), 'utf8'));
    if (content.object === 'event') payloads.push({ from: file, sent: content });
    else if (content.resources) payloads.push(...wrapped(basename(file), content.resources));
  }
  return withOwnIds(payloads);
}

/** What each type is about, by the name Stripe gives that resource. */
const kinds: [of: RegExp, resources: string[]][] = [
  [/^checkout\.session\./, ['checkout.session']],
  [/^customer\.subscription\./, ['subscription']],
  [/^invoice\./, ['invoice', 'deleted_invoice']],
  [/^charge\.refunded$/, ['charge']],
  [/^refund\./, ['refund']],
  [/^charge\.dispute\./, ['dispute']],
  [/^customer\.(updated|deleted)$/, ['customer', 'deleted_customer']],
  [/^test_helpers\./, ['test_helpers.test_clock', 'deleted_test_helpers.test_clock']],
];

/** Each resource in every type that is about it, and every resource in a type that is not. */
function wrapped(file: string, resources: Record<string, object>): Payload[] {
  const names = Object.keys(resources);
  return names.flatMap((name, n) => {
    const own = stripeEventTypes.filter((type) => kinds.some(([of, about]) => of.test(type) && about.includes(name)));
    const types = new Set([...own, stripeEventTypes[n % stripeEventTypes.length]!]);
    return [...types].map((type) => ({
      from: `${file} ${name} as ${type}`,
      sent: { id: 'evt_wrapped', object: 'event', api_version: null, type, created: unix(), livemode: false, data: { object: resources[name] } },
    }));
  });
}

/** Recorded events share ids; the second of an id would count as a repeat of the first. */
function withOwnIds(payloads: Payload[]): Payload[] {
  const taken = new Set<string>();
  return payloads.map(({ from, sent }, n) => {
    const id = taken.has(sent.id) ? `${sent.id}_${n}` : sent.id;
    taken.add(id);
    return { from, sent: { ...sent, id } };
  });
}

/** Whatever is sold in the payloads buys a license here, so that they are gone through to the end. */
async function mapPrices(tillkey: TestService, payloads: Payload[]): Promise<void> {
  const text = JSON.stringify(payloads);
  const prices = new Set([...text.matchAll(/"(price_\w+)"/g)].map(([, price]) => price!));
  for (const stripePriceId of prices) await createCatalog(tillkey, { stripePriceId, mapping: { issueOnOpenInvoice: true } });
}

type Came = { from: string; type: string; whole: boolean; status: number; outcome: string | null; reason: string; lastError: string | null };

/** Delivers everything and waits for what it came to. */
async function deliverAll(tillkey: TestService, payloads: Payload[]): Promise<Came[]> {
  await mapPrices(tillkey, payloads);
  const statuses = new Map<string, number>();
  for (const { sent } of payloads) statuses.set(sent.id, (await deliver(tillkey.url, sent, { secret: sent.livemode ? LIVE_SECRET : TEST_SECRET })).status);
  await tillkey.settled(25_000);
  return Promise.all(payloads.map(async ({ from, sent }) => {
    const { body } = await tillkey.call('GET', `/api/v1/stripe-events/${sent.id}`, { key: sent.livemode ? LIVE_KEY : TEST_KEY });
    const { outcome, reason, lastError } = body.data ?? {};
    return { from, type: sent.type, whole: hasId(sent), status: statuses.get(sent.id)!, outcome, reason, lastError };
  }));
}

/** What is not as it should be with what a payload came to. */
function isWrong({ status, outcome, reason, lastError }: Came): boolean {
  const told = outcomes.some((known) => known === outcome && known !== 'failed') && /^[A-Z].*\.$/.test(reason ?? '');
  return status !== 200 || !told || lastError !== null;
}

/** An event of Stripe's own making is understood. Some that were collected show an object without an id, which Stripe never sends. */
function isNotUnderstood({ from, whole, reason }: Came): boolean {
  return !from.includes(' as ') && whole && /does not know/.test(reason);
}

function hasId({ data }: RawEvent): boolean {
  return typeof (data as { object?: { id?: unknown } }).object?.id === 'string';
}

if (existsSync(folder)) {
  const payloads = await collect();
  let stop: () => Promise<void>;
  afterEach(() => stop());

  const come = async (environment: Record<string, string>, afterStop = async () => {}) => {
    const tillkey = await startTestService({ environment });
    stop = async () => {
      await tillkey.stop();
      await afterStop();
    };
    const came = await deliverAll(tillkey, payloads);
    expect(came.filter(isWrong)).toEqual([]);
    expect(came.filter(isNotUnderstood)).toEqual([]);
  };

  describe(`${payloads.length} payloads that were collected elsewhere`, () => {
    test('come to an outcome with a reason, and none fails, without a Stripe key', () => come({}), 120_000);

    test('and so with a key to a Stripe that shows none of them', async () => {
      const stripe = await startFakeStripe();
      await come({ STRIPE_API_BASE: stripe.url, STRIPE_TEST_SECRET_KEY: 'sk_test_123' }, stripe.close);
      expect(stripe.requests).toBeGreaterThan(0);
    }, 120_000);
  });
} else {
  test('collected payloads are not here to be tried, which is said aloud', () => {
    process.stderr.write(`\nNOT RUN: no collected Stripe payloads at ${folder}. Name their folder with STRIPE_PAYLOADS_DIR to try them.\n`);
  });
}
