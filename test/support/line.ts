import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { freePort } from './free-port.ts';

/** What every request gets instead of an answer: this one, or none for as long as the silence lasts. */
export type Fault = { status: number; headers?: Record<string, string>; body?: string } | 'silence';

export type Line = {
  url: string;
  /** When each request arrived, in milliseconds. */
  asked: number[];
  /** Requests that were answered, with whatever. */
  answered(): number;
  /** From now on; null ends the fault, and those who waited in silence are answered. */
  fail(fault: Fault | null): void;
  /** Refuses connections, and cuts those that stand. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
};

/** The line between Tillkey and a server, here the stand-in for Stripe: it can be cut, fall silent, or answer by itself. */
export async function layLine(target: string): Promise<Line> {
  const asked: number[] = [];
  let fault: Fault | null = null;
  let lifted = Promise.withResolvers<void>();
  let answered = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push(performance.now());
    while (fault === 'silence') await lifted.promise;
    const { status, headers = {}, body = '' } = fault ?? (await forward(target, request));
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    answered += 1;
  };
  const port = await freePort();
  const listen = () => createServer((request, response) => void serve(request, response)).listen(port, '127.0.0.1');
  let server = listen();
  const goAway = async () => {
    server.close();
    server.closeAllConnections();
    if (server.listening) await once(server, 'close');
  };
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    answered: () => answered,
    fail: (next) => {
      fault = next;
      lifted.resolve();
      lifted = Promise.withResolvers<void>();
    },
    goAway,
    comeBack: async () => {
      server = listen();
      await once(server, 'listening');
    },
    close: goAway,
  };
}

async function forward(target: string, { url = '', headers }: IncomingMessage): Promise<Exclude<Fault, string>> {
  const response = await fetch(`${target}${url}`, { headers: { authorization: headers.authorization ?? '' } });
  return { status: response.status, body: await response.text() };
}
