import { Migration } from '@mikro-orm/migrations';

/**
 * The first schema: accounts and scopes, the catalogue (products, policies, entitlements, mappings), licenses and
 * customers, the inbox (`stripe_events`), the outbox (`messages`) and what Stripe says (`stripe_facts`).
 *
 * Every owned row carries its scope, first in its indexes and part of every reference: a row can only name rows of its own
 * scope. What must never happen twice is a unique index here.
 */
export class Migration0001FirstPurchase extends Migration {
  override name = '0001-first-purchase';

  override up(): void {
    this.addSql(`
      create table accounts (
        id uuid primary key,
        slug text not null unique,
        name text not null,
        created_at timestamptz(3) not null
      );

      create table scopes (
        id integer generated always as identity primary key,
        account_id uuid not null references accounts (id),
        mode text not null check (mode in ('live', 'test')),
        unique (account_id, mode)
      );

      create table secret_checks (
        id boolean primary key default true check (id),
        digest bytea not null
      );

      create table api_keys (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        name text not null,
        prefix text not null,
        hash bytea not null unique,
        scopes text[] not null,
        expires_at timestamptz(3),
        last_used_at timestamptz(3),
        created_at timestamptz(3) not null,
        deleted_at timestamptz(3)
      );

      create table products (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        name text not null,
        code text not null,
        description text,
        key_prefix text not null,
        metadata jsonb not null,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        deleted_at timestamptz(3)
      );
      create unique index products_code_unique on products (scope_id, code) where deleted_at is null;
      create unique index products_page on products (scope_id, id);

      create table entitlements (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        code text not null,
        name text not null,
        metadata jsonb not null,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        deleted_at timestamptz(3)
      );
      create unique index entitlements_code_unique on entitlements (scope_id, code) where deleted_at is null;
      create unique index entitlements_page on entitlements (scope_id, id);

      create table policies (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        product_id uuid not null,
        name text not null,
        template text,
        max_machines integer,
        max_uses integer,
        floating boolean not null,
        duration_days integer,
        expiration_strategy text not null,
        require_heartbeat boolean not null,
        heartbeat_interval_minutes integer not null,
        heartbeat_cull_strategy text not null,
        require_fingerprint boolean not null,
        fingerprint_uniqueness text not null,
        offline_allowed boolean not null,
        offline_max_days integer not null,
        allow_machine_transfer boolean not null,
        is_trial boolean not null,
        trial_duration_days integer,
        overridable boolean not null,
        max_unique_fingerprints integer,
        metadata jsonb not null,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        deleted_at timestamptz(3),
        foreign key (scope_id, product_id) references products (scope_id, id)
      );
      create unique index policies_page on policies (scope_id, id);

      create table stripe_mappings (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        stripe_price_id text,
        stripe_product_id text,
        policy_id uuid not null,
        entitlement_ids uuid[] not null,
        grace_period_days integer not null,
        quantity_mode text not null,
        seats_per_unit integer not null,
        on_full_refund text not null,
        on_dispute text not null,
        on_pause_collection text not null,
        issue_on_trial boolean not null,
        issue_on_open_invoice boolean not null,
        send_key_email boolean not null,
        active boolean not null,
        metadata jsonb not null,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        deleted_at timestamptz(3),
        foreign key (scope_id, policy_id) references policies (scope_id, id),
        constraint stripe_mappings_one_target check (num_nonnulls(stripe_price_id, stripe_product_id) = 1)
      );
      create unique index stripe_mappings_price_unique on stripe_mappings (scope_id, stripe_price_id) where deleted_at is null;
      create unique index stripe_mappings_product_unique on stripe_mappings (scope_id, stripe_product_id) where deleted_at is null;
      create unique index stripe_mappings_page on stripe_mappings (scope_id, id);

      create table customers (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        email text not null,
        name text,
        metadata jsonb not null,
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        deleted_at timestamptz(3)
      );
      create unique index customers_email_unique on customers (scope_id, lower(email)) where deleted_at is null;
      create unique index customers_page on customers (scope_id, id);

      create table stripe_customers (
        scope_id integer not null references scopes (id),
        stripe_customer_id text not null,
        customer_id uuid not null,
        primary key (scope_id, stripe_customer_id),
        foreign key (scope_id, customer_id) references customers (scope_id, id)
      );
      create index stripe_customers_customer on stripe_customers (scope_id, customer_id);

      create table messages (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        kind text not null,
        recipient text not null,
        data jsonb not null,
        attempts integer not null,
        due_at timestamptz(3),
        last_error text,
        created_at timestamptz(3) not null,
        sent_at timestamptz(3),
        failed_at timestamptz(3)
      );
      create unique index messages_page on messages (scope_id, id);
      create index messages_due on messages (due_at) where due_at is not null;

      create table licenses (
        id uuid primary key,
        scope_id integer not null references scopes (id),
        key_hash bytea not null,
        key_encrypted bytea not null,
        name text,
        product_id uuid not null,
        policy_id uuid not null,
        customer_id uuid,
        vendor_status text not null check (vendor_status in ('active', 'suspended', 'revoked', 'banned')),
        vendor_expires_at timestamptz(3),
        expires_at timestamptz(3),
        max_machines_override integer,
        max_uses_override integer,
        uses_count integer not null,
        metadata jsonb not null,
        last_validated_at timestamptz(3),
        key_message_id uuid,
        stripe_purchase_id text,
        stripe_item_id text,
        stripe_unit integer,
        stripe_price_id text,
        stripe_customer_id text,
        stripe_subscription_id text,
        stripe_checkout_session_id text,
        mapping_id uuid,
        seats integer,
        billing_state text check (billing_state in ('ACTIVE', 'GRACE', 'SUSPENDED', 'ENDED', 'REVOKED')),
        billing_reason text,
        billing_renews boolean not null,
        grace_ends_at timestamptz(3),
        cancels_at timestamptz(3),
        paid_through timestamptz(3),
        created_at timestamptz(3) not null,
        updated_at timestamptz(3) not null,
        deleted_at timestamptz(3),
        foreign key (scope_id, product_id) references products (scope_id, id),
        foreign key (scope_id, policy_id) references policies (scope_id, id),
        foreign key (scope_id, customer_id) references customers (scope_id, id),
        foreign key (scope_id, key_message_id) references messages (scope_id, id),
        foreign key (scope_id, mapping_id) references stripe_mappings (scope_id, id),
        constraint licenses_billed_whole check (num_nulls(stripe_purchase_id, stripe_item_id, stripe_unit, mapping_id, billing_state) in (0, 5))
      );
      create unique index licenses_key_unique on licenses (key_hash, scope_id);
      create unique index licenses_purchase_unique on licenses (scope_id, stripe_item_id, stripe_unit);
      create index licenses_purchase on licenses (scope_id, stripe_purchase_id);
      create index licenses_customer on licenses (scope_id, customer_id);
      create unique index licenses_page on licenses (scope_id, id);

      create table license_entitlements (
        scope_id integer not null references scopes (id),
        license_id uuid not null,
        entitlement_id uuid not null,
        granted_by text not null check (granted_by in ('vendor', 'billing')),
        primary key (scope_id, license_id, entitlement_id, granted_by),
        foreign key (scope_id, license_id) references licenses (scope_id, id),
        foreign key (scope_id, entitlement_id) references entitlements (scope_id, id)
      );

      create table stripe_events (
        scope_id integer not null references scopes (id),
        id text not null,
        type text not null,
        livemode boolean not null,
        api_version text,
        object_id text,
        payload text not null,
        created_at timestamptz(3) not null,
        received_at timestamptz(3) not null,
        processed_at timestamptz(3),
        attempts integer not null,
        due_at timestamptz(3),
        purchase_id text,
        outcome text check (outcome in ('applied', 'ignored', 'needs_attention', 'failed')),
        reason_code text,
        reason text,
        primary key (scope_id, id),
        constraint stripe_events_done_whole check ((outcome is null) = (processed_at is null))
      );
      create index stripe_events_due on stripe_events (due_at) where due_at is not null;
      create index stripe_events_page on stripe_events (scope_id, received_at, id);
      create index stripe_events_purchase on stripe_events (scope_id, purchase_id) where purchase_id is not null;

      create table stripe_facts (
        scope_id integer not null references scopes (id),
        id text not null,
        kind text not null,
        purchase_id text,
        customer_id text,
        as_of timestamptz(3) not null,
        first boolean not null,
        fact jsonb not null,
        marks jsonb not null,
        primary key (scope_id, id)
      );
      create index stripe_facts_purchase on stripe_facts (scope_id, purchase_id);
      create index stripe_facts_customer on stripe_facts (scope_id, customer_id);

      create table rate_limits (
        key text primary key,
        points integer not null default 0,
        expire bigint
      );
    `);
  }
}
