/** The files that take longest, the longest first: the workers end together, and none is left alone with one of these. */
const longest = [
  'flows/start', 'flows/crash', 'flows/faults-workers', 'flows/import', 'flows/faults-burst', 'flows/stories-with-key', 'flows/reconcile', 'flows/faults-database', 'flows/commands',
  'handlers/machines', 'handlers/isolation', 'flows/purchase', 'flows/stripe-cli', 'flows/faults-stripe', 'flows/stories-without-key', 'flows/webhooks', 'handlers/portal',
  'handlers/bad-input', 'handlers/apply-mapping', 'flows/rotate-keys', 'flows/faults-events',
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
