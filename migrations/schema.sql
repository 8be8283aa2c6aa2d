-- What the migrations make. Written by `npm run schema:dump`, never by hand.

create table accounts (
  id uuid not null,
  slug text not null,
  name text not null,
  created_at timestamp(3) with time zone not null,
  support_email text,
  contact_email text,
  website_url text,
  constraint accounts_pkey primary key (id),
  constraint accounts_slug_key unique (slug)
);

create table scopes (
  id integer not null generated always as identity,
  account_id uuid not null,
  mode text not null,
  constraint scopes_pkey primary key (id),
  constraint scopes_account_id_mode_key unique (account_id, mode),
  constraint scopes_mode_check check (mode = any (array['live'::text, 'test'::text])),
  constraint scopes_account_id_fkey foreign key (account_id) references accounts(id)
);

create table secret_checks (
  id boolean not null default true,
  digest bytea not null,
  constraint secret_checks_pkey primary key (id),
  constraint secret_checks_id_check check (id)
);

create table api_keys (
  id uuid not null,
  scope_id integer not null,
  name text not null,
  prefix text not null,
  hash bytea not null,
  scopes text[] not null,
  expires_at timestamp(3) with time zone,
  last_used_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  constraint api_keys_pkey primary key (id),
  constraint api_keys_hash_key unique (hash),
  constraint api_keys_scope_id_fkey foreign key (scope_id) references scopes(id)
);

