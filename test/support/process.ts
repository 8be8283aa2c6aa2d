import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export type TillkeyProcess = {
  /** What it has printed so far. */
  printed(): string;
  /** The first match of a pattern in what it prints, once it is there. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal and waits for the end; returns the exit code, null when the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Ctrl-C, as a terminal sends it: to the process and all it started. */
  interrupt(): Promise<number | null>;
  exitCode: Promise<number | null>;
};

/** Runs `src/main.ts` in a process of its own, with nothing of this process's settings; `input` is what it can read. */
export function spawnTillkey(args: string[], environment: Record<string, string>, input?: string): TillkeyProcess {
  return run(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts', ...args], environment, input);
}

/** Runs `npm start` as a person does. Signals go to npm alone. */
export function spawnNpmStart(environment: Record<string, string>): TillkeyProcess {
  return run('npm', ['start'], environment);
}

function run(command: string, args: string[], environment: Record<string, string>, input?: string): TillkeyProcess {
  const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const inherited = Object.entries({ PATH, HOME, TMPDIR, NODE_COMPILE_CACHE }).filter(([, value]) => value !== undefined);
  const child = spawn(command, args, {
    env: { ...Object.fromEntries(inherited), PORT: '0', ...environment },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdin?.end(input);
  const exitCode = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null);
  const { printed, prints } = listen(child, exitCode);
  return {
    printed,
    prints,
    exitCode,
    end: (signal) => {
      child.kill(signal);
      return exitCode;
    },
    interrupt: () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
      return exitCode;
    },
  };
}

/** The address a process says it listens on. */
export async function addressOf(tillkey: TillkeyProcess): Promise<string> {
  return (await tillkey.prints(/Listening\s+(http:\S+)\n/))[1] ?? '';
}

function listen(child: ChildProcess, exited: Promise<unknown>): Pick<TillkeyProcess, 'printed' | 'prints'> {
  let text = '';
  const heard = new EventTarget();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      heard.dispatchEvent(new Event('more'));
    });
  }
  const prints = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(text);
      if (found) return found;
      const more = new Promise((resolve) => heard.addEventListener('more', resolve, { once: true }));
      const ended = await Promise.race([more.then(() => false), exited.then(() => true)]);
      if (ended && !pattern.test(text)) throw new Error(`ended without printing ${pattern}:\n${text}`);
    }
  };
  return { printed: () => text, prints };
}
