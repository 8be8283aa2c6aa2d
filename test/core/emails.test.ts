import { describe, expect, test } from '@jest/globals';
import { renderKeyDelivery } from '../../src/jobs/emails/key-delivery.ts';

describe('the mail with the keys', () => {
  test('of one license says the product and the key, as text and as HTML', () => {
    const mail = renderKeyDelivery([{ productName: 'Acme Pro', key: 'ACME-0000-1111-2222-3333' }]);
    expect(mail.subject).toBe('Your Acme Pro license key');
    for (const part of [mail.text, mail.html]) expect(part).toContain('ACME-0000-1111-2222-3333');
  });

  test('of several licenses is one mail with all keys', () => {
    const mail = renderKeyDelivery([{ productName: 'Acme', key: 'ACME-1' }, { productName: 'Acme', key: 'ACME-2' }, { productName: 'Bolt', key: 'BOLT-1' }]);
    expect(mail.subject).toBe('Your Acme, Bolt license keys');
    for (const key of ['ACME-1', 'ACME-2', 'BOLT-1']) for (const part of [mail.text, mail.html]) expect(part).toContain(key);
  });

  test('shows a product name as text, never as markup', () => {
    const { html, text } = renderKeyDelivery([{ productName: '<b>"A" & B</b>', key: 'K' }]);
    expect(html).toContain('&lt;b&gt;&quot;A&quot; &amp; B&lt;/b&gt;');
    expect(html).not.toContain('<b>');
    expect(text).toContain('<b>"A" & B</b>');
  });
});
