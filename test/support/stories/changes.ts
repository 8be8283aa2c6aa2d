import type { ChangeTerms, ItemChange } from '../fake-stripe/change-items.ts';
import { subscribed } from './purchases.ts';
import type { Story, World } from './story.ts';

const current = 'active ACTIVE until day 68';

/** Changes what a subscription is for. Items are named by their place; one that is not there yet is added. */
function change({ stripe, on }: World, day: number, id: string, changes: (Omit<ItemChange, 'id'> & { place?: number })[], terms?: ChangeTerms): void {
  on(day);
  const items = stripe.itemsOf(id);
  stripe.changeItems(id, changes.map(({ place, ...what }) => ({ ...what, ...(place !== undefined && { id: items[place]! }) })), terms);
}

/** Somebody subscribes to two things. */
function subscribedToBoth({ stripe, shop, email, on }: World, day: number, other: 'addon' | 'service' = 'addon'): string {
  on(day);
  return stripe.buySubscription({ email, items: [{ priceId: shop.monthly }, { priceId: shop[other] }] }).subscriptionId;
}

/** Another price, another interval. */
export const priceStories: Story[] = [
  { title: 'moved up, billed at once', ends: [`${current} of pro`], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    change(world, 50, id, [{ place: 0, priceId: world.shop.pro }], { prorate: 'now' });
  } },
  { title: 'moved up, billed with the next invoice', ends: ['active ACTIVE until day 69 of pro'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10);
    change(world, 20, id, [{ place: 0, priceId: world.shop.pro }]);
    world.on(41);
    world.stripe.renew(id);
  } },
  { title: 'moved down, credited at once', ends: [current], mails: 1, tell: (world) => {
    const id = subscribed(world, 40, { priceId: world.shop.pro });
    change(world, 50, id, [{ place: 0, priceId: world.shop.monthly }], { prorate: 'now' });
  } },
  { title: 'moved down, and renewed from the credit', ends: ['active ACTIVE until day 69'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10, { priceId: world.shop.pro });
    change(world, 11, id, [{ place: 0, priceId: world.shop.monthly }], { prorate: 'now' });
    world.on(41);
    world.stripe.renew(id);
  } },
  { title: 'moved up and down again', ends: [current], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    change(world, 45, id, [{ place: 0, priceId: world.shop.pro }], { prorate: 'now' });
    change(world, 50, id, [{ place: 0, priceId: world.shop.monthly }], { prorate: 'now' });
  } },
  { title: 'from months to years', ends: ['active ACTIVE until day 415 of yearly'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    change(world, 50, id, [{ place: 0, priceId: world.shop.yearly }]);
  } },
  { title: 'from years to months: the credit ends what was paid for the year', ends: ['active ACTIVE until day 81'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40, { priceId: world.shop.yearly });
    change(world, 50, id, [{ place: 0, priceId: world.shop.monthly }]);
  } },
  { title: 'moved to a price that nothing is mapped to', ends: [current], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    change(world, 50, id, [{ place: 0, priceId: world.shop.service }], { prorate: 'none' });
  } },
  { title: 'moved to a price that nothing is mapped to, and back', ends: [current], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    change(world, 45, id, [{ place: 0, priceId: world.shop.service }], { prorate: 'none' });
    change(world, 50, id, [{ place: 0, priceId: world.shop.monthly }], { prorate: 'none' });
  } },
  { title: 'to be moved up once that is paid', ends: [current], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    change(world, 60, id, [{ place: 0, priceId: world.shop.pro }], { prorate: 'now', ifPaid: true, outcome: 'failed' });
  } },
  { title: 'moved up once that was paid', ends: [`${current} of pro`], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    change(world, 50, id, [{ place: 0, priceId: world.shop.pro }], { prorate: 'now', ifPaid: true, outcome: 'requires_action' });
    world.on(50.5);
    world.stripe.payInvoice(world.stripe.latestInvoiceOf(id));
  } },
  { title: 'not moved up, as that was never paid', ends: [current], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    change(world, 50, id, [{ place: 0, priceId: world.shop.pro }], { prorate: 'now', ifPaid: true, outcome: 'failed' });
    world.on(51);
    world.stripe.lapsePendingUpdate(id);
  } },
];

const removed = (day: number) => `expired ENDED ITEM_REMOVED until day ${day}`;
const times = (count: number, end: string) => Array<string>(count).fill(end);

