import { isUnavailable } from '../database/orm.ts';
import { AppError } from '../errors.ts';

/** `outage`: something that we need is away, and another attempt may do once it is back. */
export type Failed = { error: string; outage: boolean };

type Attempt = { ok: true } | ({ ok: false } & Failed);

/** The one place where a failure in a job becomes a value: what it says for the log and for the row it failed on. */
export async function attempt(work: () => Promise<void>): Promise<Attempt> {
  return work().then(
    () => ({ ok: true }),
    (error: unknown) => ({ ok: false, error: describe(error), outage: isOutage(error) }),
  );
}

function isOutage(error: unknown): boolean {
  return isUnavailable(error) || (error instanceof AppError && error.status === 503);
}

function describe(error: unknown): string {
  if (error instanceof AppError && error.cause instanceof Error) return `${error.publicMessage} ${error.cause.message}`;
  return error instanceof Error ? error.message : String(error);
}
