import { Migration } from '@mikro-orm/migrations';

/** What refunds and disputes are linked by, and which events name an object and tell nothing of it. */
export class Migration0004MoneyAndThinEvents extends Migration {
  override name = '0004-money-and-thin-events';

  override up(): void {
    this.addSql(`
      alter table stripe_facts add column payment_ids text[] not null default '{}';
      alter table stripe_facts alter column payment_ids drop default;
      alter table stripe_facts add column fetched_at timestamptz(3);
      create index stripe_facts_payments on stripe_facts using gin (payment_ids);
      alter table stripe_events add column thin boolean not null default false;
      alter table stripe_events alter column thin drop default;
      create index stripe_events_object on stripe_events (scope_id, object_id) where object_id is not null;
    `);
  }
}
