/**
 * `kubectl attach`: the standard streams of a container's own program. Output is read from its log, to which conmon writes every
 * chunk at once; input goes to conmon's attach socket, which is of a kind (SEQPACKET) that Node cannot speak and socat can.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { ExitStatus, RemoteProcess } from '../../apiserver/index.js';
import { signalProcess } from '../process/process-identity.js';
import type { OutputChunk } from './child-output.js';
import { ignoreBrokenPipe, writeInput } from './write-input.js';

export interface AttachOptions {
  /** Folder of conmon's socket `attach` and control pipe `ctl`. */
  readonly bundle: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  /** New output, from now until the container ends. */
  readonly output: AsyncIterable<OutputChunk>;
  readonly exit: Promise<ExitStatus>;
  readonly stopOutput: () => void;
}

export function startAttach(options: AttachOptions): RemoteProcess {
  const input = options.stdin ? openInput(options.bundle) : undefined;
  return {
    output: options.output,
    exit: options.exit,
    writeStdin: (data) => (input === undefined ? Promise.resolve() : writeInput(input.stdin, data)),
    closeStdin: () => void input?.stdin.end(),
    resize: (columns, rows) => {
      if (options.tty) void tellConmon(`${options.bundle}/ctl`, [RESIZE_EVENT, rows, columns]).catch(() => undefined);
    },
    [Symbol.asyncDispose]: async () => {
      if (input?.pid !== undefined && input.exitCode === null) signalProcess(input.pid, 'SIGTERM');
      options.stopOutput();
    },
  };
}

const RESIZE_EVENT = 1;
const REOPEN_LOGS_EVENT = 2;

/** conmon opens its log file anew, after a rotation renamed it. */
export async function reopenLog(controlPipe: string): Promise<void> {
  await tellConmon(controlPipe, [REOPEN_LOGS_EVENT, 0, 0]);
}

/** Throws ENXIO or ENOENT where conmon has ended. */
async function tellConmon(controlPipe: string, message: readonly [number, number, number]): Promise<void> {
  await using pipe = await open(controlPipe, constants.O_WRONLY | constants.O_NONBLOCK);
  await pipe.write(`${message.join(' ')}\n`);
}

/** The socket is named relative to its folder: paths of unix sockets are limited to 108 bytes. */
function openInput(bundle: string): ChildProcessByStdio<Writable, null, null> {
  const child = spawn('socat', ['STDIO', 'UNIX-CONNECT:attach,socktype=5'], { cwd: bundle, stdio: ['pipe', 'ignore', 'ignore'] });
  ignoreBrokenPipe(child.stdin);
  child.on('error', () => undefined);
  return child;
}
