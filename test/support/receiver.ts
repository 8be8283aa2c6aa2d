import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came in. */
type Hook = { path: string; headers: IncomingHttpHeaders; body: string; event: any };

type Answer = (response: ServerResponse, hook: Hook) => void;

export type Receiver = {
  url: string;
  /** All that came, the oldest first. */
  hooks: Hook[];
  /** How it answers from now on. */
  answers(answer: Answer): void;
  /** Waits until as many came. */
  got(count: number): Promise<Hook[]>;
  /** Waits until one came of which this is so. */
  gets(is: (hook: Hook) => boolean): Promise<Hook>;
  close(): Promise<void>;
};

/** A real HTTP server on loopback that takes webhooks and answers 200 until told otherwise. */
export async function startReceiver(): Promise<Receiver> {
  const hooks: Hook[] = [];
  const came = new EventTarget();
  let answer: Answer = (response) => response.end('ok');
  const server = createServer((request, response) => {
    void read(request).then((hook) => {
      hooks.push(hook);
      answer(response, hook);
      came.dispatchEvent(new Event('hook'));
    }, () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise((resolve) => came.addEventListener('hook', resolve, { once: true }));
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    hooks,
    answers: (next) => (answer = next),
    got: async (count) => {
      await until(() => hooks.length >= count);
      return hooks;
    },
    gets: async (is) => {
      await until(() => hooks.some(is));
      return hooks.find(is)!;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function read(request: IncomingMessage): Promise<Hook> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  return { path: request.url ?? '', headers: request.headers, body, event: JSON.parse(body) };
}
