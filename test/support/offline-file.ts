import { createPrivateKey } from 'node:crypto';
import { composeDocument, type DocumentSource, type Includable, type LicenseDocument } from '../../src/licensing/core/license-document.ts';
import { createSigner } from '../../src/licensing/signing-keys.ts';

/** The first key pair of RFC 8032, section 7.1. */
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
export const PUBLIC_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

export const fixedSigner = createSigner('21fe31dfa154a261', createPrivateKey({ key: Buffer.from(`302e020100300506032b657004220420${SEED}`, 'hex'), format: 'der', type: 'pkcs8' }));
export const fixedIv = Buffer.from('000102030405060708090a0b', 'hex');

export const ISSUED = new Date('2026-03-01T12:00:00.000Z');
export const LICENSE_KEY = 'ACME-0123-4567-89AB-CDEF';
export const FINGERPRINT = 'sha256:aa11';
export const PRODUCT_ID = '01900000-0000-7000-8000-000000000003';

const made = { createdAt: new Date('2026-01-01T00:00:00.000Z'), updatedAt: new Date('2026-02-01T00:00:00.000Z') };

/** A license with all that a file may tell of it, bound to a machine or not. */
export function documentSource({ bound }: { bound: boolean }): DocumentSource {
  return {
    license: {
      id: '01900000-0000-7000-8000-000000000001', key: LICENSE_KEY, name: 'Jo’s Mac', expiresAt: new Date('2027-01-01T00:00:00.000Z'),
      usesCount: 3, maxMachines: 2, maxUses: null, lastValidatedAt: null, ...made,
    },
    policy: {
      id: '01900000-0000-7000-8000-000000000002', name: 'Pro', floating: false, durationDays: 365, expirationStrategy: 'RESTRICT_ACCESS',
      maxMachines: 2, maxUses: null, requireHeartbeat: true, heartbeatIntervalMinutes: 60, ...made,
    },
    product: { id: PRODUCT_ID, name: 'Acme Editor', code: 'ACME', ...made },
    entitlements: [
      { id: '01900000-0000-7000-8000-000000000004', name: 'Export', code: 'export', ...made },
      { id: '01900000-0000-7000-8000-000000000005', name: 'Sync', code: 'sync', ...made },
    ],
    machine: bound
      ? {
          id: '01900000-0000-7000-8000-000000000006', fingerprint: FINGERPRINT, name: 'Studio', platform: 'macos', hostname: null, cores: 8,
          metadata: { rack: 7 }, lastHeartbeatAt: new Date('2026-03-01T11:30:00.000Z'), ...made,
        }
      : null,
  };
}

/** Its document, for a day from `ISSUED`. */
export function document({ bound, include = [] }: { bound: boolean; include?: Includable[] }): LicenseDocument {
  return composeDocument(documentSource({ bound }), include, { kid: fixedSigner.kid, issuedAt: ISSUED, ttl: 86_400 });
}
