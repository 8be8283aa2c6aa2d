import { seededRandom } from './random.ts';

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** How each kind of id looks at Stripe: what it starts with, and how many random characters follow. */
const kinds = {
  account: ['acct_1', 15],
  charge: ['ch_3', 23],
  coupon: ['', 8],
  customer: ['cus_', 14],
  discount: ['di_1', 23],
  dispute: ['du_1', 23],
  event: ['evt_1', 23],
  invoice: ['in_1', 23],
  invoiceItem: ['ii_1', 23],
  invoiceLine: ['il_1', 23],
  invoicePayment: ['inpay_1', 23],
  lineItem: ['li_1', 23],
  liveSession: ['cs_live_a1', 56],
  paymentIntent: ['pi_3', 23],
  paymentLink: ['plink_1', 23],
  paymentMethod: ['pm_1', 23],
  price: ['price_1', 23],
  product: ['prod_', 14],
  promotionCode: ['promo_1', 23],
  quote: ['qt_1', 23],
  refund: ['re_3', 23],
  request: ['req_', 14],
  secret: ['whsec_', 32],
  setupIntent: ['seti_1', 23],
  subscription: ['sub_1', 23],
  subscriptionItem: ['si_', 14],
  taxRate: ['txr_1', 23],
  testClock: ['clock_1', 23],
  testSession: ['cs_test_a1', 56],
  webhookEndpoint: ['we_1', 23],
} as const satisfies Record<string, readonly [string, number]>;

export type NewId = (kind: keyof typeof kinds) => string;

/**
 * Makes ids like Stripe's. One seed makes the same ids of each kind, in the order they are asked for: a shape that has
 * more events than another names the same objects.
 */
export function idsFrom(seed: number): NewId {
  const randoms = new Map(Object.keys(kinds).map((kind, n) => [kind, seededRandom(seed + n * 7919)]));
  return (kind) => {
    const [start, length] = kinds[kind];
    const random = randoms.get(kind) ?? Math.random;
    const letter = () => LETTERS.charAt(Math.floor(random() * LETTERS.length));
    return start + Array.from({ length }, letter).join('');
  };
}
