/** Runs a host command to its end: arguments as a list, input as text, output as text. No shell in between. */
import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly input?: string;
  /** Ends the command by SIGKILL; default 30 s. */
  readonly timeoutMs?: number;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A command ended with a status other than 0, could not start, or took too long. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    readonly argv: readonly string[],
    readonly code: number | undefined,
    readonly stderr: string,
    readonly stdout = '',
  ) {
    super(`${argv.join(' ')}: ${stderr.trim() || stdout.trim() || `ended with status ${code ?? 'unknown'}`}`);
  }
}

export type RunCommand = (argv: readonly [string, ...string[]], options?: CommandOptions) => Promise<string>;

export const TIMEOUT_MS_DEFAULT = 30_000;

/** Resolves with the standard output; throws `CommandError` with the standard error otherwise. */
export const runCommand: RunCommand = (argv, options = {}) =>
  new Promise((resolve, reject) => {
    const [command, ...args] = argv;
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? TIMEOUT_MS_DEFAULT,
      killSignal: 'SIGKILL',
      ...(options.env === undefined ? {} : { env: { ...process.env, ...options.env } }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // A command that ends before it has read its input closes the pipe; its status tells the rest.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => reject(new CommandError(argv, undefined, error.message)));
    child.on('close', (code) => {
      const stdout = Buffer.concat(out).toString('utf8');
      if (code === 0) resolve(stdout);
      else reject(new CommandError(argv, code ?? undefined, Buffer.concat(err).toString('utf8'), stdout));
    });
    child.stdin.end(options.input ?? '');
  });

/** The same command, inside another network namespace (a path, such as `/run/netns/berth-node-1`). */
export function inNetworkNamespace(path: string, run: RunCommand = runCommand): RunCommand {
  return (argv, options) => run(['nsenter', `--net=${path}`, ...argv], options);
}
