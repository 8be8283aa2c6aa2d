import { seededRandom } from './random.ts';

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** How each kind of id looks at Stripe: what it starts with, and how many random characters follow. */
const kinds = {
  account: ['acct_1', 15],
  charge: ['ch_3', 23],
  customer: ['cus_', 14],
  event: ['evt_1', 23],
  invoice: ['in_1', 23],
  invoiceLine: ['il_1', 23],
  lineItem: ['li_1', 23],
  liveSession: ['cs_live_a1', 56],
  paymentIntent: ['pi_3', 23],
  paymentMethod: ['pm_1', 23],
  price: ['price_1', 23],
  product: ['prod_', 14],
  request: ['req_', 14],
  subscription: ['sub_1', 23],
  subscriptionItem: ['si_', 14],
  testSession: ['cs_test_a1', 56],
} as const satisfies Record<string, readonly [string, number]>;

export type NewId = (kind: keyof typeof kinds) => string;

/** Makes ids like Stripe's. One seed makes the same ids, in the order they are asked for. */
export function idsFrom(seed: number): NewId {
  const random = seededRandom(seed);
  const letter = () => LETTERS.charAt(Math.floor(random() * LETTERS.length));
  return (kind) => {
    const [start, length] = kinds[kind];
    return start + Array.from({ length }, letter).join('');
  };
}
