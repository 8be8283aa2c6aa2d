import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { renderMail } from '../../src/jobs/emails/render-mail.ts';
import { type Sample, samples } from '../../src/jobs/emails/samples.ts';
import { messageData } from '../../src/licensing/core/message.ts';
import type { MailContent } from '../../src/licensing/read-mail.ts';

/** What the mails looked like when somebody last looked at them. `npm run mails:preview -- --folder test/core/golden-mails` takes a change over. */
const GOLDEN = join(import.meta.dirname, 'golden-mails');

const rendered = ({ content, frame }: Sample) => renderMail(content, frame);
const sample = (name: string) => samples.find((one) => one.name === name)!;
const hostile = samples.filter(({ name }) => name.includes('hostile'));

describe('the mails are as they were when they were last looked at', () => {
  test.each(samples)('$name', (one) => {
    const { subject, text, html } = rendered(one);
    expect(html).toBe(readFileSync(join(GOLDEN, `${one.name}.html`), 'utf8'));
    expect(`Subject: ${subject}\n\n${text}`).toBe(readFileSync(join(GOLDEN, `${one.name}.txt`), 'utf8'));
  });

  test('and none is missing, of any kind', () => {
    const names = readdirSync(GOLDEN).filter((name) => name.endsWith('.html') && name !== 'index.html');
    expect(names.sort()).toEqual(samples.map(({ name }) => `${name}.html`).sort());
    expect(new Set(samples.map(({ content }) => content.kind))).toEqual(new Set(Object.keys(messageData)));
    expect(new Set(hostile.map(({ content }) => content.kind))).toEqual(new Set(Object.keys(messageData)));
  });
});

/** The elements of a page with the names of their attributes, and nothing of what was put in. A `<` anywhere begins one. */
const elements = (html: string) => [...html.replace('<!doctype html>', '').replace(/<!--\[if mso\]>.*?<!\[endif\]-->/g, '').matchAll(/<([^\s<>]*)((?:\s+[^\s=<>]+="[^"<>]*")*)\s*(>?)/g)]
  .map(([, name, attributes = '', end]) => `${name} ${[...attributes.matchAll(/([^\s=]+)="/g)].map(([, attribute]) => attribute).join(' ')}${end}`);

/** The same mail with names that mean no harm. */
function harmless({ content, frame }: Sample): Sample {
  const words = (text: string) => `harmless ${text.length}`;
  const licenses = 'licenses' in content ? { licenses: content.licenses.map(({ productName, key }) => ({ productName: words(productName), key: words(key) })) } : {};
  const data = content.kind === 'endpoint_disabled' ? { data: { ...content.data, reason: 'harmless' } } : {};
  const url = 'url' in content ? { url: 'https://harmless.example' } : {};
  return {
    name: 'harmless',
    content: { ...content, ...licenses, ...data, ...url } as MailContent,
    frame: {
      ...frame,
      vendor: frame.vendor.name === null ? frame.vendor : { name: 'harmless', supportEmail: 'harmless@example.com', websiteUrl: null },
      portal: frame.portal && { ...frame.portal, url: 'https://harmless.example' },
      unsubscribeUrl: frame.unsubscribeUrl && 'https://harmless.example',
    },
  };
}

describe('what others named is text, whatever stands in it', () => {
  test.each(hostile)('$name has no element and no attribute that the renderer did not write', (one) => {
    const { html } = rendered(one);
    const found = elements(html);
    expect(found.every((element) => element.endsWith('>'))).toBe(true);
    expect(found).toEqual(elements(rendered(harmless(one)).html));
    expect(html).not.toMatch(/href="(?!https:|mailto:)/);
    expect(html).not.toMatch(/<(script|img|link|iframe|object)|url\(|@import/i);
  });

  test.each(hostile)('$name breaks no line of its subject, and adds none to its text', (one) => {
    const { subject, text } = rendered(one);
    expect(subject).not.toMatch(/[\r\n\u2028\u2029]/);
    expect(text.split('\n')).toHaveLength(rendered(harmless(one)).text.split('\n').length);
    expect(`${subject}${text}`).not.toMatch(/[\u202a-\u202e]/);
  });
});

describe('every mail', () => {
  const ofCustomers = samples.filter(({ frame }) => frame.vendor.supportEmail !== null && !frame.vendor.supportEmail.includes('<'));
  test.each(ofCustomers)('$name says in text and in HTML who writes, where to ask and where the licenses are', (one) => {
    const { text, html } = rendered(one);
    for (const part of [text, html]) for (const said of ['Acme Software', 'support@acme.example', 'https://acme.example', one.frame.portal!.url]) expect(part).toContain(said);
  });

  test.each(ofCustomers)('$name names each license, by the end of its key where it does not deliver it', (one) => {
    if (!('licenses' in one.content)) return;
    const { text, html } = rendered(one);
    for (const { productName, key } of one.content.licenses) for (const part of [text, html]) expect([part.includes(productName), part.includes(key)]).toEqual([true, true]);
  });

  test('holds two thousand keys, each in both parts, in a size that mail programs show whole', () => {
    const licenses = Array.from({ length: 2000 }, (_, n) => ({ productName: 'Acme Editor', key: `ACME-0000-0000-0000-${String(n).padStart(4, '0')}` }));
    const { subject, text, html } = renderMail({ kind: 'key_delivery', data: { licenseIds: [] as unknown as [string] }, licenses }, sample('key-delivery-one').frame);
    expect(subject).toBe('Your Acme Editor license keys');
    for (const part of [text, html]) expect(part.match(/ACME-0000-0000-0000-\d{4}/g)).toHaveLength(2000);
    // Gmail cuts a mail after 102 KB.
    expect(Buffer.byteLength(html)).toBeLessThan(102_000);
  });

  test('tells dates as they cannot be misread', () => {
    for (const name of ['payment-failed-one', 'trial-ending-one', 'cancellation-scheduled-one', 'expiring-soon-one', 'expired-one']) {
      for (const part of [rendered(sample(name)).text, rendered(sample(name)).html]) expect([part.includes('March 4, 2027'), part.includes('09:30 UTC')]).toEqual([true, true]);
    }
  });

  test('is marked as one of a rehearsal in test mode, and only there', () => {
    for (const one of samples) expect([one.name, rendered(one).text.includes('Test mode'), rendered(one).html.includes('Test mode')]).toEqual([one.name, one.frame.testMode, one.frame.testMode]);
  });
});
