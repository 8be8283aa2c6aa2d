import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from '@jest/globals';
import { inBatches } from '../../src/database/in-batches.ts';

test('a batch runs in the context of none who asked, neither the first one nor those that wait while another is under way', async () => {
  const transaction = new AsyncLocalStorage<string>();
  const batches: { questions: string[]; within: string | undefined }[] = [];
  const ask = inBatches<string, string>(async (questions) => {
    batches.push({ questions: [...questions], within: transaction.getStore() });
    await new Promise(setImmediate);
    return [...questions];
  });
  const within = (question: string) => transaction.run(`of ${question}`, () => ask(question));
  const atOnce = Promise.all([within('first'), within('second')]);
  await new Promise(setImmediate);
  expect(await Promise.all([atOnce, within('third')])).toEqual([['first', 'second'], 'third']);
  expect(batches).toEqual([{ questions: ['first', 'second'], within: undefined }, { questions: ['third'], within: undefined }]);
});
