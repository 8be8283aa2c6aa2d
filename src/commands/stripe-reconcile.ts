import type { Scope } from '../database/scope.ts';
import { AppError } from '../errors.ts';
import { type ReconcileDependencies, reconciliations } from '../jobs/reconcile.ts';
import type { StripeLists } from '../stripe-lists.ts';
import { type Command, misused } from './command.ts';

type Needs = ReconcileDependencies & { stripeScopes: () => Promise<Scope[]>; stripeOf: (scope: Scope) => Promise<StripeLists | null> };

export const stripeReconcile: Command<Needs> = {
  name: 'stripe:reconcile',
  summary: 'fetch from Stripe what its webhooks did not bring; a running worker does so by itself',
  help: `npm run stripe:reconcile

Goes through the events of the last thirty days that Stripe lists, from where the last time ended, and through all
subscriptions, and puts into the inbox what is missing there. A running worker applies it, and does all of this by
itself: the events every hour, the subscriptions every night. Doing it again, or twice at once, changes nothing.
`,
  takes: {},
  run: async ({ say }, dependencies) => {
    const scopes = await dependencies.stripeScopes();
    if (scopes.length === 0) throw misused('No Stripe key is configured: set STRIPE_LIVE_SECRET_KEY or STRIPE_TEST_SECRET_KEY.');
    let received = 0;
    for (const scope of scopes) received += await reconcileScope(dependencies, scope, say).catch(failWithCause);
    say(received === 0 ? 'Nothing was missing.' : `${received} events were put into the inbox. A running worker applies them; GET /api/v1/stripe-events shows what became of each.`);
  },
};

async function reconcileScope(dependencies: Needs, scope: Scope, say: (line: string) => void): Promise<number> {
  const stripe = await dependencies.stripeOf(scope);
  if (stripe === null) return 0;
  let total = 0;
  for (const kind of ['events', 'subscriptions'] as const) {
    const { listed, received } = await reconciliations[kind](dependencies, { scope, since: null }, stripe, (progress) => showProgress(`${scope.mode} ${kind}: ${progress.listed}`));
    showProgress('');
    const what = kind === 'events' ? `${listed} events listed, ${received} were missing` : `${listed} subscriptions listed, ${received} differed from what is stored`;
    say(`${scope.mode.padEnd(6)}${what}  (account ${scope.accountId})`);
    total += received;
  }
  return total;
}

/** Stripe says better what is wrong than the kind of failure does. */
function failWithCause(error: unknown): never {
  if (!(error instanceof AppError) || !(error.cause instanceof Error)) throw error;
  throw new AppError(error.code, error.status, `${error.publicMessage} ${error.cause.message}`, { cause: error.cause });
}

/** One line that is written over, where somebody watches. */
function showProgress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`);
}
