import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { AppError } from '../errors.ts';

/** What was asked for at a terminal: the values of `--name value`, the `--flags` that were set, and the words without a dash. */
export type Call = { values: Record<string, string | undefined>; flags: Set<string>; words: string[]; say: (line: string) => void };

/** A command for a person at a terminal: `npm run <name> -- …`. It runs once, beside a Tillkey that may be running, and ends. */
export type Command<Needs> = {
  name: string;
  /** What it does, in a line. */
  summary: string;
  help: string;
  /** The options it takes, those with a value and those without. */
  takes: { values?: string[]; flags?: string[]; words?: number };
  run: (call: Call, dependencies: Needs) => Promise<void>;
};

/** A wrong call. */
export function misused(message: string): AppError {
  return new AppError('USAGE', 400, message);
}

/** Reads the arguments of a command; an unknown or incomplete one is a wrong call. */
export function readCall({ takes }: Pick<Command<never>, 'takes'>, args: string[]): Omit<Call, 'say'> {
  const { values: named = [], flags: known = [], words: most = 0 } = takes;
  const options: ParseArgsOptionsConfig = {
    ...Object.fromEntries(named.map((name) => [name, { type: 'string' as const }])),
    ...Object.fromEntries(known.map((name) => [name, { type: 'boolean' as const }])),
  };
  const { values, positionals } = parsed(() => parseArgs({ args, options, allowPositionals: most > 0 }));
  if (positionals.length > most) throw misused(`Too many words: ${positionals.join(' ')}`);
  const given = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { values: Object.fromEntries(given), flags: new Set(known.filter((name) => values[name] === true)), words: positionals };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    // Node names the option and what is wrong with it.
    throw misused(error instanceof Error ? error.message : String(error));
  }
}
