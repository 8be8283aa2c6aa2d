/** The files that take longest, the longest first: both workers end together, and none is left alone with one of these. */
const longest = [
  'flows/start', 'flows/commands', 'flows/stories-with-key', 'flows/crash', 'flows/import', 'flows/faults-burst', 'flows/stories-without-key', 'flows/reconcile',
  'flows/faults-workers', 'flows/faults-database', 'flows/faults-stripe', 'flows/stripe-cli', 'handlers/bad-input', 'handlers/machines', 'flows/rotate-keys', 'flows/purchase',
];

/** The order in which jest runs the files, the same wherever it runs: jest's own goes by what it remembers of an earlier run. */
export default class LongestFirst {
  sort(tests) {
    return tests.toSorted((one, other) => placeOf(one) - placeOf(other) || (one.path < other.path ? -1 : 1));
  }

  shard(tests, { shardIndex, shardCount }) {
    return this.sort(tests).filter((_, n) => n % shardCount === shardIndex - 1);
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}

function placeOf({ path }) {
  const place = longest.findIndex((name) => path.endsWith(`/${name}.test.ts`));
  return place === -1 ? longest.length : place;
}
