import { expect, test } from '@jest/globals';
import { streamList } from '../../src/handlers/http/stream-list.ts';

test('of lists that many ask for at once one page is read at a time, and who stops reading holds nobody up', async () => {
  let [underWay, most] = [0, 0];
  const read = async (cursor = '0') => {
    most = Math.max(most, (underWay += 1));
    await new Promise(setImmediate);
    underWay -= 1;
    const next = Number(cursor) + 1;
    return { rows: [{ n: next }], nextCursor: next === 3 ? null : String(next) };
  };
  const list = async () => (await streamList(read, (row) => row)).pieces!;
  const whole = async () => {
    let text = '';
    for await (const piece of await list()) text += piece;
    return JSON.parse(text);
  };
  await (await list())[Symbol.asyncIterator]().next();
  const heard = await Promise.all([1, 2, 3, 4, 5].map(whole));
  expect(heard).toEqual(heard.map(() => [{ n: 1 }, { n: 2 }, { n: 3 }]));
  expect(most).toBe(1);
});
