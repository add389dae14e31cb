/** Runs commands for tests, with a bound on their time, and answers everything that they printed. */
import { spawn } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | undefined;
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

const TIMEOUT_MS = 120_000;

/** Never throws for an exit code; throws when the command does not exist or takes too long. */
export function runAny(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [command = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd && { cwd: options.cwd }),
    });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${argv.join(' ')} took longer than ${options.timeoutMs ?? TIMEOUT_MS} ms\n${stdout}\n${stderr}`));
    }, options.timeoutMs ?? TIMEOUT_MS);
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 128, stdout, stderr });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
  });
}

/** As runAny, but an exit code other than 0 throws with what was printed. Answers standard output. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await runAny(argv, options);
  if (outcome.code !== 0) throw new Error(`${argv.join(' ')} ended with ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome.stdout;
}

/** Polls until `done` answers something; throws with `what` when it takes too long. Answers how long it took, in ms. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  done: () => Promise<T | undefined | false>,
): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAt = performance.now();
  let last: unknown;
  while (performance.now() - startedAt < timeoutMs) {
    try {
      const value = await done();
      if (value !== undefined && value !== false) return { value, ms: performance.now() - startedAt };
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}${last === undefined ? '' : `\n${String(last)}`}`);
}
