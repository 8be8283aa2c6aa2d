import { Migration } from '@mikro-orm/migrations';

/** The Ed25519 keys that sign offline files and answers. Of many processes that make the current one at once, one does. */
export class Migration0003SigningKeys extends Migration {
  override name = '0003-signing-keys';

  override up(): void {
    this.addSql(`
      create table signing_keys (
        kid text primary key,
        public_key bytea not null check (octet_length(public_key) = 32),
        private_key_sealed bytea not null,
        created_at timestamptz(3) not null,
        retired_at timestamptz(3)
      );
      create unique index signing_keys_one_current on signing_keys ((true)) where retired_at is null;
    `);
  }
}
