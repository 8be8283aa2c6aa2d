import type { CustomerFact } from './facts.ts';
import type { Purchase } from './purchase.ts';
import type { Known } from './sighting.ts';

/**
 * Who bought: the Stripe customer, absent for guests, and the first email told, by the order of section 4 of the contract.
 * `changed`: the customer changed their email in Stripe since, and this is it.
 */
export type Buyer = { stripeCustomerId: string | null; email: string | null; name: string | null; changed: boolean };

export function buyerOf(purchase: Purchase, customer: Known<CustomerFact> | null): Buyer {
  const changed = customer?.marks.emailChangedAt !== undefined && isAddress(customer.fact.email);
  const told = tellers(purchase, customer);
  const inOrder = changed ? [customer.fact, ...told] : told;
  return {
    stripeCustomerId: customerIdOf(purchase),
    email: inOrder.find(({ email }) => isAddress(email))?.email?.toLowerCase() ?? null,
    name: inOrder.find(({ name }) => name !== null)?.name ?? null,
    changed,
  };
}

function customerIdOf({ session, subscription, invoices }: Purchase): string | null {
  return [session, subscription, ...invoices].flatMap((known) => known?.fact.customerId ?? [])[0] ?? null;
}

function tellers({ session, invoices }: Purchase, customer: Known<CustomerFact> | null): { email: string | null; name: string | null }[] {
  return [session, ...invoices, customer].flatMap((known) => known?.fact ?? []);
}

function isAddress(email: string | null): boolean {
  return email !== null && /^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/.test(email);
}
