import type { Page } from '../../database/page.ts';
import { takeTurns } from '../../database/turns.ts';
import { knownPage } from './answer.ts';
import type { Answer } from './route.ts';

/** Reads one large page at a time, whoever asks: many at once would take the process' time and memory from the apps that ask beside. */
export const inTurn = takeTurns(1);

type Read<Row> = (cursor: string | undefined) => Promise<Page<Row> | null>;

/** All rows of a list as one bare array, sent page by page as it is read: no more of it is held than a page, however many there are. */
export async function streamList<Row>(read: Read<Row>, view: (row: Row) => object): Promise<Answer> {
  // What fails before the first byte is answered as any failure.
  const readNext = (cursor: string | undefined) => inTurn(() => read(cursor));
  const first = knownPage(await readNext(undefined));
  return { pieces: piecesOf(first, readNext, view) };
}

async function* piecesOf<Row>(first: Page<Row>, read: Read<Row>, view: (row: Row) => object): AsyncGenerator<string> {
  let before = '[';
  for (let page = first; ; page = knownPage(await read(page.nextCursor ?? undefined))) {
    // All of a page may have been deleted since it was seen to be there.
    if (page.rows.length > 0) {
      yield before + page.rows.map((row) => JSON.stringify(view(row))).join(',');
      before = ',';
    }
    if (page.nextCursor === null) break;
  }
  yield before === '[' ? '[]' : ']';
}
