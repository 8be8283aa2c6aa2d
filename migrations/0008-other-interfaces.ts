import { Migration } from '@mikro-orm/migrations';

/** What the interfaces of other systems need: a switch beside the vendor's suspension, machines without a fingerprint of their own, and whole numbers beside the UUIDs. */
export class Migration0008OtherInterfaces extends Migration {
  override name = '0008-other-interfaces';

  override up(): void {
    this.addSql(`
      -- A license that is switched off reads as suspended; what the vendor and billing decided stays as it is beneath.
      alter table licenses add column enabled boolean not null default true;

      -- A machine whose fingerprint we made: its app knows it by its id alone.
      alter table machines add column minted boolean not null default false;

      -- Stable for good; only licenses are looked up by theirs.
      alter table licenses add column number integer generated always as identity;
      create unique index licenses_number on licenses (scope_id, number);
      alter table products add column number integer generated always as identity;
      alter table policies add column number integer generated always as identity;
      alter table customers add column number integer generated always as identity;
    `);
  }
}
