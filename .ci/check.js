import { spawnSync } from 'node:child_process';

/** Every gate in turn, the fast ones first; the first that fails is named and ends it. */
const gates = ['check:types', 'check:lint', 'check:imports', 'check:unused', 'schema:check'];

for (const gate of gates) {
  process.stdout.write(`\n${gate}\n`);
  const { status } = spawnSync(process.execPath, ['--run', gate], { stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write(`\nFAILED: ${gate} (alone: npm run ${gate})\n`);
    process.exit(1);
  }
}
process.stdout.write(`\nPassed: ${gates.join(', ')}\n`);
