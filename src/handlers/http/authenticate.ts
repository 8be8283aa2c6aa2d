import type { Request } from 'express';
import type { Scope } from '../../database/scope.ts';
import { AppError } from '../../errors.ts';
import type { Permission } from '../../licensing/core/permission.ts';

/** Who calls with `Authorization: Bearer …`. An empty `scopes` allows everything. */
export type ApiKeyCaller = { by: 'api-key'; apiKeyId: string; scopes: string[]; expiresAt: Date | null; scope: Scope };

/** The license that a key opens. */
export type OwnLicense = { licenseId: string; scope: Scope };

/** Who calls with `Authorization: License …`. `own` asks the database which license it is; a key of none is 401. */
export type LicenseCaller = { by: 'license'; keyHash: Buffer; own: () => Promise<OwnLicense> };

export type Caller = ApiKeyCaller | LicenseCaller;

/** How callers are found: an API key by its token, a license by its key. Null when there is none. */
export type Directory = {
  findApiKey: (token: string) => Promise<{ id: string; scopes: string[]; expiresAt: Date | null; scope: Scope } | null>;
  /** What the database is asked with for a license key. Null: no license has it, for sure. */
  hashLicenseKey: (key: string) => Promise<Buffer | null>;
  findOwnLicense: (keyHash: Buffer) => Promise<OwnLicense | null>;
};

/** The license that a key opens; null when there is none. */
export async function licenseOfKey({ hashLicenseKey, findOwnLicense }: Directory, key: string): Promise<OwnLicense | null> {
  const keyHash = await hashLicenseKey(key);
  return keyHash && findOwnLicense(keyHash);
}

/** The token of an `Authorization` header of this scheme, null when it has another or none. */
export function credential(request: Request, scheme: 'Bearer' | 'License'): string | null {
  const [named, token] = (request.headers.authorization ?? '').split(/ +(.*)/, 2);
  return named?.toLowerCase() === scheme.toLowerCase() && token ? token.trim() : null;
}

/** The caller behind `Authorization: Bearer …`. A token we do not know is 401, one without the permission 403. */
export async function authenticateApiKey(request: Request, permission: Permission, { findApiKey }: Directory): Promise<ApiKeyCaller> {
  const token = credential(request, 'Bearer');
  const apiKey = token === null ? null : await findApiKey(token);
  if (apiKey === null) throw new AppError('UNAUTHORIZED', 401, 'Send a valid API key: Authorization: Bearer lk_live_… or lk_test_…');
  if (apiKey.scopes.length > 0 && !apiKey.scopes.includes(permission)) {
    throw new AppError('FORBIDDEN', 403, `This API key lacks the scope ${permission}.`);
  }
  return { by: 'api-key', apiKeyId: apiKey.id, scopes: apiKey.scopes, expiresAt: apiKey.expiresAt, scope: apiKey.scope };
}

/** The caller behind `Authorization: License …`. Whether a license has the key is asked when it matters. */
export async function authenticateLicense(key: string, { hashLicenseKey, findOwnLicense }: Directory): Promise<LicenseCaller> {
  const unknown = () => new AppError('UNAUTHORIZED', 401, 'No license has this key: Authorization: License PREFIX-XXXX-XXXX-XXXX-XXXX');
  const keyHash = await hashLicenseKey(key);
  if (keyHash === null) throw unknown();
  const own = async () => {
    const license = await findOwnLicense(keyHash);
    if (license === null) throw unknown();
    return license;
  };
  return { by: 'license', keyHash, own };
}
