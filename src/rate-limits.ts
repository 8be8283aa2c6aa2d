import { Redis } from 'ioredis';
import pg from 'pg';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterPostgres, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from './config.ts';
import type { Allowance, LimitName, Limits } from './handlers/http/limit.ts';
import type { Logger } from './logger.ts';

const WINDOW_S = 60;
/** A store that hangs is a store that is away: no request waits longer for its count. */
const STORE_TIMEOUT_MS = 250;

/** Where the counts live: shared by all web processes in Redis or PostgreSQL, or in this process, when it is the only one. */
type LimitStore = { redisUrl: string } | { databaseUrl: string } | 'process';

type PerMinute = Record<LimitName, number>;

/** Limits a minute; a count of 0 turns its limit off. A store that does not answer is stood in for by this process. */
export function createRateLimits(config: Config, log: Logger): Limits & { close(): Promise<void> } {
  const perMinute = limitsOf(config);
  const { limiter, close } = openStore(limitStoreOf(config), log);
  const limiters = new Map<LimitName, RateLimiterAbstract>();
  const limiterOf = (name: LimitName): RateLimiterAbstract => {
    const made = limiters.get(name) ?? limiter({ points: perMinute[name], duration: WINDOW_S, keyPrefix: `limit-${name}` });
    limiters.set(name, made);
    return made;
  };
  return {
    close,
    consume: async (name, who) => {
      const most = perMinute[name];
      return most === 0 ? null : allowanceOf(await consumed(limiterOf(name), who), most);
    },
  };
}

function limitsOf(config: Config): PerMinute {
  return {
    validate: config.RATE_LIMIT_VALIDATE,
    activate: config.RATE_LIMIT_ACTIVATE,
    management: config.RATE_LIMIT_MANAGEMENT,
    other: config.RATE_LIMIT_OTHER,
  };
}

/** On the embedded database there is one process and its memory is enough; else several may share the counts. */
function limitStoreOf({ REDIS_URL: redisUrl, DATABASE_URL: databaseUrl }: Config): LimitStore {
  if (redisUrl !== undefined) return { redisUrl };
  return databaseUrl === undefined ? 'process' : { databaseUrl };
}

/** The library says "one too many" with a rejection that is not an error. */
async function consumed(limiter: RateLimiterAbstract, who: string): Promise<RateLimiterRes> {
  return limiter.consume(who).catch((refused: unknown) => {
    if (refused instanceof RateLimiterRes) return refused;
    throw refused;
  });
}

function allowanceOf(result: RateLimiterRes, limit: number): Allowance {
  const allowed = result.consumedPoints <= limit;
  return { allowed, limit, remaining: Math.max(0, result.remainingPoints), resetInMs: Math.max(0, result.msBeforeNext) };
}

type Options = { points: number; duration: number; keyPrefix: string };
type Store = { limiter: (options: Options) => RateLimiterAbstract; close: () => Promise<void> };

function openStore(store: LimitStore, log: Logger): Store {
  if (store === 'process') return { limiter: (options) => new RateLimiterMemory(options), close: async () => undefined };
  const warn = (error: Error) => log.warn({ error: error.message }, 'rate limit store');
  if ('redisUrl' in store) {
    const client = new Redis(store.redisUrl, { maxRetriesPerRequest: 1, commandTimeout: STORE_TIMEOUT_MS });
    client.on('error', warn);
    return {
      limiter: (options) => new RateLimiterRedis({ ...options, storeClient: client, insuranceLimiter: new RateLimiterMemory(options) }),
      close: async () => client.disconnect(),
    };
  }
  const pool = new pg.Pool({ connectionString: store.databaseUrl, max: 4, query_timeout: STORE_TIMEOUT_MS, connectionTimeoutMillis: STORE_TIMEOUT_MS });
  pool.on('error', warn);
  const table = { storeClient: pool, tableName: 'rate_limits', tableCreated: true };
  return {
    limiter: (options) => new RateLimiterPostgres({ ...options, ...table, insuranceLimiter: new RateLimiterMemory(options) }),
    close: () => pool.end(),
  };
}
