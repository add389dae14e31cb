/** Starts a container: conmon creates it through runc, then its start pipe is opened. One process spawn in all. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { runtimeMessage } from '../exec/runtime-message.js';
import { errorCode } from '../process/files.js';
import { findProgram } from '../process/find-program.js';
import type { ContainerPaths, RuntimePaths } from './paths.js';

export interface ConmonOptions {
  readonly id: string;
  readonly paths: RuntimePaths;
  readonly container: ContainerPaths;
  readonly logPath: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  /** Above this conmon starts the log file anew by itself; a last resort, for when no agent rotates. */
  readonly logBytesMax: number;
}

/** runc or conmon refused; the message is runc's own. */
export class ContainerCreateError extends Error {
  override readonly name = 'ContainerCreateError';
}

/** Creates the container and answers the pid of its init, which waits to be started. Throws ContainerCreateError. */
export async function createContainer(options: ConmonOptions): Promise<number> {
  const child = spawn('conmon', conmonArguments(options), {
    cwd: options.container.bundle,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], _OCI_SYNCPIPE: '3' },
    detached: true,
  });
  // The types know nothing of descriptor 3; both are pipes because `stdio` says so.
  const [errorPipe, reportPipe] = [child.stdio[2] as Readable, child.stdio[3] as Readable];
  const failed = new Promise<never>((_resolve, reject) => child.once('error', (error) => reject(new ContainerCreateError(error.message))));
  const errors = collect(errorPipe);
  const report = await Promise.race([collect(reportPipe).text, failed]);
  const { data, message } = decodeReport(report);
  const refusal = data !== undefined && data > 0 ? '' : (message ?? (await errors.text));
  // The monitor outlives this process, and must not keep it from ending.
  reportPipe.destroy();
  errorPipe.destroy();
  child.unref();
  if (data !== undefined && data > 0) return data;
  throw new ContainerCreateError(runtimeMessage(refusal) || 'conmon ended without a word');
}

/**
 * Lets the init of a created container become its program: runc's init blocks until its pipe has a reader, and `runc start` does
 * nothing else but read it and remove it. Throws ContainerCreateError where the init has ended instead.
 */
export async function startContainer(container: ContainerPaths, isInitAlive: () => boolean): Promise<void> {
  const pipe = await open(container.startFifo, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    while (!(await hasByte(pipe))) {
      if (!isInitAlive()) throw new ContainerCreateError('the container process ended before it was started');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } finally {
    await pipe.close();
  }
  await unlink(container.startFifo);
}

/** conmon's short name for sockets: paths of unix sockets are limited to 108 bytes. */
export function shortId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 16);
}

function conmonArguments(options: ConmonOptions): readonly string[] {
  const { id, paths, container } = options;
  return [
    '--api-version', '1', '--cid', id, '--cuuid', shortId(id), '--name', id,
    '--runtime', findProgram('runc'), '--runtime-arg', `--root=${paths.runcRoot}`,
    '--bundle', container.bundle, '--container-pidfile', container.pidFile, '--conmon-pidfile', container.conmonPidFile,
    '--exit-dir', paths.exits, '--persist-dir', container.persist, '--socket-dir-path', paths.sockets, '--full-attach',
    '--log-path', `k8s-file:${options.logPath}`, '--log-size-max', String(options.logBytesMax), '--no-sync-log',
    ...(options.tty ? ['--terminal'] : []),
    ...(options.stdin ? ['--stdin'] : []),
    ...(options.stdin && !options.stdinOnce ? ['--leave-stdin-open'] : []),
  ]; // prettier-ignore
}

async function hasByte(pipe: FileHandle): Promise<boolean> {
  try {
    return (await pipe.read(Buffer.alloc(1), 0, 1, null)).bytesRead > 0;
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return false;
    throw error;
  }
}

function collect(stream: Readable): { readonly text: Promise<string> } {
  let text = '';
  stream.setEncoding('utf8');
  const done = new Promise<string>((resolve) => {
    stream.on('data', (chunk: string) => {
      text += chunk;
      // conmon keeps the pipe open as long as it lives; its report is one line.
      if (text.includes('\n')) resolve(text);
    });
    stream.once('close', () => resolve(text));
    stream.once('error', () => resolve(text));
  });
  return { text: done };
}

function decodeReport(text: string): { readonly data?: number; readonly message?: string } {
  try {
    return JSON.parse(text.split('\n')[0] ?? '') as { data?: number; message?: string };
  } catch {
    return {};
  }
}
