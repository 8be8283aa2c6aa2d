import { Migration0001FirstPurchase } from './0001-first-purchase.ts';
import { Migration0002LicensingApi } from './0002-licensing-api.ts';
import { Migration0003SigningKeys } from './0003-signing-keys.ts';
import { Migration0004MoneyAndThinEvents } from './0004-money-and-thin-events.ts';
import { Migration0005StripeAccounts } from './0005-stripe-accounts.ts';
import { Migration0006LastError } from './0006-last-error.ts';
import { Migration0007TimeAndMessages } from './0007-time-and-messages.ts';
import { Migration0008OtherInterfaces } from './0008-other-interfaces.ts';

/** Every migration, in the order they run. A new one is added at the end and never changed once released. */
export const migrations = [
  Migration0001FirstPurchase, Migration0002LicensingApi, Migration0003SigningKeys, Migration0004MoneyAndThinEvents, Migration0005StripeAccounts,
  Migration0006LastError, Migration0007TimeAndMessages, Migration0008OtherInterfaces,
];
