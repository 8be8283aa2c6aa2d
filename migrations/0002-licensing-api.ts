import { Migration } from '@mikro-orm/migrations';

/**
 * The licensing API: machines, what validations saw of fingerprints, entitlements of policies, domain events, and the first
 * answers kept for `Idempotency-Key`.
 */
export class Migration0002LicensingApi extends Migration {
  override name = '0002-licensing-api';

  override up(): void {
    this.addSql(`
      alter table customers add column banned_at timestamptz(3);
      alter table customers add column email_set_by_vendor boolean not null default false;

      alter table policies add column heartbeat_required_since timestamptz(3);
      create index policies_product on policies (scope_id, product_id);

      create table policy_entitlements (
        scope_id integer not null references scopes (id),
        policy_id uuid not null,
        entitlement_id uuid not null,
        primary key (scope_id, policy_id, entitlement_id),
        foreign key (scope_id, policy_id) references policies (scope_id, id),
        foreign key (scope_id, entitlement_id) references entitlements (scope_id, id)
      );

      alter table licenses add column fingerprints_count integer not null default 0;
      -- Since when the license has had its policy, where that is not since its creation.
      alter table licenses add column policy_since timestamptz(3);
      -- An imported key that looks like one of ours and fails its check: while there is one, a typing slip is never certain.
      alter table licenses add column key_lookalike boolean not null default false;
      create index licenses_lookalike on licenses (id) where key_lookalike and deleted_at is null;
      alter table licenses add column events_count integer not null default 0;
      alter table licenses add constraint licenses_uses_count check (uses_count >= 0);
      -- Room in each page, so that a validation's count rewrites the row in place and touches no index.
      alter table licenses set (fillfactor = 80);
      create index licenses_policy on licenses (scope_id, policy_id);
      create index licenses_product on licenses (scope_id, product_id);
      create index licenses_expiry on licenses (scope_id, expires_at);
      create index licenses_subscription on licenses (scope_id, stripe_subscription_id);
      -- A deleted license's own key may be imported again.
      drop index licenses_key_unique;
      create unique index licenses_key_unique on licenses (key_hash, scope_id) where deleted_at is null;

      create table machines (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        license_id uuid not null,
        fingerprint text not null,
        name text,
        platform text,
        hostname text,
        cores integer,
        metadata jsonb not null,
        last_heartbeat_at timestamptz(3),
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        deleted_at timestamptz(3),
        foreign key (scope_id, license_id) references licenses (scope_id, id)
      ) with (fillfactor = 80);
      create unique index machines_page on machines (scope_id, id);
      create unique index machines_fingerprint_unique on machines (license_id, fingerprint) where deleted_at is null;
      create index machines_fingerprint on machines (scope_id, fingerprint) where deleted_at is null;

      -- Every fingerprint that a validation of the license ever brought, as its SHA-256.
      create table license_fingerprints (
        scope_id integer not null references scopes (id),
        license_id uuid not null,
        fingerprint_hash bytea not null,
        first_seen_at timestamptz(3) not null,
        primary key (license_id, fingerprint_hash),
        foreign key (scope_id, license_id) references licenses (scope_id, id)
      );

      create table events (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        type text not null,
        license_id uuid,
        sequence integer,
        data jsonb not null,
        created_at timestamptz(3) not null,
        foreign key (scope_id, license_id) references licenses (scope_id, id),
        constraint events_numbered check ((license_id is null) = (sequence is null))
      );
      create unique index events_page on events (scope_id, id);
      create unique index events_sequence_unique on events (license_id, sequence);

      create table idempotency_keys (
        scope_id integer not null references scopes (id),
        key text not null,
        request_hash bytea not null,
        answer_sealed bytea not null,
        created_at timestamptz(3) not null,
        primary key (scope_id, key)
      );
      create index idempotency_keys_created on idempotency_keys (created_at);
    `);
  }
}
