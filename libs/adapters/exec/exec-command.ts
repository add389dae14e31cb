/** The command line that runs a program in a running container, with pipes or with a terminal. Pure. */

export interface ExecCommandInput {
  readonly runcRoot: string;
  readonly containerId: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  /** runc writes the program's pid (on the host) here once it runs. */
  readonly pidFile: string;
}

export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * Node has no terminals of its own. util-linux' `script` makes one: runc finds it as its terminal, copies it to the one inside the
 * container, and follows its size. `script` reads a shell command, so every word is quoted.
 */
export function execCommandLine(input: ExecCommandInput): CommandLine {
  const runc = ['--root', input.runcRoot, 'exec', '--pid-file', input.pidFile];
  if (!input.tty) return { file: 'runc', args: [...runc, input.containerId, ...input.command] };
  const line = ['exec', 'runc', ...runc, '--tty', '--env', 'TERM=xterm', input.containerId, ...input.command].map(quote).join(' ');
  return { file: 'script', args: ['--quiet', '--return', '--flush', '--echo', 'never', '--command', line, '/dev/null'] };
}

/** For a POSIX shell: single quotes keep everything but themselves. */
export function quote(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
