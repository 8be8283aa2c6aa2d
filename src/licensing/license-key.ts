import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { createSealing, deriveKey } from '../database/sealing.ts';

/**
 * How a license key looks: `PREFIX-XXXX-XXXX-XXXX-XXXX`, Crockford base32 (no I L O U), 15 random symbols (75 bits) and
 * a check symbol. Nothing else in Tillkey knows.
 */

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_SYMBOLS = 15;
const BODY_SYMBOLS = RANDOM_SYMBOLS + 1;
const OWN_SHAPE = /^([A-Z0-9]{2,10})([A-Z0-9]{16})$/;

/** What may be done with keys, bound to this installation's secret. */
export type LicenseKeys = {
  /** A new key in its canonical form. */
  mint(prefix: string): string;
  /** What a typed key is looked up by. */
  read(typed: string): KeyReading;
  /** AES-256-GCM, for showing the key again to whom it belongs. */
  encrypt(key: string): Buffer;
  decrypt(encrypted: Uint8Array): string;
};

/**
 * `hash` is HMAC-SHA256 of the key as read leniently, what the database is asked with. `slip`: it has our own shape and a wrong
 * check symbol, so it is mistyped, unless a key that merely looks like ours was imported.
 */
export type KeyReading = { hash: Buffer; slip: boolean };

export function createLicenseKeys(secret: string): LicenseKeys {
  // As a KeyObject: Node takes five times as long over a plain buffer.
  const pepper = createSecretKey(deriveKey(secret, 'license-key lookup'));
  const display = createSealing(secret, 'license-key display');
  return {
    mint: mintKey,
    read: (typed) => {
      const { folded, slip } = foldKey(typed);
      return { hash: createHmac('sha256', pepper).update(folded).digest(), slip };
    },
    encrypt: display.seal,
    decrypt: display.open,
  };
}

/** As much of a key as tells it from its owner's others, and opens nothing: its last four symbols. */
export function hintOf(key: string): string {
  return key.at(-5) === '-' ? `…${key.slice(-5)}` : `…${key.slice(-4)}`;
}

function mintKey(prefix: string): string {
  // A byte holds 8 times 32 values: its low five bits are uniform.
  const symbols = [...randomBytes(RANDOM_SYMBOLS)].map((byte) => byte & 31);
  const body = [...symbols, checkSymbol(symbols)].map((value) => ALPHABET[value]).join('');
  return [prefix, ...(body.match(/.{4}/g) ?? [])].join('-');
}

/**
 * Reads a typed key leniently (case, spaces, missing dashes, O for 0, I and L for 1) into the form that is hashed.
 * Any other shape, or one of ours with a wrong check symbol, can only be an imported key, taken as it is.
 */
function foldKey(typed: string): { folded: string; slip: boolean } {
  const own = OWN_SHAPE.exec(typed.replace(/[\s-]/g, '').toUpperCase());
  const asItIs = `imported:${typed.trim()}`;
  if (!own) return { folded: asItIs, slip: false };
  const [, prefix = '', body = ''] = own;
  const symbols = [...fold(body)].map((symbol) => ALPHABET.indexOf(symbol));
  const sound = symbols.length === BODY_SYMBOLS && symbols.at(-1) === checkSymbol(symbols.slice(0, -1));
  return sound ? { folded: fold(prefix) + fold(body), slip: false } : { folded: asItIs, slip: true };
}

function fold(text: string): string {
  return text.replaceAll('O', '0').replace(/[IL]/g, '1');
}

/**
 * A weighted sum over the field of 32 elements (x^5 + x^2 + 1), each place with a weight of its own: every single wrong
 * symbol and every two swapped ones change it.
 */
function checkSymbol(symbols: number[]): number {
  let weight = 1;
  let sum = 0;
  for (const symbol of symbols) {
    weight = double(weight);
    sum ^= multiply(symbol, weight);
  }
  return sum;
}

function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0, shifted = a; bit < 5; bit += 1, shifted = double(shifted)) {
    if ((b >> bit) & 1) product ^= shifted;
  }
  return product;
}

function double(value: number): number {
  const doubled = value << 1;
  return doubled > 31 ? doubled ^ 0b100101 : doubled;
}
