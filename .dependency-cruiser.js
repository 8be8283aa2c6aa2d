/**
 * The import law of ARCHITECTURE.md: who may import whom. `npm run check:imports` prints the `comment` of what was broken.
 *
 * A rule that `keeps` files to a list names all the house they may use; one that `forbids` names what they may not.
 */

const HOUSE = '^(src|migrations|test|bench)/';
const EDGE = '^src/(handlers|jobs|commands)/';
const USE_CASE = '^src/(billing|licensing)/[^/]+[.]ts$';
const BILLING = '^src/billing/[^/]+[.]ts$';
const LICENSING = '^src/licensing/[^/]+[.]ts$';
const STORE = '/store[.]ts$';
/** What edges and use cases alike stand on; only edges ask the clock and write the log. */
const GROUND = ['^src/errors[.]ts$', '^src/database/'];

const npm = (...names) => `node_modules/(@types/)?(${names.join('|')})/`;
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
const keeps = (name, path, allowed, comment) => rule(name, comment, { path }, { path: HOUSE, pathNot: allowed });
const forbids = (name, path, refused, comment) => rule(name, comment, { path }, { path: refused });
/** Only `doors` may import `path`; `forTypes` others may too, for its types alone. */
const only = (name, doors, path, comment, { forTypes = false } = {}) =>
  rule(name, comment, { path: '^src/', pathNot: doors }, { path, ...(forTypes && { dependencyTypesNot: ['type-only'] }) });

