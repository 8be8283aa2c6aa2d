import { describe, expect, test } from '@jest/globals';
import { project } from '../../src/billing/core/project.ts';
import { gatherPurchase, type Purchase, purchaseIdsIn } from '../../src/billing/core/purchase.ts';
import { at, charge, invoice, issued, known, line, mapping, purchase, session } from '../support/facts.ts';

/** A paid invoice that belongs to no subscription. */
const alone = (change: Parameters<typeof invoice>[0] = {}) =>
  known(invoice({ subscriptionId: null, billingReason: 'manual', lines: [line({ subscriptionItemId: null, quantity: 2 }), line({ id: 'il_2', priceId: 'price_other', productId: 'prod_2', subscriptionItemId: null })], ...change }));

const plansOf = (facts: Partial<Purchase>, before: Purchase | null = null) => {
  const issuedBefore = before === null ? [] : project(before, [mapping()], [], at(2)).plans.map(issued);
  return project(purchase({ id: 'in_1', ...facts }), [mapping()], issuedBefore, at(2)).plans.map(({ itemId, unit, expiresAt, billing }) => [itemId, unit, expiresAt, billing.state]);
};

describe('an invoice that stands alone', () => {
  test('is a license a unit of each mapped line, once it is paid', () => {
    expect(plansOf({ invoices: [alone()] })).toEqual([['il_1', 0, 'POLICY', 'ACTIVE'], ['il_1', 1, 'POLICY', 'ACTIVE']]);
  });

  test.each([['draft'], ['open'], ['void'], ['uncollectible']] as const)('is nothing while it is %s', (status) => {
    expect(project(purchase({ invoices: [alone({ status })] }), [mapping()], [], at(2))).toMatchObject({ plans: [], finding: { code: 'nothing_due' } });
  });

  test('sells nothing by a credit or a proration', () => {
    expect(plansOf({ invoices: [alone({ lines: [line({ subscriptionItemId: null, amount: -1900 }), line({ id: 'il_2', subscriptionItemId: null, proration: true })] })] })).toEqual([]);
  });

  test('whose price has no mapping says which', () => {
    expect(project(purchase({ invoices: [alone()] }), [mapping({ stripePriceId: 'price_none' })], [], at(2)).finding).toEqual({ code: 'price_unmapped', subject: 'price_1, price_other' });
  });

  test('is revoked when its charge is refunded in full', () => {
    const facts = { invoices: [alone({ paymentIds: ['pi_1'] })], money: [known(charge({ amountRefunded: 1900 }))] };
    expect(plansOf(facts).map(([, , , state]) => state)).toEqual(['REVOKED', 'REVOKED']);
  });

  test('of a subscription that is not told of yet is nothing yet', () => {
    expect(plansOf({ invoices: [known(invoice())] })).toEqual([]);
  });
});

describe('a checkout session that wrote an invoice', () => {
  const bySession = { session: known(session({ invoiceId: 'in_1', lineItems: [{ id: 'li_1', priceId: 'price_1', productId: 'prod_1', quantity: 2 }] })) };
  const byInvoice = { invoices: [alone()] };

  test.each([['it names', { invoiceId: 'in_1', paymentIntentId: null }, {}], ['one payment paid for', { invoiceId: null }, { paymentIds: ['pi_1'] }]])('is one purchase with the invoice that %s', (_title, ofSession, ofInvoice) => {
    expect(purchaseIdsIn([session(ofSession), alone(ofInvoice).fact])).toEqual(['cs_1']);
    expect(gatherPurchase('cs_1', [known(session(ofSession)), alone(ofInvoice)])).toMatchObject({ session: { fact: { id: 'cs_1' } }, invoices: [{ fact: { id: 'in_1' } }] });
    expect(purchaseIdsIn([session({ invoiceId: 'in_other', paymentIntentId: null }), alone().fact])).toEqual(['cs_1', 'in_1']);
  });

  test('is one purchase with it, by the session where neither has licenses yet', () => {
    expect(plansOf({ ...bySession, ...byInvoice }).map(([id]) => id)).toEqual(['li_1', 'li_1']);
  });

  test.each([['the session', bySession, 'li_1'], ['the invoice', byInvoice, 'il_1']] as const)('goes on with the licenses that %s brought', (_title, first, id) => {
    expect(plansOf({ ...bySession, ...byInvoice }, purchase({ id: 'in_1', ...first })).map(([itemId]) => itemId)).toEqual([id, id]);
  });

  test('is known by its invoice where its line items are not', () => {
    expect(plansOf({ session: known(session({ invoiceId: 'in_1', lineItems: null })), ...byInvoice }).map(([id]) => id)).toEqual(['il_1', 'il_1']);
  });
});
