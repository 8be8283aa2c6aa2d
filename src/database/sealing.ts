import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encryption at rest, of what must be read again but not from a stolen dump. Each purpose has a key of its own. */
export type Sealing = {
  /** AES-256-GCM under a fresh iv: iv (12 bytes), ciphertext, tag (16 bytes). */
  seal(text: string): Buffer;
  /** Throws when the bytes were changed, or sealed under another secret or for another purpose. */
  open(sealed: Uint8Array): string;
};

export function createSealing(secret: string, purpose: string): Sealing {
  const key = deriveKey(secret, purpose);
  return {
    seal: (text) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    },
    open: (stored) => {
      const sealed = Buffer.from(stored);
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
    },
  };
}

/** The installation's key (32 bytes) for one purpose; keys of two purposes tell nothing about one another. */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
}
