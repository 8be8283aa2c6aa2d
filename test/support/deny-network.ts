import { Socket } from 'node:net';

/** Tests talk to this machine and to nobody else. */
const loopback = new Set(['localhost', '127.0.0.1', '::1']);
const connect = Socket.prototype.connect;

Socket.prototype.connect = function connectLocally(this: Socket, ...args: unknown[]) {
  const [options] = args.flat();
  const host = options !== null && typeof options === 'object' && 'host' in options ? options.host : undefined;
  if (typeof host === 'string' && !loopback.has(host)) throw new Error(`tests may not connect to ${host}`);
  return Reflect.apply(connect, this, args);
};
