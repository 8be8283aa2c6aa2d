import { StripeConnection } from './database/account-rows.ts';
import { readScope } from './database/api-keys.ts';
import { type Database, inTransaction, reading } from './database/orm.ts';
import type { Scope } from './database/scope.ts';
import type { Sealing } from './database/sealing.ts';
import { readScopes } from './licensing/read-scopes.ts';
import type { StripeApi } from './stripe.ts';

/**
 * The Stripe API key and signing secrets of each scope. Those of the default account come from the settings, those of further
 * accounts stand sealed in the database, where a running process sees a change within seconds.
 */

export type Connection = { apiKey: string | null; webhookSecrets: string[] };

export type StripeConnections = {
  of(scope: Scope): Promise<Connection>;
  /** The client of a scope; null without an API key. */
  clientOf(scope: Scope): Promise<StripeApi | null>;
  /** The scopes with an API key. */
  withKey(): Promise<Scope[]>;
  /** The sides of an account, which is the default one where none is named, with their secrets. Null: there is no such account. */
  ofAccount(accountId: string | undefined): Promise<{ scope: Scope; secrets: string[] }[] | null>;
  /** Stores the API key of a further account, and a signing secret in front of those it has. */
  keep(scope: Scope, given: { apiKey: string; webhookSecret: string | null }, now: Date): Promise<void>;
};

type Settings = { database: Database; sealing: Sealing; configured: { scope: Scope; connection: Connection }[]; connect: (apiKey: string) => StripeApi };

/** How long what was read from the database is good. */
const REFRESH_MS = 5_000;
/** Secrets kept of an account: the endpoint's, and those it had before. */
const MOST_SECRETS = 3;
const none: Connection = { apiKey: null, webhookSecrets: [] };

export function createStripeConnections(settings: Settings): StripeConnections {
  const { database, configured, connect } = settings;
  const clients = new Map<string, StripeApi>();
  const stored = storedConnections(settings);
  const of = async (scope: Scope) => configured.find(({ scope: { id } }) => id === scope.id)?.connection ?? stored.of(scope);
  return {
    of,
    clientOf: async (scope) => {
      const { apiKey } = await of(scope);
      if (apiKey === null) return null;
      // One client an API key, so that whoever asks with it keeps to one pace.
      const client = clients.get(apiKey) ?? connect(apiKey);
      clients.set(apiKey, client);
      return client;
    },
    withKey: async () => {
      const own = configured.filter(({ connection }) => connection.apiKey !== null).map(({ scope }) => scope);
      return [...own, ...(await scopesWithKey(database))];
    },
    ofAccount: async (accountId = configured[0]?.scope.accountId ?? '') => {
      const fixed = configured.filter(({ scope }) => scope.accountId === accountId).map(({ scope }) => scope);
      const scopes = fixed.length > 0 ? fixed : await readScopes(database, accountId);
      if (scopes.length === 0) return null;
      return Promise.all(scopes.map(async (scope) => ({ scope, secrets: (await of(scope)).webhookSecrets })));
    },
    keep: stored.keep,
  };
}

/** What the database has, asked once in `REFRESH_MS`. */
function storedConnections({ database, sealing }: Settings): Pick<StripeConnections, 'of' | 'keep'> {
  const known = new Map<number, { connection: Promise<Connection>; staleAt: number }>();
  return {
    of: (scope) => {
      const held = known.get(scope.id);
      if (held && performance.now() < held.staleAt) return held.connection;
      const connection = readConnection(database, sealing, scope);
      known.set(scope.id, { connection, staleAt: performance.now() + REFRESH_MS });
      connection.catch(() => known.delete(scope.id));
      return connection;
    },
    keep: async (scope, given, now) => {
      await keepConnection({ database, sealing, scope }, given, now);
      known.delete(scope.id);
    },
  };
}

async function scopesWithKey(database: Database): Promise<Scope[]> {
  const rows = await reading(database).find(StripeConnection, { apiKeySealed: { $ne: null } }, { orderBy: { scopeId: 'asc' } });
  return Promise.all(rows.map(({ scopeId }) => readScope(database, scopeId)));
}

async function readConnection(database: Database, sealing: Sealing, scope: Scope): Promise<Connection> {
  const row = await reading(database).findOne(StripeConnection, { scopeId: scope.id });
  return row ? opened(sealing, row) : none;
}

type Sealed = { apiKeySealed: Uint8Array | null; webhookSecretsSealed: Uint8Array | null };

function opened(sealing: Sealing, { apiKeySealed, webhookSecretsSealed }: Sealed): Connection {
  const open = (sealed: Uint8Array | null) => (sealed === null ? null : sealing.open(sealed));
  return { apiKey: open(apiKeySealed), webhookSecrets: open(webhookSecretsSealed)?.split(',') ?? [] };
}

type Place = { database: Database; sealing: Sealing; scope: Scope };

async function keepConnection({ database, sealing, scope }: Place, { apiKey, webhookSecret }: { apiKey: string; webhookSecret: string | null }, now: Date): Promise<void> {
  await inTransaction(database, async (tx) => {
    const row = await tx.findOne(StripeConnection, { scopeId: scope.id });
    const had = row ? opened(sealing, row).webhookSecrets : [];
    const secrets = [...new Set([webhookSecret ?? [], had].flat())].slice(0, MOST_SECRETS);
    const kept = { apiKeySealed: sealing.seal(apiKey), webhookSecretsSealed: secrets.length > 0 ? sealing.seal(secrets.join(',')) : null, updatedAt: now };
    if (row) Object.assign(row, kept);
    else tx.persist(tx.create(StripeConnection, { scopeId: scope.id, ...kept }));
  });
}
