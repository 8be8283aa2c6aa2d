import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** A vendor. `supportEmail` and `websiteUrl` are for its customers; `contactEmail` is where Tillkey writes to the vendor. */
export const Account = defineEntity({
  name: 'Account',
  tableName: 'accounts',
  properties: {
    id: p.uuid().primary(),
    slug: p.text(),
    name: p.text(),
    supportEmail: p.text().strictNullable(),
    contactEmail: p.text().strictNullable(),
    websiteUrl: p.text().strictNullable(),
    createdAt: p.datetime(3),
  },
});

/** An account's live or test side: what every owned row belongs to. */
export const ScopeRow = defineEntity({
  name: 'ScopeRow',
  tableName: 'scopes',
  properties: {
    id: p.integer().primary().autoincrement(),
    accountId: p.uuid(),
    mode: p.text().$type<'live' | 'test'>(),
  },
});

/** A rehearsal: the time by which a test scope is judged. Until `movingUntil` (real time) somebody is moving it. */
export const TestClock = defineEntity({
  name: 'TestClock',
  tableName: 'test_clocks',
  properties: {
    scopeId: p.integer().primary(),
    now: p.datetime(3),
    movingUntil: p.datetime(3).strictNullable(),
  },
});

/** One row that tells whether the secret given at start is the one this database was made with. */
export const SecretCheck = defineEntity({
  name: 'SecretCheck',
  tableName: 'secret_checks',
  properties: {
    id: p.boolean().primary(),
    digest: p.blob(),
  },
});

/**
 * A key that signs for this installation, kept for good: what it signed stays verifiable. `publicKey` is the raw 32 bytes of
 * Ed25519, `privateKeySealed` its PKCS #8 PEM, sealed. Only one is not retired (a unique index), and it alone signs.
 */
export const SigningKey = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_keys',
  properties: {
    kid: p.text().primary(),
    publicKey: p.blob(),
    privateKeySealed: p.blob(),
    createdAt: p.datetime(3),
    retiredAt: p.datetime(3).strictNullable(),
  },
});

/** The Stripe API key and signing secrets (a comma between) of a further account's side, sealed. */
export const StripeConnection = defineEntity({
  name: 'StripeConnection',
  tableName: 'stripe_connections',
  properties: {
    scopeId: p.integer().primary(),
    apiKeySealed: p.blob().strictNullable(),
    webhookSecretsSealed: p.blob().strictNullable(),
    updatedAt: p.datetime(3),
  },
});

export const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    name: p.text(),
    prefix: p.text(),
    hash: p.blob(),
    scopes: p.array<string>(),
    expiresAt: p.datetime(3).strictNullable(),
    lastUsedAt: p.datetime(3).strictNullable(),
    createdAt: p.datetime(3),
    deletedAt: p.datetime(3).strictNullable(),
  },
});

export type AccountRow = InferEntity<typeof Account>;
export type SigningKeyRow = InferEntity<typeof SigningKey>;
export type ApiKeyRow = InferEntity<typeof ApiKey>;
