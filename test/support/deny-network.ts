import { Socket } from 'node:net';

/** Tests talk to this machine and to nobody else. */
const loopback = new Set(['localhost', '127.0.0.1', '::1']);
const connect = Socket.prototype.connect;

Socket.prototype.connect = function connectLocally(this: Socket, ...args: unknown[]) {
  const [options] = args.flat();
  const host = options !== null && typeof options === 'object' && 'host' in options ? options.host : undefined;
  // A test may say itself where a name leads; what it leads to is checked when it is connected to.
  const named = options !== null && typeof options === 'object' && 'lookup' in options && typeof host === 'string' && host.endsWith('.example');
  if (typeof host === 'string' && !named && !loopback.has(host)) throw new Error(`tests may not connect to ${host}`);
  return Reflect.apply(connect, this, args);
};
