import { expect, test } from '@jest/globals';
import { bannerOf } from '../../src/banner.ts';
import { readConfig } from '../../src/config.ts';

const told = (environment: Record<string, string>, url = 'http://localhost:3000') => {
  const read = readConfig(environment);
  if (!read.ok) throw new Error(read.faults.join());
  return bannerOf({ role: url === '' ? 'worker' : 'all', config: read.config, url, dataFolder: '/data' });
};

test('whoever starts it is told where to read what it does, by the address that customers reach', () => {
  expect(told({})).toMatch(/API reference +http:\/\/localhost:3000\/api\/reference\n/);
  expect(told({ PUBLIC_URL: 'https://licenses.example.com/' })).toMatch(/API reference +https:\/\/licenses\.example\.com\/api\/reference\n/);
  expect(told({}, '')).not.toContain('API reference');
});

test('webhooks to private addresses are no secret', () => {
  expect(told({})).not.toContain('WEBHOOK_ALLOW_PRIVATE_ADDRESSES');
  expect(told({ WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true' })).toContain('For development only: WEBHOOK_ALLOW_PRIVATE_ADDRESSES');
});

test('a sender that no mail server takes is missed once there is a mail server', () => {
  const smtp = { SMTP_URL: 'smtp://mail.example.com' };
  expect(told({})).not.toContain('MAIL_FROM');
  expect(told(smtp)).toMatch(/MAIL_FROM +mails come from Tillkey <tillkey@localhost>/);
  expect(told({ ...smtp, MAIL_FROM: 'Acme <licenses@example.com>' })).not.toContain('MAIL_FROM');
});
