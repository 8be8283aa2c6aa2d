import { chargeFor, invoiced } from './purchases.ts';
import type { Story } from './story.ts';

const good = 'active ACTIVE for good';

/** Invoices that stand alone, and those of quotes. */
export const invoiceStories: Story[] = [
  { title: 'invoiced, not paid yet', ends: [], mails: 0, tell: (world) => void invoiced(world, 40) },
  { title: 'invoiced, and paid', ends: [good, good], mails: 1, tell: (world) => {
    const id = invoiced(world, 40, 2);
    world.on(45);
    world.stripe.payInvoice(id);
  } },
  { title: 'invoiced for several things, some of them mapped', ends: [good, good, `${good} of extra`], mails: 1, tell: ({ stripe, shop, email, on }) => {
    on(40);
    const { invoiceId } = stripe.sendInvoice({ email, items: [{ priceId: shop.shirt, quantity: 3 }, { priceId: shop.once, quantity: 2 }, { priceId: shop.extra }] });
    on(45);
    stripe.payInvoice(invoiceId);
  } },
  { title: 'invoiced for more things than an event tells of', needsKey: 'lines', ends: Array<string>(12).fill(good), mails: 1, tell: ({ stripe, shop, email, on }) => {
    on(40);
    const { invoiceId } = stripe.sendInvoice({ email, items: Array.from({ length: 12 }, () => ({ priceId: shop.once })) });
    on(45);
    stripe.payInvoice(invoiceId);
  } },
  { title: 'invoiced from a quote, and paid', ends: [good], mails: 1, tell: ({ stripe, shop, email, on }) => {
    on(40);
    const { invoiceId } = stripe.sendInvoice({ email, items: [{ priceId: shop.once }], quote: true });
    on(45);
    stripe.payInvoice(invoiceId);
  } },
  { title: 'invoiced, and tried to pay', ends: [], mails: 0, tell: (world) => {
    const id = invoiced(world, 40);
    world.on(45);
    world.stripe.payInvoice(id, 'failed');
  } },
  { title: 'invoiced by mistake', ends: [], mails: 0, tell: (world) => {
    const id = invoiced(world, 40);
    world.on(45);
    world.stripe.voidInvoice(id);
  } },
  { title: 'invoiced, written off, and paid late', ends: [good], mails: 1, tell: (world) => {
    const id = invoiced(world, 30);
    world.on(45);
    world.stripe.markUncollectible(id);
    world.on(55);
    world.stripe.payInvoice(id);
  } },
  { title: 'invoiced, and paid another way', ends: [good], mails: 1, tell: (world) => {
    const id = invoiced(world, 40);
    world.on(45);
    world.stripe.payOutOfBand(id);
  } },
  { title: 'invoiced, and paid twice over', since: 'basil', ends: [good], mails: 1, tell: (world) => {
    const id = invoiced(world, 40);
    world.on(45);
    world.stripe.payInvoice(id);
    world.stripe.payPart(id, 5900);
  } },
  { title: 'invoiced, and refunded', needsKey: 'payments', ends: ['revoked REVOKED REFUNDED for good', 'revoked REVOKED REFUNDED for good'], mails: 1, tell: (world) => {
    const id = invoiced(world, 40, 2);
    world.on(42);
    world.stripe.payInvoice(id);
    world.on(45);
    world.stripe.refund(chargeFor(world, id));
  } },
  { title: 'invoiced, and disputed', needsKey: 'payments', ends: ['suspended SUSPENDED DISPUTED for good'], mails: 1, tell: (world) => {
    const id = invoiced(world, 40);
    world.on(42);
    world.stripe.payInvoice(id);
    world.on(45);
    world.stripe.dispute(chargeFor(world, id));
  } },
];
