import DataLoader from 'dataloader';
import type { QueryResultRow } from 'pg';
import type { Database } from './orm.ts';

/** A statement that each connection plans once, by its name. Its text must never change under one name. */
export type Prepared = { name: string; text: string };

/** Runs a prepared statement on a connection of the ORM's own pool, outside any transaction. Times come as text. */
export async function runPrepared<Row extends QueryResultRow>(database: Database, { name, text }: Prepared, values: unknown[]): Promise<Row[]> {
  const pool = await database.em.getConnection().getNativeClient();
  return (await pool.query<Row>({ name, text, values })).rows;
}

const MOST_IN_ONE = 200;

/**
 * Lets questions that wait at the same moment share one statement: while one is under way, what is asked goes together into the
 * next. `answer` gives as many answers as it is given questions, in their order, and must not wait for somebody else's lock.
 */
export function shareStatement<Question, Answer>(answer: (questions: readonly Question[]) => Promise<Answer[]>): (question: Question) => Promise<Answer> {
  const waiting: (() => void)[] = [];
  let underWay = false;
  const answerNext = (questions: readonly Question[]) => {
    underWay = true;
    return answer(questions).finally(() => {
      underWay = false;
      waiting.shift()?.();
    });
  };
  const loader = new DataLoader<Question, Answer>(answerNext, {
    cache: false,
    maxBatchSize: MOST_IN_ONE,
    batchScheduleFn: (go) => {
      if (underWay) waiting.push(go);
      else setImmediate(go);
    },
  });
  return (question) => loader.load(question);
}

/** Times in a statement of our own come as text: the ORM's pool leaves reading them to its row definitions. */
export function dateOf(time: string): Date {
  return new Date(time);
}

export function dateOrNull(time: string | null): Date | null {
  return time === null ? null : new Date(time);
}
