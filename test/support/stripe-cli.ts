import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** Stripe's own command line tool, as npm installs it. */

/** At least twelve characters, or the CLI does not take it. */
const API_KEY = 'sk_test_standin';
/** Where nothing listens: what the CLI would ask the network for (is there a newer version?) ends at once. */
const NO_NETWORK = 'http://127.0.0.1:9';

const require = createRequire(import.meta.url);

/** Whether its binary is there for this platform. */
export function hasStripeCli(): boolean {
  try {
    const root = join(require.resolve('@stripe/cli/package.json'), '..');
    const platforms = JSON.parse(readFileSync(join(root, 'platforms.json'), 'utf8'));
    const { pkg, bin } = platforms[`${process.platform}-${process.arch}`];
    return existsSync(join(require.resolve(`${pkg}/package.json`, { paths: [root] }), '..', 'bin', bin));
  } catch {
    return false;
  }
}

/** `stripe trigger <event>` against `apiBase`, with `home` as the only folder it may write to. Fails unless the CLI says it succeeded. */
export async function trigger(event: string, { apiBase, home, args = [] }: { apiBase: string; home: string; args?: string[] }): Promise<void> {
  const shim = require.resolve('@stripe/cli/bin/shim.js');
  const child = spawn(process.execPath, [shim, 'trigger', event, '--api-key', API_KEY, '--api-base', apiBase, ...args], {
    env: { PATH: process.env['PATH'], HOME: home, XDG_CONFIG_HOME: home, STRIPE_CLI_TELEMETRY_OPTOUT: '1', HTTP_PROXY: NO_NETWORK, HTTPS_PROXY: NO_NETWORK, NO_PROXY: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0 || !/Trigger succeeded/.test(output + errors)) throw new Error(`stripe trigger ${event} ended with ${code}:\n${output}${errors}`);
}
