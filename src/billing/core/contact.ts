import type { CustomerFact, Known } from './facts.ts';
import type { Purchase } from './purchase.ts';

/** Who bought: the Stripe customer, absent for guests, and the first email told, by the order of section 4 of the contract. */
export type Buyer = { stripeCustomerId: string | null; email: string | null; name: string | null };

export function buyerOf({ session, subscription, invoices }: Purchase, customer: Known<CustomerFact> | null): Buyer {
  const tellers = [session?.fact, ...invoices.map(({ fact }) => fact), customer?.fact].filter((fact) => fact != null);
  const email = tellers.find((teller) => isAddress(teller.email))?.email?.toLowerCase() ?? null;
  return {
    stripeCustomerId: session?.fact.customerId ?? subscription?.fact.customerId ?? null,
    email,
    name: tellers.find((teller) => teller.name !== null)?.name ?? null,
  };
}

function isAddress(email: string | null): boolean {
  return email !== null && /^[^\s@<>]+@[^\s@<>]+$/.test(email);
}