/** More units or fewer. */
export const quantityStories: Story[] = [
  { title: 'from two units to four', ends: times(4, current), tell: (world) => {
    const id = subscribed(world, 40, { quantity: 2 });
    change(world, 50, id, [{ place: 0, quantity: 4 }], { prorate: 'now' });
  } },
  { title: 'from five units to three', ends: [...times(3, current), ...times(2, removed(45))], tell: (world) => {
    const id = subscribed(world, 40, { quantity: 5 });
    change(world, 45, id, [{ place: 0, quantity: 3 }]);
  } },
  { title: 'from five units to three, then four', ends: [...times(4, current), removed(45)], tell: (world) => {
    const id = subscribed(world, 40, { quantity: 5 });
    change(world, 45, id, [{ place: 0, quantity: 3 }]);
    change(world, 50, id, [{ place: 0, quantity: 4 }]);
  } },
  { title: 'from five units to three, then one', ends: [current, ...times(2, removed(50)), ...times(2, removed(45))], tell: (world) => {
    const id = subscribed(world, 40, { quantity: 5 });
    change(world, 45, id, [{ place: 0, quantity: 3 }]);
    change(world, 50, id, [{ place: 0, quantity: 1 }]);
  } },
  { title: 'from three units to two, renewed', ends: [...times(2, 'active ACTIVE until day 69'), removed(20)], tell: (world) => {
    const id = subscribed(world, 10, { quantity: 3 });
    change(world, 20, id, [{ place: 0, quantity: 2 }]);
    world.on(41);
    world.stripe.renew(id);
  } },
  { title: 'from two seats to three', mapping: { quantityMode: 'SEATS', seatsPerUnit: 2 }, ends: [`${current}, 6 machines`], mails: 1, tell: (world) => {
    const id = subscribed(world, 40, { quantity: 2 });
    change(world, 50, id, [{ place: 0, quantity: 3 }], { prorate: 'now' });
  } },
  { title: 'from five seats to three, then four', mapping: { quantityMode: 'SEATS', seatsPerUnit: 2 }, ends: [`${current}, 8 machines`], mails: 1, tell: (world) => {
    const id = subscribed(world, 40, { quantity: 5 });
    change(world, 45, id, [{ place: 0, quantity: 3 }]);
    change(world, 50, id, [{ place: 0, quantity: 4 }]);
  } },
];

/** Several items on one subscription. */
export const itemStories: Story[] = [
  { title: 'subscribed to two things', ends: [current, `${current} of addon`], mails: 1, tell: (world) => void subscribedToBoth(world, 40) },
  { title: 'subscribed to two things, one of them mapped', ends: [current], mails: 1, tell: (world) => void subscribedToBoth(world, 40, 'service') },
  { title: 'another item was added', ends: [current, `${current} of addon`], tell: (world) => {
    const id = subscribed(world, 40);
    change(world, 50, id, [{ priceId: world.shop.addon }], { prorate: 'now' });
  } },
  { title: 'one item was removed, the other stays', ends: [current, `${removed(50)} of addon`], mails: 1, tell: (world) => {
    const id = subscribedToBoth(world, 40);
    change(world, 50, id, [{ place: 1, remove: true }]);
  } },
  { title: 'one item was removed, and renewed without it', ends: ['active ACTIVE until day 69', `${removed(20)} of addon`], mails: 1, tell: (world) => {
    const id = subscribedToBoth(world, 10);
    change(world, 20, id, [{ place: 1, remove: true }]);
    world.on(41);
    world.stripe.renew(id);
  } },
  { title: 'one item was removed, then all was canceled', ends: ['expired ENDED CANCELED until day 55', `${removed(50)} of addon`], mails: 1, tell: (world) => {
    const id = subscribedToBoth(world, 40);
    change(world, 50, id, [{ place: 1, remove: true }]);
    world.on(55);
    world.stripe.cancelNow(id);
  } },
  { title: 'one item was removed and bought again', ends: [current, `${removed(45)} of addon`, `${current} of addon`], tell: (world) => {
    const id = subscribedToBoth(world, 40);
    change(world, 45, id, [{ place: 1, remove: true }], { prorate: 'now' });
    change(world, 50, id, [{ priceId: world.shop.addon }], { prorate: 'now' });
  } },
];
