import type { MailContent, MailedLicense } from '../../licensing/read-mail.ts';
import type { Frame } from './letter.ts';

/** Every mail in its variants, for `npm run mails:preview` and for the tests. */
export type Sample = { name: string; content: MailContent; frame: Frame };

const id = '01975d6e-3f00-7a10-8c00-000000000001';
const licenseIds = [id];
const soon = '2027-03-04T09:30:00.000Z';
const expiresAt = new Date('2027-03-01T12:00:00.000Z');
const invoiceUrl = 'https://invoice.stripe.com/i/acct_1AcmePro/live_YWNjdF8xQWNtZVBybw?s=ap';

const full: Frame = {
  vendor: { name: 'Acme Software', supportEmail: 'support@acme.example', websiteUrl: 'https://acme.example' },
  testMode: false,
  portal: { url: 'https://licenses.acme.example/portal/c2VhbGVkLXRva2Vu', expiresAt },
  unsubscribeUrl: null,
};
const reminding: Frame = { ...full, unsubscribeUrl: 'https://licenses.acme.example/portal/unsubscribe/c2VhbGVkLXRva2Vu' };
const bare: Frame = { vendor: { name: null, supportEmail: null, websiteUrl: null }, testMode: false, portal: null, unsubscribeUrl: null };
const hostile: Frame = {
  vendor: { name: '<script>alert(1)</script>\r\nBcc: all@example.com', supportEmail: '"><img src=x>@example.com', websiteUrl: 'javascript:alert(1)' },
  testMode: false,
  portal: { url: 'https://x.example/"><script>alert(2)</script>', expiresAt },
  unsubscribeUrl: 'https://x.example/\' onmouseover="alert(3)',
};

const one: MailedLicense[] = [{ productName: 'Acme Editor', key: '…-X7Q2' }];
const many: MailedLicense[] = [
  ...['…-X7Q2', '…-9KRM', '…-T04D'].map((key) => ({ productName: 'Acme Editor', key })),
  { productName: 'Acme Server, the edition for teams that share one machine in another room', key: '…-B2H8' },
  { productName: 'Acme Fonts', key: '…cafe' },
];
const nasty: MailedLicense[] = [
  { productName: '<script>alert("Acme")</script> & <b>Sons</b>\r\nSubject: gone', key: '<img src=x onerror=alert(4)>' },
  { productName: `\u202e${'Long'.repeat(60)} 🚀`, key: '…-"\'>' },
];
const keys = (licenses: MailedLicense[]) => licenses.map(({ productName, key }) => ({ productName, key: key.replace('…-', 'ACME-7K3M-Q9XT-2WFH-').replace('…', 'imported-by-the-vendor-') }));

type Variant = { name: string; licenses: MailedLicense[]; frame: Frame };
const alone: Variant = { name: 'one', licenses: one, frame: full };
const remindsOne: Variant = { name: 'one', licenses: one, frame: reminding };
const several: Variant = { name: 'many', licenses: many, frame: full };
const attacked: Variant = { name: 'hostile', licenses: nasty, frame: hostile };
const wordless: Variant = { name: 'bare', licenses: one, frame: bare };
const rehearsal: Variant = { name: 'test-mode', licenses: many, frame: { ...reminding, testMode: true } };

const of = (content: (licenses: MailedLicense[]) => MailContent, variants: Variant[], about = ''): Sample[] =>
  variants.map(({ name, licenses, frame }) => {
    const made = content(licenses);
    return { name: [made.kind.replaceAll('_', '-'), about, name].filter((part) => part !== '').join('-'), content: made, frame };
  });

const suspended = (reason: 'PAYMENT_FAILED' | 'PAUSED' | 'REFUNDED' | 'DISPUTED') => (licenses: MailedLicense[]): MailContent => ({ kind: 'access_suspended', data: { licenseIds, reason, invoiceUrl }, licenses });
const revoked = (reason: 'REFUNDED' | 'DISPUTED') => (licenses: MailedLicense[]): MailContent => ({ kind: 'access_revoked', data: { licenseIds, reason }, licenses });
const failed = (url: string | null) => (licenses: MailedLicense[]): MailContent => ({ kind: 'payment_failed', data: { licenseIds, accessEndsAt: soon, invoiceUrl: url }, licenses });

export const samples: Sample[] = [
  ...of((licenses) => ({ kind: 'key_delivery', data: { licenseIds }, licenses: keys(licenses) }), [alone, several, attacked, wordless, { ...alone, name: 'test-mode', frame: { ...full, testMode: true } }]),
  ...of(failed(invoiceUrl), [alone, several, attacked, wordless]),
  ...of(failed(null), [alone], 'without-invoice'),
  ...of(failed('javascript:alert(5)'), [attacked], 'with-a-script'),
  ...of(suspended('PAYMENT_FAILED'), [alone, several, attacked], 'unpaid'),
  ...of(suspended('PAUSED'), [alone], 'paused'),
  ...of(suspended('REFUNDED'), [alone], 'refunded'),
  ...of(suspended('DISPUTED'), [alone], 'disputed'),
  ...of((licenses) => ({ kind: 'access_reinstated', data: { licenseIds }, licenses }), [alone, several, attacked]),
  ...of((licenses) => ({ kind: 'trial_ending', data: { licenseIds, endsAt: soon }, licenses }), [remindsOne, attacked]),
  ...of((licenses) => ({ kind: 'cancellation_scheduled', data: { licenseIds, endsAt: soon }, licenses }), [alone, several, attacked]),
  ...of((licenses) => ({ kind: 'expiring_soon', data: { licenseIds, endsAt: soon }, licenses }), [remindsOne, attacked, wordless, rehearsal]),
  ...of((licenses) => ({ kind: 'expired', data: { licenseIds, endedAt: soon }, licenses }), [remindsOne, attacked]),
  ...of(revoked('REFUNDED'), [alone, several, attacked], 'refunded'),
  ...of(revoked('DISPUTED'), [alone], 'disputed'),
  ...of(() => ({ kind: 'portal_link', data: { customerId: id } }), [alone, attacked]),
  { name: 'endpoint-disabled', frame: { ...bare }, content: { kind: 'endpoint_disabled', url: 'https://acme.example/hooks/tillkey', data: { endpointId: id, reason: 'it answered 410 (gone)' } } },
  { name: 'endpoint-disabled-hostile', frame: { ...bare }, content: { kind: 'endpoint_disabled', url: 'https://acme.example/<b>', data: { endpointId: id, reason: '<script>alert(6)</script>' } } },
];
