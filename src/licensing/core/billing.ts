/** What billing decided about a license. Stripe may lift only what Stripe imposed, so it stands apart from the vendor's. */
export type BillingState = 'ACTIVE' | 'GRACE' | 'SUSPENDED' | 'ENDED' | 'REVOKED';

/** Why billing is in a state other than plainly paid. */
export type BillingReason = 'TRIAL' | 'PAYMENT_FAILED' | 'PAUSED' | 'CANCELED' | 'ITEM_REMOVED' | 'REFUNDED' | 'DISPUTED';

/**
 * `renews`: the subscription lives and no cancellation is scheduled, so a renewal is expected and validity runs the
 * renewal slack past the expiry. `graceEndsAt` is set while a renewal is unpaid.
 */
export type Billing = {
  state: BillingState;
  reason: BillingReason | null;
  renews: boolean;
  graceEndsAt: Date | null;
  cancelsAt: Date | null;
  paidThrough: Date | null;
};
