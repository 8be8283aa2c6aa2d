import type { Database } from '../database/orm.ts';
import type { LicenseKeys } from './license-key.ts';

/** What the use cases of licensing work with. `slackHours` is how long past its end a renewing license stays valid. */
export type Licensing = { database: Database; keys: LicenseKeys; slackHours: number };
