/** How many lines that are the same stand around one that is not. */
const CONTEXT = 2;

type Line = { mark: ' ' | '-' | '+'; text: string };

/** What `after` changes in `before`, line by line: `-` is gone, `+` is new, `@@` names the block. Empty when they are the same. */
export function diffLines(before: string, after: string): string {
  const lines = align(before.split('\n'), after.split('\n'));
  const isShown = (at: number) => lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ mark }) => mark !== ' ');
  return lines
    .flatMap(({ mark, text }, at) => {
      if (!isShown(at)) return [];
      const block = at > 0 && !isShown(at - 1) ? lines.slice(0, at).findLast((line) => /^\S.*\($/.test(line.text)) : undefined;
      return [...(block ? [`@@ ${block.text}`] : []), `${mark} ${text}`];
    })
    .join('\n');
}

/** Both texts in one list, by their longest common subsequence. */
function align(before: string[], after: string[]): Line[] {
  const common = commonLengths(before, after);
  const lengthAt = (i: number, j: number) => common[i]?.[j] ?? 0;
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && before[i] === after[j]) {
      lines.push({ mark: ' ', text: before[i] ?? '' });
      [i, j] = [i + 1, j + 1];
    } else if (i < before.length && (j === after.length || lengthAt(i + 1, j) >= lengthAt(i, j + 1))) {
      lines.push({ mark: '-', text: before[i++] ?? '' });
    } else {
      lines.push({ mark: '+', text: after[j++] ?? '' });
    }
  }
  return lines;
}

/** `[i][j]`: how many lines the rest of `before` from i and the rest of `after` from j have in common. */
function commonLengths(before: string[], after: string[]): number[][] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  for (let i = before.length - 1; i >= 0; i--) {
    const [row = [], below = []] = [lengths[i], lengths[i + 1]];
    for (let j = after.length - 1; j >= 0; j--) {
      row[j] = before[i] === after[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}
