import type { Transaction } from '../database/orm.ts';
import type { LicenseKeys } from './license-key.ts';
import { licensesWithProducts } from './store.ts';

/** A key as a mail shows it. */
export type DeliverableKey = { productName: string; key: string };

/** The keys of licenses, readable, for the mail that brings them to their customer. */
export async function deliverableKeys(tx: Transaction, keys: LicenseKeys, licenseIds: string[]): Promise<DeliverableKey[]> {
  const found = await licensesWithProducts(tx, licenseIds);
  return found.map(({ productName, keyEncrypted }) => ({ productName, key: keys.decrypt(keyEncrypted) }));
}
