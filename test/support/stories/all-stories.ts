import { itemStories, priceStories, quantityStories } from './changes.ts';
import { disputedOnceStories, disputeStories } from './disputes.ts';
import { endStories, pauseStories } from './ends.ts';
import { failureStories, firstPaymentStories } from './failures.ts';
import { invoiceStories } from './invoices.ts';
import { lifeStories, trialStories } from './lives.ts';
import { emptyStories, onceStories } from './once.ts';
import { refundedOnceStories, refundedPartStories, refundStories } from './refunds.ts';
import type { Story } from './story.ts';

/** What can happen to a purchase, each as Stripe tells it. */
export const stories: readonly Story[] = [
  ...onceStories, ...emptyStories, ...lifeStories, ...trialStories, ...failureStories, ...firstPaymentStories, ...endStories, ...pauseStories, ...priceStories, ...quantityStories, ...itemStories,
  ...refundStories, ...refundedOnceStories, ...refundedPartStories, ...disputeStories, ...disputedOnceStories, ...invoiceStories,
];
