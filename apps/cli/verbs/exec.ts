/** berth exec: a command in a container, with its terminal and its exit code. */
import type { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import type { ProcessChannels } from '../client/channels.js';
import { pathOf } from '../client/paths.js';
import { containerOf, podsNamed } from '../client/pods.js';
import type { Session } from '../client/session.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { examples, inSession, type Verb } from '../verb.js';

interface ExecFlags {
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly container?: string;
  readonly quiet: boolean;
}

export const exec: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('exec <pod> [command...]')
      .summary('run a command in a container')
      .description(
        'Runs a command in a container. Its exit code becomes the exit code of berth.\n"deploy/web" chooses one of its running pods.',
      )
      .option('-i, --stdin', 'pass standard input to it', false)
      .option('-t, --tty', 'give it a terminal', false)
      .option('-c, --container <name>', 'which container of the pod')
      .option('-q, --quiet', 'only the output of the command', false)
      .action((pod: string, words: readonly string[], flags: ExecFlags) =>
        inSession(program, io, (session) => runExec(session, io, { pod, command: words, flags })),
      );
    examples(command, [
      ['A shell', 'berth exec -it deploy/web -- sh'],
      ['One command', 'berth exec web-7d4b9c-x2x7p -- cat /etc/hostname'],
      ['A file into a container', 'berth exec -i web-7d4b9c-x2x7p -- tar -x -C /srv < site.tar'],
    ]);
  },
};

interface ExecRequest {
  readonly pod: string;
  readonly command: readonly string[];
  readonly flags: ExecFlags;
}

async function runExec(session: Session, io: Io, { pod: word, command, flags }: ExecRequest): Promise<void> {
  if (command.length === 0)
    throw new CliError(
      'you must specify at least one command for the container',
      exitCodes.usage,
      'berth exec <pod> -- <command> [args...]',
    );
  const [pod] = await podsNamed(session, word);
  if (pod === undefined) throw new CliError(`no pods of ${word} exist`);
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed')
    throw new CliError(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  const container = containerOf(flags.quiet ? { ...io, err: io.err } : io, pod, flags.container);
  const terminal = flags.tty ? terminalOf(io) : undefined;
  if (flags.tty && flags.stdin && terminal === undefined && !flags.quiet)
    io.err.write('Unable to use a TTY - input is not a terminal or the right kind of file\n');
  const tty = flags.tty && (terminal !== undefined || !flags.stdin);
  const path = pathOf(await session.discovery.find('pods'), {
    namespace: session.namespace,
    name: pod.metadata?.name,
    subresource: 'exec',
  });
  const query = new URLSearchParams([
    ...command.map((word): [string, string] => ['command', word]),
    ['container', container],
    ['stdin', String(flags.stdin)],
    ['stdout', 'true'],
    ['stderr', String(!tty)],
    ['tty', String(tty)],
  ]);
  await runProcess(session, io, { path: `${path}?${query.toString()}`, stdin: flags.stdin, terminal: tty ? terminal : undefined });
}

interface Terminal extends Readable {
  setRawMode(raw: boolean): void;
}

/** Standard input, where it is a terminal. */
function terminalOf(io: Io): Terminal | undefined {
  const input = io.in as Readable & { readonly isTTY?: boolean; setRawMode?: (raw: boolean) => void };
  return input.isTTY === true && input.setRawMode !== undefined ? (input as Terminal) : undefined;
}

interface Process {
  readonly path: string;
  readonly stdin: boolean;
  readonly terminal: Terminal | undefined;
}

async function runProcess({ client }: Session, io: Io, { path, stdin, terminal }: Process): Promise<void> {
  const { ProcessChannels } = await import('../client/channels.js'); // WebSockets, for this verb only
  // The handlers run only after `channels` is set: no message arrives before the connection is open.
  const copy =
    (output: Writable) =>
    (data: Buffer): void => {
      if (output.write(data)) return;
      channels.pause();
      output.once('drain', () => channels.resume());
    };
  using channels = await ProcessChannels.open(client.connection, path, { stdout: copy(io.out), stderr: copy(io.err) });
  using _raw = terminal === undefined ? undefined : rawMode(terminal, io, channels);
  using _input = stdin ? copyInput(io.in, channels) : undefined;
  const { exitCode, message } = await channels.ended;
  if (exitCode === exitCodes.ok) return;
  if (message !== '') io.err.write(`${message}\n`);
  throw new CliError('', exitCode);
}

/** Every key goes to the process, and it knows the size of the window. Disposing gives the terminal back. */
function rawMode(terminal: Terminal, io: Io, channels: ProcessChannels): Disposable {
  const output = io.out as Writable & { readonly columns?: number; readonly rows?: number };
  const resize = (): void => {
    if (output.columns !== undefined && output.rows !== undefined) channels.resize(output.columns, output.rows);
  };
  terminal.setRawMode(true);
  output.on('resize', resize);
  resize();
  return {
    [Symbol.dispose]: () => {
      output.off('resize', resize);
      terminal.setRawMode(false);
    },
  };
}

function copyInput(input: Readable, channels: ProcessChannels): Disposable {
  const onData = (data: Buffer | string): void => {
    input.pause();
    void channels.write(Buffer.from(data)).then(() => input.resume());
  };
  const onEnd = (): void => channels.endInput();
  input.on('data', onData);
  input.on('end', onEnd);
  return {
    [Symbol.dispose]: () => {
      input.off('data', onData);
      input.off('end', onEnd);
      input.pause();
      // An open pipe or terminal would keep the process alive.
      (input as Readable & { unref?: () => void }).unref?.();
    },
  };
}
