const EVERY_MS = { terminal: 1_000, log: 5_000 };

/** What is told of a work while it goes on: a line that is written over where somebody watches, else one now and then. */
export type Progress = { show(phase: string, counts: Counts): void; end(): void };

type Counts = { done: number; of?: number; refused: number };

export function showProgress(out: NodeJS.WriteStream = process.stderr): Progress {
  const every = out.isTTY ? EVERY_MS.terminal : EVERY_MS.log;
  let shownAt = performance.now();
  let phase = { name: '', since: shownAt, from: 0 };
  const lineOf = (name: string, { done, of, refused }: Counts, now: number) => {
    const perSecond = Math.round(((done - phase.from) * 1_000) / Math.max(1, now - phase.since));
    return `${name}: ${done}${of === undefined ? '' : ` of ${of}`}, ${refused} refused, ${perSecond} a second`;
  };
  return {
    show: (name, counts) => {
      const now = performance.now();
      if (phase.name !== name) phase = { name, since: now, from: counts.done };
      if (now - shownAt < every) return;
      shownAt = now;
      out.write(out.isTTY ? `\r\u001b[K${lineOf(name, counts, now)}` : `${lineOf(name, counts, now)}\n`);
    },
    end: () => void (out.isTTY && out.write('\r\u001b[K')),
  };
}
