import { setTimeout } from 'node:timers/promises';

const ASK_EVERY_MS = 10;

/** Asks until it is so. Asking without a pause would take the time from those who work. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(ASK_EVERY_MS);
}
