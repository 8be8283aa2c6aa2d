import { buyOnce, type OneTimeOrder, type OneTimePurchase, settleAsyncPayment } from './buy-once.ts';
import { buySubscription, type SubscriptionOrder, type SubscriptionPurchase } from './buy-subscription.ts';
import { cancelNow, scheduleCancel } from './cancel.ts';
import { createProductAndPrice, type ProductForSale } from './create-product.ts';
import { endTrial, failRenewal, renew, retryPayment } from './renew.ts';
import type { FakeEvent, State } from './state.ts';

/** What can happen at Stripe. Each step changes its state at `now()` and returns the events it emitted, in order. */
export type Stories = {
  createProductAndPrice(product: ProductForSale): { productId: string; priceId: string };
  buySubscription(order: SubscriptionOrder): SubscriptionPurchase;
  buyOnce(order: OneTimeOrder): OneTimePurchase;
  settleAsyncPayment(sessionId: string, succeeded: boolean): FakeEvent[];
  renew(subscriptionId: string): FakeEvent[];
  failRenewal(subscriptionId: string): FakeEvent[];
  retryPayment(subscriptionId: string, succeeds: boolean): FakeEvent[];
  scheduleCancel(subscriptionId: string): FakeEvent[];
  cancelNow(subscriptionId: string): FakeEvent[];
  endTrial(subscriptionId: string): FakeEvent[];
};

export function storiesOf(state: State): Stories {
  return {
    createProductAndPrice: (product) => createProductAndPrice(state, product),
    buySubscription: (order) => buySubscription(state, order),
    buyOnce: (order) => buyOnce(state, order),
    settleAsyncPayment: (sessionId, succeeded) => settleAsyncPayment(state, sessionId, succeeded),
    renew: (subscriptionId) => renew(state, subscriptionId),
    failRenewal: (subscriptionId) => failRenewal(state, subscriptionId),
    retryPayment: (subscriptionId, succeeds) => retryPayment(state, subscriptionId, succeeds),
    scheduleCancel: (subscriptionId) => scheduleCancel(state, subscriptionId),
    cancelNow: (subscriptionId) => cancelNow(state, subscriptionId),
    endTrial: (subscriptionId) => endTrial(state, subscriptionId),
  };
}
