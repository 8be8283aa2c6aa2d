import { AsyncResource } from 'node:async_hooks';
import DataLoader from 'dataloader';

const MOST_IN_ONE = 200;

/**
 * Lets questions that wait at the same moment be answered together: while one batch is under way, what is asked gathers for the next.
 * `answer` gives as many answers as it is given questions, in their order. It must not wait for anybody's lock: all would wait with it.
 * It runs in no asker's context: what one of them has under way, such as a transaction, is not for the others' questions.
 */
export function inBatches<Question, Answer>(answer: (questions: readonly Question[]) => Promise<Answer[]>): (question: Question) => Promise<Answer> {
  const apart = AsyncResource.bind(answer);
  const waiting: (() => void)[] = [];
  let underWay = false;
  const answerNext = (questions: readonly Question[]) => {
    underWay = true;
    return apart(questions).finally(() => {
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
