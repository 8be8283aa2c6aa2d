import DataLoader from 'dataloader';

const MOST_IN_ONE = 200;

/**
 * Lets questions that wait at the same moment be answered together: while one batch is under way, what is asked gathers for the next.
 * `answer` gives as many answers as it is given questions, in their order. It must not wait for anybody's lock: all would wait with it.
 */
export function inBatches<Question, Answer>(answer: (questions: readonly Question[]) => Promise<Answer[]>): (question: Question) => Promise<Answer> {
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
