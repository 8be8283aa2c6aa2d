import { Migration } from '@mikro-orm/migrations';

/** What the interfaces of other systems need: a switch beside the vendor's suspension, and whole numbers beside the UUIDs. */
export class Migration0008OtherInterfaces extends Migration {
  override name = '0008-other-interfaces';

  override up(): void {
    this.addSql(`
      -- A license that is switched off reads as suspended; what the vendor and billing decided stays as it is beneath.
      alter table licenses add column enabled boolean not null default true;

      -- Stable for good; only licenses are looked up by theirs.
      alter table licenses add column number integer generated always as identity;
      create unique index licenses_number on licenses (scope_id, number);
      alter table products add column number integer generated always as identity;
      alter table policies add column number integer generated always as identity;
      alter table customers add column number integer generated always as identity;
    `);
  }
}
