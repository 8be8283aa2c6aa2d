import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to whoever asks for any: nobody gets one of these while its owner is away for a test. */
const [FIRST, END] = [10_240, 32_768];

/** A loopback port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    const probe = createServer().listen(port, '127.0.0.1');
    const free = await once(probe, 'listening').then(() => true, () => false);
    if (!free) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
