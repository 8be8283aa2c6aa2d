import type { z } from 'zod';
import { type Description, settings } from './settings.ts';

export type Config = Readonly<z.infer<typeof settings>>;

/** Where customers and Stripe reach this service, without a slash at the end; `port` where it listens, if not on its own. */
export function publicUrlOf({ PUBLIC_URL, PORT }: Pick<Config, 'PUBLIC_URL' | 'PORT'>, port = PORT): string {
  return PUBLIC_URL?.replace(/\/+$/, '') ?? `http://localhost:${port}`;
}

/** The outcome of reading the environment: a frozen config, or one line a fault that names the variable. */
export type ReadConfig = { ok: true; config: Config } | { ok: false; faults: string[] };

/** Reads and checks the environment. Unknown variables are not ours to judge. */
export function readConfig(environment: Record<string, string | undefined>): ReadConfig {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const parsed = settings.safeParse(set);
  if (parsed.success) return { ok: true, config: Object.freeze(parsed.data) };
  const first = parsed.error.issues.filter((issue, n, all) => all.findIndex(({ path }) => path[0] === issue.path[0]) === n);
  return { ok: false, faults: first.map((issue) => faultOf(issue, set)) };
}

function faultOf(issue: z.core.$ZodIssue, set: Record<string, string | undefined>): string {
  const name = String(issue.path[0]);
  const { example, secret } = descriptionOf(name);
  const value = secret ? 'its value (not shown)' : JSON.stringify(set[name]);
  return `${name}: ${issue.message}; got ${value}. Example: ${name}=${example}`;
}

/** What a setting is for, an example, and whether it is secret. */
export function descriptionOf(name: string): Description {
  const schema = Object.entries(settings.shape).find(([key]) => key === name)?.[1];
  const meta = schema?.meta();
  return {
    description: String(meta?.description ?? ''),
    example: String(meta?.['example'] ?? ''),
    ...(meta?.['secret'] === true && { secret: true }),
  };
}
