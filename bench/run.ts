import { benchValidate } from './validate.ts';

/** The benchmarks, by name. They report ratios within one run: a machine's own speed says little. */
const benchmarks = { validate: benchValidate };

const HELP = `Benchmarks of Tillkey. Each reports ratios, with the spread over its rounds.

  npm run bench -- validate    validate-key against bare Express routes, on 100,000 licenses

  --seconds N     how long each measurement lasts (8)
  --rounds N      how many rounds (3)
  --licenses N    how many licenses are seeded (100000)
  --help          this text

It starts an embedded PostgreSQL of its own in a temporary folder, or uses an empty database at DATABASE_URL.
`;

const [name, ...options] = process.argv.slice(2);
if (name === '--help' || options.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}
const benchmark = Object.entries(benchmarks).find(([known]) => known === name)?.[1];
if (benchmark === undefined) fail(name === undefined ? 'Which benchmark?' : `There is no benchmark ${name}.`);
await benchmark(readOptions(options));

function readOptions(given: string[]): { seconds: number; rounds: number; licenses: number } {
  const chosen = { seconds: 8, rounds: 3, licenses: 100_000 };
  for (let n = 0; n < given.length; n += 2) {
    const [option, value] = [given[n]?.replace(/^--/, ''), Number(given[n + 1])];
    if (option !== 'seconds' && option !== 'rounds' && option !== 'licenses') fail(`Unknown option ${given[n]}.`);
    if (!Number.isInteger(value) || value < 1) fail(`${given[n]}: expected a whole number from 1, got ${given[n + 1]}.`);
    chosen[option] = value;
  }
  return chosen;
}

function fail(why: string): never {
  process.stderr.write(`${why}\n\n${HELP}`);
  process.exit(2);
}