create table products (
  id uuid not null,
  scope_id integer not null,
  name text not null,
  code text not null,
  description text,
  key_prefix text not null,
  metadata jsonb not null,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  number integer not null generated always as identity,
  constraint products_pkey primary key (id),
  constraint products_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create unique index products_code_unique on products (scope_id, code) where (deleted_at is null);
create unique index products_page on products (scope_id, id);

create table entitlements (
  id uuid not null,
  scope_id integer not null,
  code text not null,
  name text not null,
  metadata jsonb not null,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  constraint entitlements_pkey primary key (id),
  constraint entitlements_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create unique index entitlements_code_unique on entitlements (scope_id, code) where (deleted_at is null);
create unique index entitlements_page on entitlements (scope_id, id);

create table policies (
  id uuid not null,
  scope_id integer not null,
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
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  heartbeat_required_since timestamp(3) with time zone,
  number integer not null generated always as identity,
  constraint policies_pkey primary key (id),
  constraint policies_scope_id_fkey foreign key (scope_id) references scopes(id),
  constraint policies_scope_id_product_id_fkey foreign key (scope_id, product_id) references products(scope_id, id)
);
create index policies_product on policies (scope_id, product_id);
create unique index policies_page on policies (scope_id, id);

create table stripe_mappings (
  id uuid not null,
  scope_id integer not null,
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
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  constraint stripe_mappings_pkey primary key (id),
  constraint stripe_mappings_one_target check (num_nonnulls(stripe_price_id, stripe_product_id) = 1),
  constraint stripe_mappings_scope_id_fkey foreign key (scope_id) references scopes(id),
  constraint stripe_mappings_scope_id_policy_id_fkey foreign key (scope_id, policy_id) references policies(scope_id, id)
);
create unique index stripe_mappings_page on stripe_mappings (scope_id, id);
create unique index stripe_mappings_price_unique on stripe_mappings (scope_id, stripe_price_id) where (deleted_at is null);
create unique index stripe_mappings_product_unique on stripe_mappings (scope_id, stripe_product_id) where (deleted_at is null);

create table customers (
  id uuid not null,
  scope_id integer not null,
  email text not null,
  name text,
  metadata jsonb not null,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  banned_at timestamp(3) with time zone,
  email_set_by_vendor boolean not null default false,
  unsubscribed_at timestamp(3) with time zone,
  number integer not null generated always as identity,
  constraint customers_pkey primary key (id),
  constraint customers_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create unique index customers_email_unique on customers (scope_id, lower(email)) where (deleted_at is null);
create unique index customers_page on customers (scope_id, id);

create table stripe_customers (
  scope_id integer not null,
  stripe_customer_id text not null,
  customer_id uuid not null,
  constraint stripe_customers_pkey primary key (scope_id, stripe_customer_id),
  constraint stripe_customers_scope_id_customer_id_fkey foreign key (scope_id, customer_id) references customers(scope_id, id),
  constraint stripe_customers_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create index stripe_customers_customer on stripe_customers (scope_id, customer_id);

create table messages (
  id uuid not null,
  scope_id integer not null,
  kind text not null,
  recipient text not null,
  data jsonb not null,
  attempts integer not null,
  due_at timestamp(3) with time zone,
  last_error text,
  created_at timestamp(3) with time zone not null,
  sent_at timestamp(3) with time zone,
  failed_at timestamp(3) with time zone,
  constraint messages_pkey primary key (id),
  constraint messages_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create index messages_due on messages (due_at) where (due_at is not null);
create index messages_failed on messages (failed_at) where (failed_at is not null);
create index messages_pending on messages (created_at) where (due_at is not null);
create index messages_recipient on messages (scope_id, lower(recipient), id);
create unique index messages_page on messages (scope_id, id);

create table licenses (
  id uuid not null,
  scope_id integer not null,
  key_hash bytea not null,
  key_encrypted bytea not null,
  name text,
  product_id uuid not null,
  policy_id uuid not null,
  customer_id uuid,
  vendor_status text not null,
  vendor_expires_at timestamp(3) with time zone,
  expires_at timestamp(3) with time zone,
  max_machines_override integer,
  max_uses_override integer,
  uses_count integer not null,
  metadata jsonb not null,
  last_validated_at timestamp(3) with time zone,
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
  billing_state text,
  billing_reason text,
  billing_renews boolean not null,
  grace_ends_at timestamp(3) with time zone,
  cancels_at timestamp(3) with time zone,
  paid_through timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  fingerprints_count integer not null default 0,
  policy_since timestamp(3) with time zone,
  key_lookalike boolean not null default false,
  events_count integer not null default 0,
  told_status text not null default 'active'::text,
  told_grace boolean not null default false,
  reminded_end timestamp(3) with time zone,
  reminded_days integer,
  invoice_url text,
  told_at timestamp(3) with time zone,
  due_at timestamp(3) with time zone,
  enabled boolean not null default true,
  number integer not null generated always as identity,
  constraint licenses_pkey primary key (id),
  constraint licenses_billed_whole check (num_nulls(stripe_purchase_id, stripe_item_id, stripe_unit, mapping_id, billing_state) = any (array[0, 5])),
  constraint licenses_billing_state_check check (billing_state = any (array['ACTIVE'::text, 'GRACE'::text, 'SUSPENDED'::text, 'ENDED'::text, 'REVOKED'::text])),
  constraint licenses_told_status_check check (told_status = any (array['active'::text, 'suspended'::text, 'expired'::text, 'revoked'::text, 'banned'::text])),
  constraint licenses_uses_count check (uses_count >= 0),
  constraint licenses_vendor_status_check check (vendor_status = any (array['active'::text, 'suspended'::text, 'revoked'::text, 'banned'::text])),
  constraint licenses_scope_id_customer_id_fkey foreign key (scope_id, customer_id) references customers(scope_id, id),
  constraint licenses_scope_id_fkey foreign key (scope_id) references scopes(id),
  constraint licenses_scope_id_key_message_id_fkey foreign key (scope_id, key_message_id) references messages(scope_id, id),
  constraint licenses_scope_id_mapping_id_fkey foreign key (scope_id, mapping_id) references stripe_mappings(scope_id, id),
  constraint licenses_scope_id_policy_id_fkey foreign key (scope_id, policy_id) references policies(scope_id, id),
  constraint licenses_scope_id_product_id_fkey foreign key (scope_id, product_id) references products(scope_id, id)
);
create index licenses_customer on licenses (scope_id, customer_id);
create index licenses_due on licenses (scope_id, due_at) where ((due_at is not null) and (deleted_at is null));
create index licenses_expiry on licenses (scope_id, expires_at);
create index licenses_lookalike on licenses (id) where (key_lookalike and (deleted_at is null));
create index licenses_policy on licenses (scope_id, policy_id);
create index licenses_product on licenses (scope_id, product_id);
create index licenses_purchase on licenses (scope_id, stripe_purchase_id);
create index licenses_subscription on licenses (scope_id, stripe_subscription_id);
create index licenses_told_status on licenses (told_status, scope_id) where (deleted_at is null);
create unique index licenses_key_unique on licenses (key_hash, scope_id) where (deleted_at is null);
create unique index licenses_number on licenses (scope_id, number);
create unique index licenses_page on licenses (scope_id, id);
create unique index licenses_purchase_unique on licenses (scope_id, stripe_item_id, stripe_unit);

create table license_entitlements (
  scope_id integer not null,
  license_id uuid not null,
  entitlement_id uuid not null,
  granted_by text not null,
  constraint license_entitlements_pkey primary key (scope_id, license_id, entitlement_id, granted_by),
  constraint license_entitlements_granted_by_check check (granted_by = any (array['vendor'::text, 'billing'::text])),
  constraint license_entitlements_scope_id_entitlement_id_fkey foreign key (scope_id, entitlement_id) references entitlements(scope_id, id),
  constraint license_entitlements_scope_id_fkey foreign key (scope_id) references scopes(id),
  constraint license_entitlements_scope_id_license_id_fkey foreign key (scope_id, license_id) references licenses(scope_id, id)
);

create table stripe_events (
  scope_id integer not null,
  id text not null,
  type text not null,
  livemode boolean not null,
  api_version text,
  object_id text,
  payload text not null,
  created_at timestamp(3) with time zone not null,
  received_at timestamp(3) with time zone not null,
  processed_at timestamp(3) with time zone,
  attempts integer not null,
  due_at timestamp(3) with time zone,
  purchase_id text,
  outcome text,
  reason_code text,
  reason text,
  thin boolean not null,
  last_error text,
  constraint stripe_events_pkey primary key (scope_id, id),
  constraint stripe_events_done_whole check ((outcome is null) = (processed_at is null)),
  constraint stripe_events_outcome_check check (outcome = any (array['applied'::text, 'ignored'::text, 'needs_attention'::text, 'failed'::text])),
  constraint stripe_events_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create index stripe_events_awaited on stripe_events (scope_id, object_id) where (processed_at is null);
create index stripe_events_due on stripe_events (due_at) where (due_at is not null);
create index stripe_events_object on stripe_events (scope_id, object_id) where (object_id is not null);
create index stripe_events_outcome on stripe_events (outcome, scope_id);
create index stripe_events_page on stripe_events (scope_id, received_at, id);
create index stripe_events_pending on stripe_events (received_at) where (due_at is not null);
create index stripe_events_purchase on stripe_events (scope_id, purchase_id) where (purchase_id is not null);

create table stripe_facts (
  scope_id integer not null,
  id text not null,
  kind text not null,
  purchase_id text,
  customer_id text,
  as_of timestamp(3) with time zone not null,
  first boolean not null,
  fact jsonb not null,
  marks jsonb not null,
  payment_ids text[] not null,
  fetched_at timestamp(3) with time zone,
  constraint stripe_facts_pkey primary key (scope_id, id),
  constraint stripe_facts_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create index stripe_facts_customer on stripe_facts (scope_id, customer_id);
create index stripe_facts_payments on stripe_facts using gin (payment_ids);
create index stripe_facts_purchase on stripe_facts (scope_id, purchase_id);

create table rate_limits (
  key text not null,
  points integer not null default 0,
  expire bigint,
  constraint rate_limits_pkey primary key (key)
);

create table policy_entitlements (
  scope_id integer not null,
  policy_id uuid not null,
  entitlement_id uuid not null,
  constraint policy_entitlements_pkey primary key (scope_id, policy_id, entitlement_id),
  constraint policy_entitlements_scope_id_entitlement_id_fkey foreign key (scope_id, entitlement_id) references entitlements(scope_id, id),
  constraint policy_entitlements_scope_id_fkey foreign key (scope_id) references scopes(id),
  constraint policy_entitlements_scope_id_policy_id_fkey foreign key (scope_id, policy_id) references policies(scope_id, id)
);

create table machines (
  id uuid not null,
  scope_id integer not null,
  license_id uuid not null,
  fingerprint text not null,
  name text,
  platform text,
  hostname text,
  cores integer,
  metadata jsonb not null,
  last_heartbeat_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  due_at timestamp(3) with time zone,
  died_at timestamp(3) with time zone,
  minted boolean not null default false,
  constraint machines_pkey primary key (id),
  constraint machines_scope_id_fkey foreign key (scope_id) references scopes(id),
  constraint machines_scope_id_license_id_fkey foreign key (scope_id, license_id) references licenses(scope_id, id)
);
create index machines_due on machines (scope_id, due_at) where ((due_at is not null) and (deleted_at is null));
create index machines_fingerprint on machines (scope_id, fingerprint) where (deleted_at is null);
create unique index machines_fingerprint_unique on machines (license_id, fingerprint) where (deleted_at is null);
create unique index machines_page on machines (scope_id, id);

create table license_fingerprints (
  scope_id integer not null,
  license_id uuid not null,
  fingerprint_hash bytea not null,
  first_seen_at timestamp(3) with time zone not null,
  constraint license_fingerprints_pkey primary key (license_id, fingerprint_hash),
  constraint license_fingerprints_scope_id_fkey foreign key (scope_id) references scopes(id),
  constraint license_fingerprints_scope_id_license_id_fkey foreign key (scope_id, license_id) references licenses(scope_id, id)
);

create table events (
  id uuid not null,
  scope_id integer not null,
  type text not null,
  license_id uuid,
  sequence integer,
  data jsonb not null,
  created_at timestamp(3) with time zone not null,
  constraint events_pkey primary key (id),
  constraint events_numbered check ((license_id is null) = (sequence is null)),
  constraint events_scope_id_fkey foreign key (scope_id) references scopes(id),
  constraint events_scope_id_license_id_fkey foreign key (scope_id, license_id) references licenses(scope_id, id)
);
create unique index events_page on events (scope_id, id);
create unique index events_sequence_unique on events (license_id, sequence);

create table idempotency_keys (
  scope_id integer not null,
  key text not null,
  request_hash bytea not null,
  answer_sealed bytea not null,
  created_at timestamp(3) with time zone not null,
  constraint idempotency_keys_pkey primary key (scope_id, key),
  constraint idempotency_keys_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create index idempotency_keys_created on idempotency_keys (created_at);

create table signing_keys (
  kid text not null,
  public_key bytea not null,
  private_key_sealed bytea not null,
  created_at timestamp(3) with time zone not null,
  retired_at timestamp(3) with time zone,
  constraint signing_keys_pkey primary key (kid),
  constraint signing_keys_public_key_check check (octet_length(public_key) = 32)
);
create unique index signing_keys_one_current on signing_keys ((true)) where (retired_at is null);

create table stripe_reconciliations (
  scope_id integer not null,
  kind text not null,
  begun_at timestamp(3) with time zone not null,
  ran_at timestamp(3) with time zone not null,
  claimed_until timestamp(3) with time zone,
  constraint stripe_reconciliations_pkey primary key (scope_id, kind),
  constraint stripe_reconciliations_kind_check check (kind = any (array['events'::text, 'subscriptions'::text])),
  constraint stripe_reconciliations_scope_id_fkey foreign key (scope_id) references scopes(id)
);

create table stripe_cursors (
  scope_id integer not null,
  types text not null,
  event_id text not null,
  constraint stripe_cursors_pkey primary key (scope_id, types),
  constraint stripe_cursors_scope_id_fkey foreign key (scope_id) references scopes(id)
);

create table stripe_connections (
  scope_id integer not null,
  api_key_sealed bytea,
  webhook_secrets_sealed bytea,
  updated_at timestamp(3) with time zone not null,
  constraint stripe_connections_pkey primary key (scope_id),
  constraint stripe_connections_scope_id_fkey foreign key (scope_id) references scopes(id)
);

create table test_clocks (
  scope_id integer not null,
  now timestamp(3) with time zone not null,
  moving_until timestamp(3) with time zone,
  constraint test_clocks_pkey primary key (scope_id),
  constraint test_clocks_scope_id_fkey foreign key (scope_id) references scopes(id)
);

create table webhook_endpoints (
  id uuid not null,
  scope_id integer not null,
  url text not null,
  events text[] not null,
  description text,
  secret_sealed bytea not null,
  former_secrets jsonb not null default '[]'::jsonb,
  failing_since timestamp(3) with time zone,
  disabled_at timestamp(3) with time zone,
  disabled_reason text,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  constraint webhook_endpoints_pkey primary key (id),
  constraint webhook_endpoints_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create unique index webhook_endpoints_page on webhook_endpoints (scope_id, id);

create table webhook_deliveries (
  id uuid not null,
  scope_id integer not null,
  endpoint_id uuid not null,
  event_id uuid not null,
  attempts integer not null default 0,
  due_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null,
  last_attempt_at timestamp(3) with time zone,
  duration_ms integer,
  response_status integer,
  response_excerpt text,
  last_error text,
  delivered_at timestamp(3) with time zone,
  failed_at timestamp(3) with time zone,
  constraint webhook_deliveries_pkey primary key (id),
  constraint webhook_deliveries_scope_id_endpoint_id_fkey foreign key (scope_id, endpoint_id) references webhook_endpoints(scope_id, id),
  constraint webhook_deliveries_scope_id_event_id_fkey foreign key (scope_id, event_id) references events(scope_id, id),
  constraint webhook_deliveries_scope_id_fkey foreign key (scope_id) references scopes(id)
);
create index webhook_deliveries_event on webhook_deliveries (scope_id, event_id);
create index webhook_deliveries_failed on webhook_deliveries (failed_at) where (failed_at is not null);
create index webhook_deliveries_lane on webhook_deliveries (endpoint_id, due_at, event_id) where (due_at is not null);
create index webhook_deliveries_pending on webhook_deliveries (created_at) where (due_at is not null);
create unique index webhook_deliveries_page on webhook_deliveries (scope_id, endpoint_id, event_id);

create table job_runs (
  name text not null,
  runs bigint not null,
  failures bigint not null,
  duration_ms bigint not null,
  last_ended_at timestamp(3) with time zone not null,
  last_duration_ms integer not null,
  constraint job_runs_pkey primary key (name)
);
