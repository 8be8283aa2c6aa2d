import { createInvoiceItem, linesOfItems, waitingItems } from './invoice-items.ts';
import { draftInvoice } from './invoicing.ts';
import type { Customer, Invoice } from './state.ts';
import type { Step } from './step.ts';

/** `quoteId`: the quote it was agreed in. */
export type BillTerms = Partial<Pick<Invoice, 'quoteId' | 'collection' | 'autoAdvance'>>;

/** Drafts an invoice that stands alone, of all that waits to be billed to the customer. */
export function billCustomer(step: Step, { id: customerId }: Customer, { quoteId = null, ...terms }: BillTerms = {}): Invoice {
  const { state, at } = step;
  const waiting = waitingItems(state, { customerId, subscriptionId: null });
  const billingReason = quoteId === null ? 'manual' : 'quote_accept';
  const invoice = draftInvoice(step, { customerId, billingReason, quoteId, period: { start: at, end: at }, lines: linesOfItems(state, waiting), ...terms });
  for (const item of waiting) item.invoiceId = invoice.id;
  return invoice;
}

/** Puts prices on the customer's next invoice. */
export function addToNextInvoice(step: Step, { id: customerId }: Customer, ordered: { priceId: string; quantity?: number }[]): void {
  for (const { priceId, quantity = 1 } of ordered) createInvoiceItem(step, { customerId, priceId, quantity });
}
