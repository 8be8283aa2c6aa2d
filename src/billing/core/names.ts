import type { StripeFact } from './facts.ts';

/** What a fact names: the purchase it belongs to by itself, the Stripe customer, and the payments it speaks of. */
export type Names = { purchaseId: string | null; customerId: string | null; paymentIds: string[] };

/**
 * The ids by which a fact bears on others. Two facts of one payment share a payment id, directly or through a third: an
 * invoice counts as the id of its payments, since charges (before basil) and invoice payments (since) name it.
 */
export function namesOf(fact: StripeFact): Names {
  switch (fact.kind) {
    case 'subscription':
      return { purchaseId: fact.id, customerId: fact.customerId, paymentIds: [] };
    case 'invoice':
      return { purchaseId: fact.subscriptionId ?? fact.id, customerId: fact.customerId, paymentIds: [fact.id, ...fact.paymentIds] };
    case 'checkout_session':
      return { purchaseId: fact.subscriptionId ?? fact.id, customerId: fact.customerId, paymentIds: present(fact.paymentIntentId, fact.invoiceId) };
    case 'customer':
      return { purchaseId: null, customerId: fact.id, paymentIds: [] };
    case 'charge':
      return { purchaseId: null, customerId: fact.customerId, paymentIds: present(fact.id, fact.paymentIntentId, fact.invoiceId) };
    case 'refund':
    case 'dispute':
      return { purchaseId: null, customerId: null, paymentIds: present(fact.chargeId, fact.paymentIntentId) };
    case 'invoice_payment':
      return { purchaseId: null, customerId: null, paymentIds: present(fact.invoiceId, fact.chargeId, fact.paymentIntentId) };
  }
}

/** Every Stripe id a fact names that another fact may name too: what is locked while it is stored and projected. */
export function idsOf(fact: StripeFact): string[] {
  const { purchaseId, customerId, paymentIds } = namesOf(fact);
  return present(fact.id, purchaseId, customerId, ...paymentIds);
}

function present(...ids: (string | null)[]): string[] {
  return ids.filter((id) => id !== null);
}
