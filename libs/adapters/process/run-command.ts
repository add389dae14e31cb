/** Runs host programs (`mount`, `unshare`, ...) to completion. Interactive processes belong to libs/adapters/exec. */
import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit code; 128 + signal number is not made up here: a signalled process reports code -1. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    readonly command: string,
    readonly result: CommandResult,
  ) {
    super(`${command}: ${result.stderr.trim() || result.stdout.trim() || `exit code ${result.code}`}`);
  }
}

/** Runs a program and answers its result whatever the exit code. Throws only where it cannot be started (ENOENT). */
export function tryCommand(file: string, args: readonly string[], options: { readonly cwd?: string } = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: options.cwd });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

/** Runs a program and throws CommandError where it does not exit with 0. */
export async function runCommand(file: string, args: readonly string[], options: { readonly cwd?: string } = {}): Promise<CommandResult> {
  const result = await tryCommand(file, args, options);
  if (result.code !== 0) throw new CommandError([file, ...args].join(' '), result);
  return result;
}
