import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { TextDecoder } from 'node:util';
import { createResolve, type Resolve } from './look-up.ts';
import { isPublicAddress } from './public-address.ts';

/**
 * The way to the endpoints of vendors, who may name any address: none but public ones are connected to. What is checked is what is connected to: the
 * address that the connection itself looked up, or the one that stands in the URL.
 */

/** `timeoutMs` is for a whole exchange, from the look-up to the last byte. */
export type WebhookPatience = { timeoutMs?: number; resolve?: Resolve };

type Post = { url: string; headers: Record<string, string>; body: string };

/** The answer of an endpoint, with what its body begins with as text; or why there is none. */
type Answered = { status: number; excerpt: string } | { error: string };

export type WebhookClient = {
  /** What is wrong with an endpoint's URL, in words for the vendor; null when nothing is. */
  faultOf(url: string): Promise<string | null>;
  /** Sends a request, and never follows where an answer points. */
  post(asked: Post): Promise<Answered>;
};

const TIMEOUT_MS = 15_000;
/** How long the check of a new URL waits for its name. */
const RESOLVE_MS = 3_000;
const EXCERPT_BYTES = 1_024;
/** Answers before the answer (1xx) that are borne: whoever never stops sending them would take all our time. */
const MOST_INTERIM = 10;
/** An answer is read this far; how it goes on is of no interest. */
const MOST_READ_BYTES = 64 * 1_024;

export function createWebhookClient({ allowPrivate, timeoutMs = TIMEOUT_MS, resolve = allowPrivate ? lookUpHere : createResolve() }: WebhookPatience & { allowPrivate: boolean }): WebhookClient {
  const guarded = allowPrivate ? resolve : onlyPublic(resolve);
  return {
    faultOf: async (url) => faultOf(url, { allowPrivate, resolve }),
    post: async (asked) => {
      const refused = allowPrivate ? null : whyNotConnected(new URL(asked.url));
      if (refused !== null) return { error: refused };
      const signal = AbortSignal.timeout(timeoutMs);
      return exchange(asked, asLookup(guarded), signal).catch((error: unknown) => ({ error: signal.aborted ? `no whole answer within ${timeoutMs / 1_000} s` : wordsOf(error) }));
    },
  };
}

/** Who tries webhooks out on their own machine meets these refusals first. */
const FOR_DEVELOPMENT = 'For development, the setting WEBHOOK_ALLOW_PRIVATE_ADDRESSES=true allows others.';

/** For development: with the names that this machine alone knows. */
const lookUpHere: Resolve = (hostname) => lookup(hostname, { all: true });

/** What is known of a URL without a look-up. It may have been taken while more was allowed. */
function whyNotConnected({ protocol, hostname }: URL): string | null {
  if (protocol !== 'https:') return `not connected: ${protocol}// is not secure`;
  return isLiteral(hostname) && !isPublicAddress(bare(hostname)) ? refusedAddress(hostname, bare(hostname)) : null;
}

async function faultOf(text: string, { allowPrivate, resolve }: { allowPrivate: boolean; resolve: Resolve }): Promise<string | null> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['https:', ...(allowPrivate ? ['http:'] : [])].includes(url.protocol)) return allowPrivate ? 'Expected a URL that starts with https:// or http://.' : `Expected a URL that starts with https://. ${FOR_DEVELOPMENT}`;
  if (url.username !== '' || url.password !== '') return 'A URL with a user name or password is not taken: verify the signature instead.';
  if (allowPrivate) return null;
  const host = bare(url.hostname);
  const addresses = isLiteral(url.hostname) ? [host] : /(^|\.)localhost$/i.test(host) ? ['127.0.0.1'] : await addressesOf(host, resolve);
  return addresses.every(isPublicAddress) ? null : `Expected an address of the public internet. This one is private, local or reserved. ${FOR_DEVELOPMENT}`;
}

/** None where the name does not resolve: it may be set up later, and each connection asks again. */
async function addressesOf(host: string, resolve: Resolve): Promise<string[]> {
  const late = new Promise<[]>((done) => setTimeout(() => done([]), RESOLVE_MS).unref());
  const found = await Promise.race([resolve(host).catch(() => []), late]);
  return found.map(({ address }) => address);
}

/** A host as it is looked up: without the brackets of IPv6 and the dots at the end. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$|\.+$/g, '');
}

function isLiteral(hostname: string): boolean {
  return isIP(bare(hostname)) !== 0;
}

/** Refuses a name of which any address is not public. */
function onlyPublic(resolve: Resolve): Resolve {
  return async (hostname) => {
    const addresses = await resolve(hostname);
    const refused = addresses.find(({ address }) => !isPublicAddress(address));
    if (refused) throw new Error(refusedAddress(hostname, refused.address));
    return addresses;
  };
}

function refusedAddress(hostname: string, address: string): string {
  return `not connected: ${hostname} is ${address}, which is no address of the public internet`;
}

/** As the sockets of Node look names up. */
function asLookup(resolve: Resolve): LookupFunction {
  return (hostname, { all }, callback) => {
    resolve(hostname).then((addresses) => {
      const [first] = addresses;
      if (all) callback(null, addresses);
      else if (first) callback(null, first.address, first.family);
      else callback(new Error(`${hostname} has no address`), '');
    }, (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), ''));
  };
}

/** An agent of its own for each: nothing of what the environment says of proxies applies, and no connection outlives its check. */
function exchange({ url, headers, body }: Post, lookUp: LookupFunction, signal: AbortSignal): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestHttps : requestHttp;
    const request = send(url, { method: 'POST', agent: false, lookup: lookUp, signal, headers: { ...headers, 'Content-Length': Buffer.byteLength(body) } });
    let [answered, interim] = [false, 0];
    // Once there is an answer it says itself how it ends: what follows it, or a body nobody wanted, makes it no other.
    request.on('error', (error) => answered || reject(error));
    request.on('information', () => (interim += 1) > MOST_INTERIM && request.destroy(new Error(`more than ${MOST_INTERIM} interim answers`)));
    // An answer that Node takes for none (101) ends without an error.
    request.on('close', () => answered || reject(new Error('the connection ended without an answer')));
    request.on('response', (response) => {
      answered = true;
      readExcerpt(response).then((excerpt) => resolve({ status: response.statusCode ?? 0, excerpt }), reject);
    });
    request.end(body);
  });
}

function readExcerpt(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let read = 0;
    const end = () => resolve(textOf(Buffer.concat(chunks).subarray(0, EXCERPT_BYTES), response.headers['content-type']));
    response.on('data', (chunk: Buffer) => {
      if (read < EXCERPT_BYTES) chunks.push(chunk);
      read += chunk.length;
      if (read < MOST_READ_BYTES) return;
      end();
      response.destroy();
    });
    response.on('end', end);
    response.on('error', reject);
    response.on('close', () => reject(new Error('the connection ended within the answer')));
  });
}

/** Whatever bytes came, as text that the database holds. */
function textOf(bytes: Buffer, contentType = ''): string {
  const charset = /charset="?([\w.:-]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  return storable(decoderOf(charset).decode(bytes, { stream: true }));
}

function decoderOf(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

/** A certificate may say anything, at any length. */
const MOST_WORDS = 500;

function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(wordsOf).join('; ');
  return storable((error instanceof Error ? error.message : String(error)).slice(0, MOST_WORDS));
}

function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}
