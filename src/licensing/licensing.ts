import type { Database } from '../database/orm.ts';
import type { LicenseKeys } from './license-key.ts';

/** How many days before an end a customer is reminded of it: of a license that does not renew, and of a trial. */
export type Reminders = { expiringSoonDays: readonly number[]; trialEndingDays: number };

/** What the use cases of licensing work with. `slackHours` is how long past its end a renewing license stays valid. */
export type Licensing = { database: Database; keys: LicenseKeys; slackHours: number; reminders: Reminders };
