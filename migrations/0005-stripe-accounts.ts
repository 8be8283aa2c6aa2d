import { Migration } from '@mikro-orm/migrations';

/** Reconciliation with Stripe, the Stripe keys of further accounts, and the indexes that what is watched and replayed asks for. */
export class Migration0005StripeAccounts extends Migration {
  override name = '0005-stripe-accounts';

  override up(): void {
    this.addSql(`
      -- Since when a scope is reconciled, when each kind last ran to its end, and until when one that is under way may take.
      create table stripe_reconciliations (
        scope_id integer not null references scopes (id),
        kind text not null check (kind in ('events', 'subscriptions')),
        begun_at timestamptz(3) not null,
        ran_at timestamptz(3) not null,
        claimed_until timestamptz(3),
        primary key (scope_id, kind)
      );

      -- The event up to which Stripe's list was gone through, for each set of types that is asked for in one call.
      create table stripe_cursors (
        scope_id integer not null references scopes (id),
        types text not null,
        event_id text not null,
        primary key (scope_id, types)
      );

      -- The Stripe API key and signing secrets of a further account, sealed.
      create table stripe_connections (
        scope_id integer primary key references scopes (id),
        api_key_sealed bytea,
        webhook_secrets_sealed bytea,
        updated_at timestamptz(3) not null
      );

      create index stripe_events_awaited on stripe_events (scope_id, object_id) where processed_at is null;
      create index stripe_events_pending on stripe_events (received_at) where due_at is not null;
      create index stripe_events_outcome on stripe_events (outcome, scope_id);
      create index messages_pending on messages (created_at) where due_at is not null;
      create index messages_failed on messages (failed_at) where failed_at is not null;
    `);
  }
}
