import { another, type Story } from './story.ts';
import { boughtOnce } from './purchases.ts';

const good = 'active ACTIVE for good';

/** What is bought once, in Checkout. Its line items take a Stripe key to know. */
export const onceStories: Story[] = ([
  { title: 'bought once', ends: [good], mails: 1, tell: (world) => void boughtOnce(world, 40) },
  { title: 'bought once by a guest, two units', ends: [good, good], mails: 1, tell: (world) => void boughtOnce(world, 40, { quantity: 2, guest: true }) },
  { title: 'bought once by a guest, and again', ends: [good, good], mails: 2, tell: (world) => {
    boughtOnce(world, 40, { guest: true });
    boughtOnce(world, 45, { guest: true });
  } },
  { title: 'bought once, paid a day later', ends: [good], mails: 1, tell: (world) => {
    const id = boughtOnce(world, 40, { paid: false });
    world.on(41);
    world.stripe.settleAsyncPayment(id, true);
  } },
  { title: 'bought once, never paid', ends: [], mails: 0, tell: (world) => {
    const id = boughtOnce(world, 40, { paid: false });
    world.on(41);
    world.stripe.settleAsyncPayment(id, false);
  } },
  { title: 'bought once, not paid yet', ends: [], mails: 0, tell: (world) => void boughtOnce(world, 40, { paid: false }) },
  { title: 'bought once with a coupon for all of it', ends: [good], mails: 1, tell: (world) => void boughtOnce(world, 40, { percentOff: 100 }) },
  { title: 'taken for nothing', ends: [`${good} of gift`], mails: 1, tell: (world) => void boughtOnce(world, 40, { priceId: world.shop.gift, guest: true }) },
  { title: 'bought once, with an invoice made of it', ends: [good, good], mails: 1, tell: (world) => void boughtOnce(world, 40, { invoice: true, quantity: 2 }) },
  { title: 'bought once, paid a day later, with an invoice made of it', ends: [good], mails: 1, tell: (world) => {
    const id = boughtOnce(world, 40, { paid: false, invoice: true });
    world.on(41);
    world.stripe.settleAsyncPayment(id, true);
  } },
  { title: 'bought several things once, some of them mapped', ends: [good, good, `${good} of extra`], mails: 1, tell: ({ stripe, shop, email, on }) => {
    on(40);
    stripe.buyOnce({ email, items: [{ priceId: shop.shirt }, { priceId: shop.once, quantity: 2 }, { priceId: shop.extra }] });
  } },
  { title: 'bought once, more things than fit on a page', ends: Array<string>(12).fill(good), mails: 1, tell: ({ stripe, shop, email, on }) => {
    on(40);
    stripe.buyOnce({ email, items: Array.from({ length: 12 }, () => ({ priceId: shop.once })) });
  } },
  { title: 'bought once and by somebody else', ends: [good, good], mails: 2, tell: (world) => {
    boughtOnce(world, 40);
    boughtOnce({ ...world, email: another(world.email) }, 41);
  } },
] satisfies Story[]).map((story) => ({ needsKey: 'line items', ...story }));

/** What sells nothing that is mapped. */
export const emptyStories: Story[] = [
  { title: 'a shirt is all that was bought', needsKey: 'line items', ends: [], mails: 0, tell: (world) => void boughtOnce(world, 40, { priceId: world.shop.shirt }) },
  { title: 'a card was saved', ends: [], mails: 0, tell: ({ stripe, email, on }) => {
    on(40);
    stripe.saveCard({ email });
  } },
  { title: 'nobody completed the session', ends: [], mails: 0, tell: ({ stripe, shop, email, on }) => {
    on(40);
    stripe.letSessionExpire({ email, priceId: shop.once });
  } },
];
