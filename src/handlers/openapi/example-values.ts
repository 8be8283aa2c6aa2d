import type { Json } from './schemas.ts';

/**
 * What the examples of the document say, by field: `Owner.field` for a field of one component (or of a nested object, by its
 * name), `field` for all. They tell one story: Jo bought Acme Editor Pro.
 */

const id = (n: number) => `01975d6e-3f00-7a10-8c00-${String(n).padStart(12, '0')}`;
const [product, policy, license, customer, machine, entitlement, mapping, apiKey, event, webhook, delivery, otherPolicy, message, account] = Array.from({ length: 14 }, (_, n) => id(n + 1));

const bought = '2026-03-01T09:30:00.000Z';
const heard = '2026-03-02T08:00:00.000Z';
const ends = '2027-03-01T09:30:00.000Z';
const key = 'ACME-7K3M-Q9XT-2WFH-8RNC';
const fingerprint = '9f86d081884c7d659a2feaa0c55ad015';
const hex = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';

export const exampleValues: Record<string, Json | undefined> = {
  ...{ productId: product, policyId: policy, licenseId: license, customerId: customer, machineId: machine, mappingId: mapping, webhookId: webhook, eventId: event },
  ...{ entitlementIds: [entitlement ?? ''], entitlements: ['export'], metadata: { plan: 'pro' } },
  ...{ createdAt: bought, updatedAt: bought, deletedAt: null, expiresAt: ends, lastHeartbeatAt: heard, lastValidatedAt: heard, processedAt: bought },
  ...{ nextCursor: null, hasMore: false, fingerprint, email: 'jo@example.com', userEmail: 'jo@example.com', userName: 'Jo', livemode: true },
  ...{ licensesCount: 1, machineCount: 1, usesCount: 0, maxMachines: 3, maxUses: null, maxMachinesOverride: null, maxUsesOverride: null },

  ...{ 'Product.id': product, 'Product.name': 'Acme Editor', 'Product.code': 'ACME', 'Product.description': 'The editor for Acme files', keyPrefix: 'ACME' },

  ...{ 'Policy.id': policy, 'Policy.name': 'Pro, a year', 'Policy.template': 'desktop_app', 'Policy.durationDays': 365, 'Policy.maxMachines': 3 },
  ...{ floating: false, requireHeartbeat: false, heartbeatIntervalMinutes: 60, requireFingerprint: true, offlineAllowed: true, offlineMaxDays: 14 },
  ...{ allowMachineTransfer: false, isTrial: false, trialDurationDays: null, overridable: true, maxUniqueFingerprints: null },

  ...{ 'Entitlement.id': entitlement, 'Entitlement.code': 'export', 'Entitlement.name': 'Export to PDF' },

  ...{ 'License.id': license, 'License.name': 'Jo’s license', 'License.status': 'active', 'License.userEmail': 'jo@example.com', 'License.reason': 'Asked for by the customer' },
  ...{ 'License.expiresAt': ends, 'License.key': key, 'License.billing': null },

  ...{ 'EntitlementRecord.entitlement_id': license, 'EntitlementRecord.product': 'Acme Editor', 'EntitlementRecord.license_type': 'node-locked', 'EntitlementRecord.license_key': key },
  ...{ 'EntitlementRecord.seats': 3, 'EntitlementRecord.seats_consumed': 1, 'EntitlementRecord.valid_from': bought, 'EntitlementRecord.valid_until': ends },

  ...{ 'Machine.id': machine, 'Machine.name': 'Jo’s laptop', 'Machine.platform': 'macos', 'Machine.hostname': 'jo.local', 'Machine.cores': 8, heartbeatDueAt: null },
  ...{ 'Machine.fingerprint': fingerprint, 'Machine.licenseId': license },

  ...{ 'Validation.key': key, 'Validation.fingerprint': fingerprint, 'Validation.valid': true, 'Validation.code': 'VALID', 'Validation.detail': 'The license is valid.' },
  ...{ 'Validation.nonce': '4f1d2a', 'Validation.product': 'ACME' },

  ...{ 'OfflineFile.certificate': '-----BEGIN LICENSE FILE-----\neyJlbmMiOiI…\n-----END LICENSE FILE-----\n', 'OfflineFile.ttl': 1_209_600, 'OfflineFile.issuedAt': bought, 'OfflineFile.expiresAt': '2026-03-15T09:30:00.000Z' },
  ...{ kid: '2026-01-1f3870be', hex, x: 'PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw', spki: 'MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=', retiredAt: null },

  ...{ 'Customer.id': customer, 'Customer.email': 'jo@example.com', 'Customer.name': 'Jo', bannedAt: null, stripeCustomerIds: ['cus_QwErTy123456'] },
  ...{ 'PortalLink.url': 'https://licenses.example.com/portal/x3Jk…', 'PortalLink.expiresAt': '2026-03-01T10:30:00.000Z' },

  ...{ 'PortalLink.messageId': null, unsubscribedAt: null, 'Message.id': message, 'Message.licenseIds': [license ?? ''], 'Message.state': 'sent', 'Message.attempts': 1, 'Message.sentAt': bought, 'Message.failedAt': null, 'Message.nextAttemptAt': null },
  ...{ 'Account.id': account, 'Account.name': 'Acme Software', supportEmail: 'support@acme.example', contactEmail: 'ops@acme.example', websiteUrl: 'https://acme.example' },

  ...{ 'StripeMapping.id': mapping, 'StripeMapping.stripePriceId': 'price_1QwErTyAcmePro', 'StripeMapping.stripeProductId': null, gracePeriodDays: 7, seatsPerUnit: 1 },

  ...{ 'StripeEvent.id': 'evt_1QwErTyInvoicePaid', 'StripeEvent.type': 'invoice.paid', apiVersion: '2025-03-31.basil', objectId: 'in_1QwErTy123456', attempts: 1, receivedAt: bought },
  ...{ 'StripeEvent.outcome': 'applied', 'StripeEvent.reason': null, 'StripeEventReplay.count': 1, lastError: null },

  ...{ 'StripePreview.eventId': 'evt_1QwErTyInvoicePaid', 'StripePreview.outcome': 'applied', 'StripePreview.reason': 'The licenses of this purchase are up to date.', kind: 'key_delivery', recipient: 'jo@example.com' },
  ...{ 'PlannedLicense.id': license, 'PlannedLicense.action': 'update', 'LicenseState.billing': null },
  ...{ 'AppliedStripeMapping.id': mapping, 'AppliedStripeMapping.count': 1, 'MovedLicense.id': license, 'MovedLicense.policyId': { from: policy ?? '', to: otherPolicy ?? '' }, 'MovedLicense.entitlements': { added: ['export'], removed: [] } },
  ...{ 'MovedLicense.status': { from: 'active', to: 'active' }, 'MovedLicense.maxMachines': { from: 3, to: 5 }, 'MovedLicense.expiresAt': { from: ends, to: ends }, 'MovedLicense.billing': { from: null, to: null } },
  ...{ 'ResyncedSubscription.id': 'sub_1QwErTyAcmePro', 'ResyncedSubscription.stripeSubscriptionId': 'sub_1QwErTyAcmePro', 'ResyncedSubscription.outcome': 'applied', 'ResyncedSubscription.reason': 'The licenses of this purchase are up to date.' },

  ...{ 'ApiKey.id': apiKey, 'ApiKey.name': 'Build server', 'ApiKey.scopes': ['licenses:read', 'licenses:write'], 'ApiKey.prefix': 'lk_live_7Kq3', lastUsedAt: null },
  ...{ 'NewApiKey.id': apiKey, 'NewApiKey.name': 'Build server', 'NewApiKey.scopes': ['licenses:read', 'licenses:write'], 'NewApiKey.prefix': 'lk_live_7Kq3', 'NewApiKey.key': 'lk_live_7Kq3mZ0v…' },
  ...{ 'TestClock.now': ends, 'TestClock.active': true },
  ...{ 'Event.id': event, 'Event.type': 'license.created', 'Event.data': { id: license ?? '', status: 'active' }, sequence: 1 },

  ...{ 'Webhook.id': webhook, 'NewWebhook.id': webhook, url: 'https://example.com/hooks/tillkey', 'Webhook.events': ['license.*', 'machine.dead'], 'NewWebhook.events': ['license.*', 'machine.dead'], description: 'Our order desk', enabled: true, failingSince: null, disabledAt: null, disabledReason: null },
  ...{ formerSecretUntil: null, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…' },
  ...{ 'WebhookDelivery.id': delivery, 'WebhookDelivery.webhookId': webhook, eventType: 'license.created', 'WebhookDelivery.status': 'succeeded', 'WebhookDelivery.attempts': 1, nextAttemptAt: null, lastAttemptAt: bought, durationMs: 84 },
  ...{ responseStatus: 200, responseExcerpt: 'ok', error: null, deliveredAt: bought, failedAt: null },
};
