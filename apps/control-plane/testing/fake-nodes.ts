/** Pods without a node, for tests of the API alone: an echoing process, a fixed log, and a TCP server of the test's own. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { Channel } from '../../../libs/kit/index.js';
import { StatusError } from '../../../libs/api/index.js';
import type { ExitStatus, NodeStreams, RemoteConnection, RemoteProcess } from '../../../libs/apiserver/index.js';

/** `command` is what was asked to run; the process ends by `exit <code>` on its standard input or as its name says. */
export function fakeNodes(): NodeStreams {
  return {
    logs: async function* (_pod, options) {
      for (const line of ['one', 'two', 'three'].slice(-(options.tailLines ?? 3))) yield Buffer.from(`${line}\n`);
    },
    exec: (request) => {
      if (request.command[0] === 'missing') throw new StatusError('BadRequest', 'no such program: missing');
      return Promise.resolve(request.command[0] === 'false' ? ended(3, 'bad\n') : echo(request.command, request.stdin));
    },
    attach: (request) => Promise.resolve(echo(['attached'], request.stdin)),
    connect: async (_pod, port) => connection(port),
  };
}

function ended(code: number, text: string): RemoteProcess {
  const output = new Channel<{ stream: 'stdout' | 'stderr'; data: Uint8Array }>();
  output.push({ stream: 'stderr', data: Buffer.from(text) });
  output.end();
  return remote(output, Promise.resolve({ kind: 'exited', code }));
}

function echo(command: readonly string[], hasStdin: boolean): RemoteProcess {
  const output = new Channel<{ stream: 'stdout' | 'stderr'; data: Uint8Array }>();
  output.push({ stream: 'stdout', data: Buffer.from(`${command.join(' ')}\n`) });
  if (!hasStdin) output.end();
  const process = remote(output, Promise.resolve({ kind: 'exited', code: 0 }));
  return {
    ...process,
    writeStdin: (data) => {
      output.push({ stream: 'stdout', data });
      return Promise.resolve();
    },
    closeStdin: () => output.end(),
  };
}

function remote(output: RemoteProcess['output'], exit: Promise<ExitStatus>): RemoteProcess {
  return {
    output,
    exit,
    writeStdin: () => Promise.resolve(),
    closeStdin: () => undefined,
    resize: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function connection(port: number): Promise<RemoteConnection> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return {
    input: socket,
    write: (data) => new Promise((resolve) => socket.write(data, () => resolve())),
    end: () => void socket.end(),
    [Symbol.asyncDispose]: () => {
      socket.destroy();
      return Promise.resolve();
    },
  };
}
