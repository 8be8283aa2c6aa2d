import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import type { RawBuilder } from 'kysely';
import { migrations } from '../../migrations/list.ts';
import { Account, ApiKey, ScopeRow, SecretCheck, SigningKey } from './account-rows.ts';
import { Entitlement, Policy, Product, StripeMapping } from './catalog-rows.ts';
import { Message, StripeEvent, StripeFactRow } from './exchange-rows.ts';
import { Customer, License, LicenseEntitlement, StripeCustomer } from './license-rows.ts';

export type Database = MikroORM;

/** An entity manager inside one database transaction. What takes it commits or rolls back with its caller. */
export type Transaction = EntityManager;

const rows = [
  Account, ScopeRow, SecretCheck, SigningKey, ApiKey,
  Product, Entitlement, Policy, StripeMapping,
  Customer, StripeCustomer, License, LicenseEntitlement,
  StripeEvent, Message, StripeFactRow,
];

/** Opens the pool (lazily) and knows the rows and the migrations. Close with `database.close(true)`. */
export async function connectDatabase(databaseUrl: string, poolSize = 16): Promise<Database> {
  return MikroORM.init({
    clientUrl: databaseUrl,
    entities: rows,
    extensions: [Migrator],
    migrations: { migrationsList: migrations, tableName: 'schema_migrations', snapshot: false, silent: true },
    pool: { min: 0, max: poolSize },
    forceUtcTimezone: true,
    discovery: { warnWhenNoEntities: false },
    validateRequired: true,
    persistOnCreate: false,
  });
}

/** Runs `work` in one transaction of its own (READ COMMITTED): all of it is committed, or none. */
export async function inTransaction<T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return database.em.fork().transactional(work);
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

/** Runs a statement written with kysely's `sql`: its values are bound, and it belongs to the caller's transaction if there is one. */
export async function query<Row>(tx: Transaction, statement: RawBuilder<Row>): Promise<Row[]> {
  return (await statement.execute(tx.getKysely())).rows;
}
