/** Runs a program of the system, with its input streamed, its lines reported, and its whole process tree ended on cancel. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { processTree, signalAll, type ProcessMark } from './process-tree.js';

export interface ProgramOptions {
  readonly input?: AsyncIterable<unknown> | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

const KEPT_LINES = 20;
const KILL_AFTER_MS = 2_000;

/** Resolves with standard output. Throws ProgramError with the last lines of standard error; AbortError when cancelled. */
export async function runProgram(program: string, args: readonly string[], options: ProgramOptions = {}): Promise<string> {
  options.signal?.throwIfAborted();
  // A process group of its own: Ctrl-C on the terminal reaches the caller, which decides.
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    cwd: options.cwd,
    env: options.env ?? process.env,
  });
  const kept: string[] = [];
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const { onLine } = options;
  if (onLine !== undefined) createInterface(child.stdout).on('line', onLine);
  createInterface(child.stderr).on('line', (line) => {
    if (kept.push(line) > KEPT_LINES) kept.shift();
    options.onLine?.(line);
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', (error) => reject(new ProgramError(`cannot run ${program}: ${error.message}`, { cause: error })));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  using _kill = killOnAbort(child.pid, options.signal);
  child.stdin.on('error', () => undefined); // the program's exit code says why it stopped reading
  const feeding = feed(child.stdin, options.input ?? []);
  const [end, fed] = await Promise.allSettled([ended, feeding]);
  options.signal?.throwIfAborted();
  if (end.status === 'rejected') throw end.reason;
  if (fed.status === 'rejected') throw fed.reason;
  if (end.value.code !== 0) {
    const how = end.value.signal ?? `exit code ${end.value.code}`;
    throw new ProgramError(`${program} failed (${how}): ${kept.join('; ') || 'no message'}`);
  }
  return output;
}

/** Reads `input` to its end even when the program has stopped listening: readers that hash it must see all of it. */
async function feed(stdin: Writable, input: AsyncIterable<unknown> | readonly unknown[]): Promise<void> {
  const closed = once(stdin, 'close').catch(() => undefined);
  try {
    for await (const chunk of input) {
      if (!stdin.writable || stdin.write(chunk)) continue;
      const drained = new AbortController();
      await Promise.race([once(stdin, 'drain', { signal: drained.signal }).catch(() => undefined), closed]);
      drained.abort();
    }
  } finally {
    stdin.end();
  }
}

/** Asks the process to end, and after a while ends it and everything below it (containers of a build among them). */
function killOnAbort(pid: number | undefined, signal: AbortSignal | undefined): Disposable {
  let timer: NodeJS.Timeout | undefined;
  let tree: Promise<readonly ProcessMark[]> = Promise.resolve([]);
  const abort = (): void => {
    if (pid === undefined) return;
    tree = processTree(pid);
    void tree.then((processes) => signalAll(processes.slice(0, 1), 'SIGTERM'));
    timer = setTimeout(() => void tree.then((processes) => signalAll(processes, 'SIGKILL')), KILL_AFTER_MS);
  };
  signal?.addEventListener('abort', abort, { once: true });
  return {
    [Symbol.dispose]: () => {
      signal?.removeEventListener('abort', abort);
      clearTimeout(timer);
      void tree.then((processes) => signalAll(processes, 'SIGKILL')); // whatever outlived its parent
    },
  };
}