export default {
  forbidden: [
    rule('no-cycles', 'No cycles, not even of types: of two files that need each other neither can be read alone. Move what both need to a third.', {}, { circular: true }),
    rule('no-lost-imports', 'An import that cannot be found is one that no law can judge.', {}, { couldNotResolve: true }),
    rule('no-barrels', 'No barrels: import from the file that has it.', {}, { path: '(^|/)index[.][jt]s$', pathNot: 'node_modules' }),
    rule('no-dev-packages-in-src', 'src runs where only `dependencies` are installed: move the package there.', { path: '^src/' }, { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] }),
    forbids('no-tests-in-src', '^src/', '^(test|bench)/', 'src never imports test or bench.'),

    // Edges
    forbids('handlers-never-jobs', '^src/handlers/', '^src/jobs/', 'handlers and jobs never import each other: a handler enqueues, it does not run.'),
    forbids('jobs-never-handlers', '^src/jobs/', '^src/handlers/', 'handlers and jobs never import each other: what both need is a use case or a core.'),
    forbids('jobs-never-commands', '^src/(jobs|handlers)/', '^src/commands/', 'Jobs and handlers never import a command.'),
    forbids('edges-never-store', EDGE, STORE, 'An edge never touches a store: call a use case (src/licensing/*.ts, src/billing/*.ts).'),
    keeps('handlers-law', '^src/handlers/', ['^src/handlers/', '^src/jobs/', ...edgeMay()], edgeLaw('handlers')),
    keeps('jobs-law', '^src/jobs/', ['^src/jobs/', '^src/handlers/', ...edgeMay()], edgeLaw('jobs')),
    only('only-app-handlers', ['^src/app[.]ts$', '^src/handlers/', '^src/jobs/'], '^src/handlers/', 'app -> handlers: nobody else runs a handler (a type it declares may be met elsewhere).', { forTypes: true }),
    keeps('commands-law', '^src/commands/', ['^src/commands/', '^src/jobs/', '^src/handlers/', '^src/(config|settings)[.]ts$', '^src/stripe-(connections|endpoints)[.]ts$', ...edgeMay()], `${edgeLaw('commands')} A command may run a job.`),
    forbids('commands-never-handlers', '^src/commands/', '^src/handlers/', 'commands and handlers never import each other: what both need is a use case.'),
    only('only-worker-jobs', ['^src/worker[.]ts$', '^src/handlers/', '^src/jobs/', '^src/commands/'], '^src/jobs/', 'worker, commands -> jobs: nobody else runs a job.'),
    only('only-main-commands', ['^src/main[.]ts$', '^src/commands/'], '^src/commands/', 'main -> commands: nobody else runs a command.'),

    // Use cases
    forbids('use-cases-do-no-io', USE_CASE, [npm('express', 'bullmq', 'ioredis', 'nodemailer', 'stripe'), '^src/(queues|stripe|stripe-client|mailer|webhook-client)[.]ts$'], 'Use cases never enqueue, mail, call Stripe or know HTTP: they write rows and return ids; the edge enqueues after the commit.'),
    keeps('billing-law', BILLING, ['^src/billing/', LICENSING, '^src/(inbox|outbox)[.]ts$', ...GROUND], 'billing/*.ts -> billing/core, billing/store, licensing/*.ts, inbox, outbox, errors, database.'),
    forbids('billing-never-licensing-store', BILLING, '^src/licensing/store[.]ts$', 'billing/*.ts -> licensing/*.ts, never licensing/store: what billing wants of a license is a verb of licensing.'),
    keeps('licensing-law', LICENSING, ['^src/licensing/', '^src/(outbox|deliveries)[.]ts$', ...GROUND], 'licensing/*.ts -> licensing/core, licensing/store, outbox, deliveries, errors, database; never billing.'),

    // Cores: every import counts here, also of packages and of Node.
    rule('licensing-core-law', 'licensing/core -> only itself and zod: no I/O, no clock, no randomness, not even node:crypto.', { path: '^src/licensing/core/' }, { pathNot: ['^src/licensing/core/', npm('zod')] }),
    rule('billing-core-law', 'billing/core -> only itself, licensing/core and zod: no I/O, no clock, no randomness, not even node:crypto.', { path: '^src/billing/core/' }, { pathNot: ['^src/(billing|licensing)/core/', npm('zod')] }),

    // Doors
    only('only-queues-bullmq', ['^src/queues[.]ts$', '^src/database/migrate[.]ts$'], npm('bullmq'), 'Only src/queues.ts knows BullMQ (src/database/migrate.ts makes its tables).'),
    only('only-mailer-nodemailer', '^src/mailer[.]ts$', npm('nodemailer'), 'Only src/mailer.ts knows nodemailer.'),
    only('only-stripe-sdk', '^src/stripe(-client|-lists|-endpoints)?[.]ts$', npm('stripe'), 'Only src/stripe.ts and what it is made of (stripe-client, stripe-lists, stripe-endpoints) know the Stripe SDK.'),
    only('only-stripe-asks', '^src/stripe[.]ts$', '^src/stripe-client[.]ts$', 'Only src/stripe.ts makes clients of Stripe.', { forTypes: true }),
    only('only-edges-express', ['^src/app[.]ts$', '^src/handlers/'], npm('express', 'express-serve-static-core'), 'Only app and handlers know HTTP.'),
    only('only-root-constructs', '^src/dependencies[.]ts$', '^src/(queues|mailer|rate-limits|webhook-client)[.]ts$', 'Only src/dependencies.ts constructs clients: declare what you need of them as a type and be given it.', { forTypes: true }),
    only('only-process-files-root', '^src/(app|worker|service|banner)[.]ts$', '^src/dependencies[.]ts$', 'Only app, worker, service and banner know the composition root: all others are given what they need.'),
    rule('root-for-its-type', 'app and worker import dependencies for its type only: they are given what was constructed.', { path: '^src/(app|worker)[.]ts$' }, { path: '^src/dependencies[.]ts$', dependencyTypesNot: ['type-only'] }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(coverage|[.]data)/' },
    // Type-only imports count: a type is knowledge too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], extensions: ['.ts', '.js'] },
  },
};

function edgeMay() {
  return ['^src/(billing|licensing)/', '^src/(inbox|outbox|deliveries|delivery-counts|job-runs|reconciliations|queues|stripe|stripe-facts|stripe-lists|mailer|webhook-client|clock|logger|html)[.]ts$', ...GROUND];
}

function edgeLaw(edge) {
  return `${edge} -> licensing/*.ts, billing/*.ts (not their store), cores, inbox, outbox, deliveries, queues, stripe, stripe-facts, mailer, webhook-client, errors; clock, logger and database for types and scope.`;
}
