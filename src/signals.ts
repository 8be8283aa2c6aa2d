/** How the process is told to stop. */

/** An npm that is killed hard would leave us running where no Ctrl-C reaches us: its end is ours. */
export function stopWithNpm(): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  watch.unref();
}

/** One Ctrl-C under npm arrives twice: from the terminal, and passed on by npm. */
const ECHO_MS = 1_000;

/** The first signal finishes what is in flight; a second one, or half a minute, ends it hard. */
export function stopOnSignal(stop: () => Promise<void>, failed: (error: unknown) => void): void {
  let stoppingSince: number | null = null;
  const onSignal = (signal: string) => {
    if (stoppingSince !== null) {
      if (performance.now() - stoppingSince > ECHO_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    process.stdout.write(`\n${signal}: finishing what is in flight (again to stop at once)\n`);
    setTimeout(() => process.exit(1), 30_000).unref();
    stop().then(() => process.exit(0), failed);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, onSignal);
}
