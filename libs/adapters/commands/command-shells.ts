/**
 * Runs commands through a few long-lived shells, for a process that runs hundreds a second: forking this process costs milliseconds
 * in which nothing else happens in it, forking a shell of one megabyte costs none of them.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { Limiter } from '../../kit/index.js';
import { CommandError, TIMEOUT_MS_DEFAULT } from './run-command.js';
import type { CommandOptions, RunCommand } from './run-command.js';

const SHELLS_MAX = 4;

/** Started when first needed; they end with this process, however it ends, because their input does. */
export class CommandShells implements Disposable {
  private readonly limiter: Limiter;
  private readonly idle: Shell[] = [];

  constructor(shells = SHELLS_MAX) {
    this.limiter = new Limiter(shells);
  }

  /** As `runCommand`, but a command that does not exist ends with status 127, and input always ends with a line end. */
  readonly run: RunCommand = (argv, options = {}) =>
    this.limiter.run(async () => {
      const shell = this.idle.pop() ?? new Shell();
      const { code, stdout, stderr } = await shell.run(argv, options);
      this.idle.push(shell); // one that failed or took too long is not used again
      if (code !== 0) throw new CommandError(argv, code, stderr, stdout);
      return stdout;
    });

  /** What runs is let finish. */
  [Symbol.dispose](): void {
    for (const shell of this.idle.splice(0)) shell[Symbol.dispose]();
  }
}

interface ShellResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Commands print no NUL, so it marks the end of what each printed. */
const END_OF_OUTPUT = /\0(\d+)\0$/;
const END_OF_ERRORS = '\0';

class Shell implements Disposable {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private stdout = '';
  private stderr = '';
  private told: (() => void) | undefined;
  private failed: ((error: Error) => void) | undefined;

  constructor() {
    // A group of its own, so that a command that takes too long can be ended with its shell.
    this.child = spawn('sh', [], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const { stdin, stdout, stderr } = this.child;
    stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.told?.();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.told?.();
    });
    stdin.on('error', (error) => this.failed?.(error));
    this.child.on('error', (error) => this.failed?.(error));
    this.child.on('close', () => this.failed?.(new Error('the shell ended')));
    this.child.unref();
  }

  async run(argv: readonly string[], options: CommandOptions): Promise<ShellResult> {
    this.stdout = '';
    this.stderr = '';
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS_DEFAULT;
    const timer = setTimeout(() => this.kill(), timeoutMs);
    try {
      return await new Promise<ShellResult>((resolve, reject) => {
        this.failed = (error) => reject(new CommandError(argv, undefined, error.message));
        this.told = () => {
          const end = END_OF_OUTPUT.exec(this.stdout);
          if (end === null || !this.stderr.endsWith(END_OF_ERRORS)) return;
          resolve({ code: Number(end[1]), stdout: this.stdout.slice(0, end.index), stderr: this.stderr.slice(0, -1) });
        };
        this.child.stdin.write(shellScript(argv, options));
      });
    } finally {
      clearTimeout(timer);
      this.told = undefined;
      this.failed = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.child.stdin.end();
  }

  private kill(): void {
    const { pid } = this.child;
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  }
}

/** Every word is quoted: nothing of a command is ever read as shell. Exported for its test. */
export function shellScript(argv: readonly string[], { input, env = {} }: Pick<CommandOptions, 'input' | 'env'>): string {
  const command = [...Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`), ...argv.map(quoted)].join(' ');
  return `${command} ${inputOf(input)}\nprintf '\\0%d\\0' $?; printf '\\0' >&2\n`;
}

function inputOf(input: string | undefined): string {
  if (input === undefined || input === '') return '</dev/null';
  let end = 'END';
  while (input.includes(end)) end += '_';
  return `<<'${end}'\n${input}${input.endsWith('\n') ? '' : '\n'}${end}`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
