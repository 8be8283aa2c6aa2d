/** Lets `most` work at once, the others in the order they came. */
export function takeTurns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  return async (work) => {
    if (underWay < most) underWay += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return work().finally(() => {
      const next = waiting.shift();
      if (next) next();
      else underWay -= 1;
    });
  };
}
