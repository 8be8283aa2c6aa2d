import { z } from 'zod';
import { AppError } from '../../errors.ts';

/** Whether it was done, in the word of each call. */
export type Flag = 'activated' | 'valid' | 'deactivated';

/** The failure of a call about a key or an instance that there is not. */
export function notFoundError(field: 'license_key' | 'instance_id'): AppError {
  return new AppError('NOT_FOUND', 404, `${field} not found.`);
}

const flags = new Map<string, Flag>([['activate', 'activated'], ['validate', 'valid'], ['deactivate', 'deactivated']]);

/** Any failure as Lemon Squeezy tells it. The flag of a call is there, and false, but where fields are at fault. */
export function showFailure({ status, code, publicMessage: error, details }: AppError, path: string): { status: number; body: object } {
  const faults = faultsIn.safeParse(details);
  if (faults.success) return { status: 422, body: invalid(faults.data.issues) };
  const [, verb = ''] = /^\/v1\/licenses\/(\w+)\/?$/.exec(path.toLowerCase()) ?? [];
  const flag = flags.get(verb);
  const failed = flag ? { [flag]: false, error } : { error };
  return { status, body: flag && code === 'NOT_FOUND' ? failed : { ...failed, message: error } };
}

const faultsIn = z.object({ issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })).min(1) });

/** The first fault as the message, and all of them by field. */
function invalid(issues: z.output<typeof faultsIn>['issues']): object {
  const errors = new Map<string, string[]>();
  for (const { path: [field = 'body'], message } of issues) errors.set(String(field), [...(errors.get(String(field)) ?? []), message]);
  const more = issues.length - 1;
  return { message: `${issues[0]?.message ?? ''}${more > 0 ? ` (and ${more} more error${more > 1 ? 's' : ''})` : ''}`, errors: Object.fromEntries(errors) };
}
