import { AsyncLocalStorage } from 'node:async_hooks';
import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import type { RawBuilder } from 'kysely';
import { migrations } from '../../migrations/list.ts';
import { notingWithin, wakingAfter } from './after-commit.ts';
import { dropDeadConnections } from './dead-connections.ts';
import { takeTurns } from './turns.ts';
import { Account, ApiKey, ScopeRow, SecretCheck, SigningKey, StripeConnection, TestClock } from './account-rows.ts';
import { Entitlement, Policy, PolicyEntitlement, Product, StripeMapping } from './catalog-rows.ts';
import { DomainEvent, Message, StripeCursor, StripeEvent, StripeFactRow, StripeReconciliation } from './exchange-rows.ts';
import { WebhookDelivery, WebhookEndpoint } from './webhook-rows.ts';
import { Customer, License, LicenseEntitlement, Machine, StripeCustomer } from './license-rows.ts';

export type Database = MikroORM;

/** Connections of a process. Transactions take turns, so that those who wait for a lock always leave some to whoever only reads. */
const POOL_SIZE = 16;
const MOST_TRANSACTIONS = 8;
/** Of those that span several use cases: each holds a connection while it works or waits, and its work may need another. */
const MOST_SPANNING = 4;
/** Whoever does not get a lock by then is told to come again. */
const LOCK_TIMEOUT_MS = 10_000;

type Turns = ReturnType<typeof takeTurns>;

const turns = new WeakMap<Database, { single: Turns; spanning: Turns }>();

/** An entity manager inside one database transaction. What takes it commits or rolls back with its caller. */
export type Transaction = EntityManager;

const rows = [
  Account, ScopeRow, SecretCheck, SigningKey, ApiKey, StripeConnection, TestClock,
  Product, Entitlement, Policy, PolicyEntitlement, StripeMapping,
  Customer, StripeCustomer, License, LicenseEntitlement, Machine,
  StripeEvent, Message, StripeFactRow, StripeReconciliation, StripeCursor, DomainEvent,
  WebhookEndpoint, WebhookDelivery,
];

/** Opens the pool (lazily) and knows the rows and the migrations. Close with `database.close(true)`. */
export async function connectDatabase(databaseUrl: string): Promise<Database> {
  const database = await MikroORM.init({
    clientUrl: databaseUrl,
    entities: rows,
    extensions: [Migrator],
    migrations: { migrationsList: migrations, tableName: 'schema_migrations', snapshot: false, silent: true },
    pool: { min: 0, max: POOL_SIZE },
    driverOptions: { lock_timeout: LOCK_TIMEOUT_MS, onPoolCreated: dropDeadConnections },
    forceUtcTimezone: true,
    discovery: { warnWhenNoEntities: false },
    validateRequired: true,
    persistOnCreate: false,
  });
  turns.set(database, { single: takeTurns(MOST_TRANSACTIONS), spanning: takeTurns(MOST_SPANNING) });
  return database;
}

/** The transaction that spans several use cases, while one does. */
const spanning = new AsyncLocalStorage<Transaction>();

/** An entity manager of its own to read with; inside `asOneTransaction` it sees what was written there. */
export function reading(database: Database): Transaction {
  return spanning.getStore()?.fork({ keepTransactionContext: true }) ?? database.em.fork();
}

/** Runs `work` in one transaction of its own (READ COMMITTED): all of it is committed, or none. A refusal commits nothing. */
export async function inTransaction<T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const once = () => run(reading(database), work, commits);
  if (spanning.getStore()) return notingWithin(once, commits);
  const inTurn = turns.get(database)?.single;
  return wakingAfter(database, () => (inTurn ? inTurn(once) : once()), commits);
}

/**
 * What `work` comes to in the caller's transaction, and nothing of what it writes: all of it is taken back. It has rows of its own,
 * so that none which it changed is written by the caller.
 */
export async function undoing<T>(tx: Transaction, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const never = () => false;
  return notingWithin(() => run(tx.fork({ keepTransactionContext: true }), work, never), never);
}

async function run<T>(em: Transaction, work: (tx: Transaction) => Promise<T>, keeps: (value: T) => boolean): Promise<T> {
  const undone: { value?: T } = {};
  return em
    .transactional(async (tx) => {
      const value = await work(tx);
      if (keeps(value)) return value;
      undone.value = value;
      throw rollBack;
    })
    .catch((error: unknown) => {
      if (error === rollBack && undone.value !== undefined) return undone.value;
      throw error;
    });
}

const rollBack = new Error('what came of it is told, not kept');

/** A refusal commits nothing. */
function commits(value: unknown): boolean {
  return !(typeof value === 'object' && value !== null && 'ok' in value && value.ok === false);
}

/** As `inTransaction`, at once and never a part of a transaction around it. */
export async function inOwnTransaction<T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return spanning.exit(() => wakingAfter(database, () => run(reading(database), work, commits), commits));
}

/** Makes every `inTransaction` and `reading` inside `work` part of one transaction: they commit together, or, where it throws, not at all. */
export async function asOneTransaction<T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const outer = spanning.getStore();
  const whole = () => (outer?.fork({ keepTransactionContext: true }) ?? database.em.fork()).transactional((tx) => spanning.run(tx, () => work(tx)));
  if (outer) return notingWithin(whole, () => true);
  const inTurn = turns.get(database)?.spanning;
  return wakingAfter(database, () => (inTurn ? inTurn(whole) : whole()), () => true);
}

/** Inserts a new row, or says false when a unique index already holds its like: of two at once one gets in. */
export async function insertUnlessTaken(tx: Transaction, row: object): Promise<boolean> {
  return tx
    .transactional((savepoint) => savepoint.persist(row).flush())
    .then(() => true, (error: unknown) => {
      if (error instanceof UniqueConstraintViolationException) return false;
      throw error;
    });
}

/** What `work`, a transaction, came to; `taken` when a unique index held the like of what it wrote, so that nothing was written. */
export async function unlessTaken<T>(work: Promise<T>, taken: T): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof UniqueConstraintViolationException) return taken;
    throw error;
  });
}

/** Runs a statement written with kysely's `sql`: its values are bound, and it belongs to the caller's transaction if there is one. */
export async function query<Row>(tx: Transaction, statement: RawBuilder<Row>): Promise<Row[]> {
  return (await statement.execute(tx.getKysely())).rows;
}

/** The pattern of LIKE for whatever contains `text`, its wildcards taken as they are. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

const SHUT = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P01', '57P02', '57P03', '55P03', '53300', '40P01', '08000', '08003', '08006', '08001']);

/** Whether a failure is the database's being away, overrun or locked for too long: worth another try, and no fault of ours. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return SHUT.has(code) || /Connection terminated|timeout exceeded when trying to connect/.test(error.message) || isUnavailable(error.cause);
}
