import { pino } from 'pino';

export type Logger = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

const FLUSH_MS = 250;

/**
 * JSON lines on stdout. Nothing secret is ever passed in; `redact` is the second lock on that door. Lines are gathered for a
 * moment, since a write a line would cost a busy process a tenth of its time; the process's end writes what is left.
 */
export function createLogger(level: string): Logger {
  const lines = pino.destination({ minLength: 8_192, periodicFlush: FLUSH_MS, sync: true });
  if (level !== 'silent') process.on('exit', () => lines.flushSync());
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: ['*.authorization', '*.key', '*.secret', '*.password'],
  }, lines);
}

/** Warns of errors, with what each of them means. */
export function warner(log: Logger, what: string): (error: unknown) => void {
  return (error) => log.warn({ error: error instanceof Error ? error.message : String(error) }, what);
}
