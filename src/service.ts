import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { bannerOf } from './banner.ts';
import { publicUrlOf } from './config.ts';
import { createDependencies, type Dependencies, type Setting } from './dependencies.ts';
import { AppError } from './errors.ts';
import type { Role } from './role.ts';
import { startWorker } from './worker.ts';

export type Service = {
  dependencies: Dependencies;
  /** Where the HTTP side listens; empty for a role without one. */
  url: string;
  banner: string;
  /** Finishes requests and jobs in flight, then closes every connection. */
  stop(): Promise<void>;
};

/** Starts a role on a database that is reachable. `main`, the demo and the tests all start it here. */
export async function startService({ role, ...setting }: Setting & { role: Role }): Promise<Service> {
  const dependencies = await createDependencies(setting);
  return start(role, dependencies, setting.dataFolder).catch(async (error: unknown) => {
    await dependencies.close();
    throw error;
  });
}

async function start(role: Role, dependencies: Dependencies, dataFolder: string): Promise<Service> {
  const { config } = dependencies;
  const server = role === 'all' || role === 'web' ? createServer() : null;
  // Loaded by those who serve it alone: a worker, a migration or a command begins sooner.
  const createApp = server && (await import('./app.ts')).createApp;
  server?.on('clientError', answerUnreadable);
  const port = server ? await listen(server, config.PORT, config.HOST) : 0;
  const url = server ? `http://localhost:${port}` : '';
  // Links, also those in mails, name the port, which is known only now where any free one is taken. No request is read before this turn ends.
  const complete = server ? { ...dependencies, publicUrl: publicUrlOf(config, port) } : dependencies;
  if (createApp) server?.on('request', createApp(complete));
  const worker = role === 'all' || role === 'worker' ? await startWorker(complete).catch(stopServing(server)) : null;
  return {
    dependencies: complete,
    url,
    banner: bannerOf({ role, config, url, dataFolder }),
    stop: async () => {
      // At once, as each has its own time to come to an end.
      await Promise.all([server ? close(server) : null, worker?.stop()]);
      await dependencies.close();
    },
  };
}

function stopServing(server: Server | null) {
  return async (error: unknown): Promise<never> => {
    if (server) await close(server);
    throw error;
  };
}

/** What Node cannot read never reaches Express: it gets an error of the same shape, and the connection ends. */
function answerUnreadable({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = code === 'HPE_HEADER_OVERFLOW';
  const status = tooLarge ? '431 Request Header Fields Too Large' : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
  const requestId = randomUUID();
  const body = JSON.stringify({ error: tooLarge ? 'The headers are too large.' : 'The request could not be read.', code: 'VALIDATION_ERROR', requestId });
  const head = [`HTTP/1.1 ${status}`, 'Content-Type: application/json; charset=utf-8', `Content-Length: ${Buffer.byteLength(body)}`, `X-Request-Id: ${requestId}`, 'Connection: close'];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function listen(server: Server, port: number, host: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(port, host, cause)));
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

function cannotListen(port: number, host: string | undefined, cause: NodeJS.ErrnoException): AppError {
  const advice =
    cause.code === 'EADDRINUSE'
      ? `PORT: another program listens on ${port}. Stop it, or take another port, for example PORT=${port + 1}`
      : `HOST, PORT: cannot listen on ${host ?? 'all interfaces'}, port ${port}: ${cause.message}. Example: HOST=127.0.0.1 PORT=3000`;
  return new AppError('CANNOT_LISTEN', 500, advice, { cause });
}

/** How long requests in flight may take once we stop. */
const FINISH_MS = 10_000;

/** No new connections, idle ones closed, requests in flight answered; one that does not come to an end is cut off. */
async function close(server: Server): Promise<void> {
  const closed = promisify(server.close.bind(server))();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), FINISH_MS);
  await closed;
  clearTimeout(cut);
}
