import { Migration } from '@mikro-orm/migrations';

/** What time does to licenses and machines, the test clock, outgoing webhooks, and what mails say of a vendor. */
export class Migration0007TimeAndMessages extends Migration {
  override name = '0007-time-and-messages';

  override up(): void {
    this.addSql(`
      -- A rehearsal: the time by which a test scope is judged. Until moving_until (real time) somebody is moving it.
      create table test_clocks (
        scope_id integer primary key references scopes (id),
        now timestamptz(3) not null,
        moving_until timestamptz(3)
      );

      -- What was told last of a license that time alone may change, and when it must be looked at again.
      alter table licenses
        add column told_status text not null default 'active' check (told_status in ('active', 'suspended', 'expired', 'revoked', 'banned')),
        add column told_grace boolean not null default false,
        add column reminded_end timestamptz(3),
        add column reminded_days integer,
        add column invoice_url text,
        add column told_at timestamptz(3),
        add column due_at timestamptz(3);
      update licenses set due_at = created_at where deleted_at is null;
      create index licenses_due on licenses (scope_id, due_at) where due_at is not null and deleted_at is null;
      create index licenses_told_status on licenses (told_status, scope_id) where deleted_at is null;

      -- When a machine may be dead at the earliest (null: nobody asks, or its death was told), and since when it is known to be.
      alter table machines
        add column due_at timestamptz(3),
        add column died_at timestamptz(3);
      update machines set due_at = created_at where deleted_at is null;
      create index machines_due on machines (scope_id, due_at) where due_at is not null and deleted_at is null;

      alter table accounts
        add column support_email text,
        add column contact_email text,
        add column website_url text;
      alter table customers add column unsubscribed_at timestamptz(3);
      -- Support asks what somebody was sent.
      create index messages_recipient on messages (scope_id, lower(recipient), id);

      create table webhook_endpoints (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        url text not null,
        events text[] not null,
        description text,
        secret_sealed bytea not null,
        former_secrets jsonb not null default '[]',
        failing_since timestamptz(3),
        disabled_at timestamptz(3),
        disabled_reason text,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        deleted_at timestamptz(3)
      );
      create unique index webhook_endpoints_page on webhook_endpoints (scope_id, id);

      -- The outbox of webhooks: due_at is when a delivery is next tried, null once it is done or given up.
      create table webhook_deliveries (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        endpoint_id uuid not null,
        event_id uuid not null,
        attempts integer not null default 0,
        due_at timestamptz(3),
        created_at timestamptz(3) not null,
        last_attempt_at timestamptz(3),
        duration_ms integer,
        response_status integer,
        response_excerpt text,
        last_error text,
        delivered_at timestamptz(3),
        failed_at timestamptz(3),
        foreign key (scope_id, endpoint_id) references webhook_endpoints (scope_id, id),
        foreign key (scope_id, event_id) references events (scope_id, id)
      );
      create unique index webhook_deliveries_page on webhook_deliveries (scope_id, endpoint_id, event_id);
      create index webhook_deliveries_lane on webhook_deliveries (endpoint_id, due_at, event_id) where due_at is not null;
      create index webhook_deliveries_event on webhook_deliveries (scope_id, event_id);
      create index webhook_deliveries_failed on webhook_deliveries (failed_at) where failed_at is not null;
      create index webhook_deliveries_pending on webhook_deliveries (created_at) where due_at is not null;

      -- How often each job ran, for how long in all, and when last.
      create table job_runs (
        name text primary key,
        runs bigint not null,
        failures bigint not null,
        duration_ms bigint not null,
        last_ended_at timestamptz(3) not null,
        last_duration_ms integer not null
      );
    `);
  }
}
