import { AppError } from '../errors.ts';

export type Attempt = { ok: true } | { ok: false; error: string };

/** The one place where a failure in a job becomes a value: what it says for the log and for the row it failed on. */
export async function attempt(work: () => Promise<void>): Promise<Attempt> {
  return work().then(
    () => ({ ok: true }),
    (error: unknown) => ({ ok: false, error: describe(error) }),
  );
}

function describe(error: unknown): string {
  if (error instanceof AppError && error.cause instanceof Error) return `${error.publicMessage} ${error.cause.message}`;
  return error instanceof Error ? error.message : String(error);
}
