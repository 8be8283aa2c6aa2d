import { Agent, request } from 'node:http';
import { connect } from 'node:net';

/** A request as bytes on the wire: any method, path and headers, also those that fetch would mend or refuse. */
export type Asked = { method: string; path: string; headers?: Record<string, string>; body?: string | Buffer };

export type Heard = { status: number; headers: Record<string, string | string[] | undefined>; text: string; body: any };

/** An answer that takes longer than this counts as none. */
const HANG_MS = 10_000;

/** Asks a service over connections that are kept. */
export function asker(url: string): { ask: (asked: Asked) => Promise<Heard>; close: () => void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const { hostname, port } = new URL(url);
  const ask = ({ method, path, headers = {}, body }: Asked) =>
    new Promise<Heard>((resolve, reject) => {
      const length = body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const outgoing = request({ agent, hostname, port, method, path, headers: { ...length, ...headers }, timeout: HANG_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) });
        });
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${HANG_MS} ms: ${method} ${path}`)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  return { ask, close: () => agent.destroy() };
}

/** Sends bytes that are no request Node would make; what comes back, as text. */
export function sendBytes(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
    socket.setTimeout(HANG_MS, () => socket.destroy(new Error(`no answer within ${HANG_MS} ms`)));
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

/** As `application/json`, with an API key. */
export function asJson(key: string | null): Record<string, string> {
  return { 'content-type': 'application/json', ...(key !== null && { authorization: `Bearer ${key}` }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
