import { Migration } from '@mikro-orm/migrations';

/** Why an event that is not done yet was not done the last time. */
export class Migration0006LastError extends Migration {
  override name = '0006-last-error';

  override up(): void {
    this.addSql('alter table stripe_events add column last_error text');
  }
}
