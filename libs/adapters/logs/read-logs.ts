/** `kubectl logs`: the log of one container, tailed, filtered, formatted and followed. */
import type { LogOptions } from '../../apiserver/index.js';
import { parseTime } from '../../kit/index.js';
import type { CancelSignal } from '../../kit/index.js';
import type { FormattedChunk } from './log-formatter.js';
import { LogFormatter } from './log-formatter.js';
import { attemptsWithLogs, logParts } from './log-files.js';
import { readLogLines } from './log-lines.js';
import { tailPosition } from './log-tail.js';

export interface LogRequest {
  /** Folder with one folder per container. */
  readonly podLogs: string;
  readonly options: LogOptions;
  readonly nowMs: number;
  /** Whether the given attempt will write nothing more. */
  readonly isOver: (attempt: number) => boolean;
  readonly signal: CancelSignal;
}

export class LogNotFoundError extends Error {
  override readonly name = 'LogNotFoundError';
}

/** Throws LogNotFoundError where the container has no (previous) log. */
export async function* readLogs(request: LogRequest): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunks of readLogChunks(request)) yield Buffer.from(chunks.map((chunk) => chunk.text).join(''), 'latin1');
}

/** The same with the stream of each piece, for attach. */
export async function* readLogChunks(request: LogRequest): AsyncGenerator<readonly FormattedChunk[], void, undefined> {
  const { options, podLogs } = request;
  const attempt = attemptsWithLogs(podLogs, options.container)[options.previous ? 1 : 0];
  if (attempt === undefined) throw notFound(options);
  const parts = logParts(podLogs, options.container, attempt);
  const formatter = new LogFormatter({ timestamps: options.timestamps, sinceMs: sinceMs(request), limitBytes: options.limitBytes });
  const lines = readLogLines({
    parts,
    from: options.tailLines === undefined ? { part: 0, offset: 0 } : await tailPosition(parts, options.tailLines),
    follow: options.follow && !options.previous ? { isOver: () => request.isOver(attempt) } : undefined,
    signal: request.signal,
  });
  for await (const batch of lines) {
    const chunks = batch.flatMap((line) => formatter.format(line) ?? []);
    if (chunks.length > 0) yield chunks;
    if (formatter.isFull) return;
  }
}

function notFound(options: LogOptions): LogNotFoundError {
  if (options.previous) return new LogNotFoundError(`previous terminated container "${options.container}" not found`);
  return new LogNotFoundError(`no log of container "${options.container}" on this node: it has not started`);
}

function sinceMs({ options, nowMs }: LogRequest): number | undefined {
  if (options.sinceSeconds !== undefined) return nowMs - options.sinceSeconds * 1000;
  return parseTime(options.sinceTime);
}
