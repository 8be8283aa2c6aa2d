import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createResolve, type Resolve } from '../../src/look-up.ts';

const A = 1;
const AAAA = 28;
const records: Record<string, { [type: number]: number[] }> = {
  'four.example': { [A]: [93, 184, 215, 14] }, 'six.example': { [AAAA]: [0x20, 0x01, ...Array<number>(13).fill(0), 1] }, 'both.example': { [A]: [10, 0, 0, 1], [AAAA]: [...Array<number>(15).fill(0), 1] }, 'none.example': {},
};

/** A name server that knows a few names, and never answers for any other. */
let server: Socket;
let silent: string[];
let resolve: Resolve;
beforeAll(async () => {
  server = createSocket('udp4').bind(0, '127.0.0.1');
  server.on('message', (asked, { port, address }) => {
    const labels: string[] = [];
    let at = 12;
    for (; asked[at] !== 0; at += asked[at]! + 1) labels.push(asked.toString('ascii', at + 1, at + 1 + asked[at]!));
    const known = records[labels.join('.').toLowerCase()];
    if (!known) return void silent.push(labels.join('.'));
    const type = asked.readUInt16BE(at + 1);
    const data = known[type];
    const header = Buffer.from([...asked.subarray(0, 2), 0x81, 0x80, 0, 1, 0, data ? 1 : 0, 0, 0, 0, 0]);
    const record = data ? Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]) : Buffer.alloc(0);
    server.send(Buffer.concat([header, asked.subarray(12, at + 5), record]), port, address);
  });
  await once(server, 'listening');
  silent = [];
  resolve = createResolve([`127.0.0.1:${server.address().port}`], { timeout: 300, tries: 1 });
});
afterAll(() => void server.close());

test('a name has all its addresses, of both families', async () => {
  expect(await resolve('four.example')).toEqual([{ address: '93.184.215.14', family: 4 }]);
  expect(await resolve('six.example')).toEqual([{ address: '2001::1', family: 6 }]);
  expect(await resolve('both.example')).toEqual([{ address: '10.0.0.1', family: 4 }, { address: '::1', family: 6 }]);
  await expect(resolve('none.example')).rejects.toThrow('none.example has no address');
});

test('names whose servers never answer keep no other waiting, and end', async () => {
  const hanging = Array.from({ length: 40 }, (_, n) => resolve(`silent-${n}.example`).catch((error: Error) => error.message));
  expect(await Promise.race([resolve('four.example'), ...hanging])).toEqual([{ address: '93.184.215.14', family: 4 }]);
  expect(new Set(silent).size).toBeGreaterThan(4);
  expect(await hanging[0]).toContain('silent-0.example has no address');
});
