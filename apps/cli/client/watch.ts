/** Watches: the server's stream of JSON lines as events. */
import type { Readable } from 'node:stream';
import { ApiError } from './api-client.js';

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** Lines without their ends; the last one also when its end is missing. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** Throws ApiError where the server ends the watch with an ERROR event (410 Expired, for instance). */
export async function* watchEvents<T>(stream: Readable): AsyncGenerator<WatchEvent<T>> {
  for await (const line of linesOf(stream)) {
    if (line.trim() === '') continue;
    const event = decodeEvent<T>(line);
    if (event.type === 'ERROR') throw errorOf(event.object);
    yield event;
  }
}

function decodeEvent<T>(line: string): WatchEvent<T> {
  return JSON.parse(line) as WatchEvent<T>;
}

function errorOf(object: unknown): ApiError {
  const status = object as { readonly code?: number; readonly reason?: string; readonly message?: string };
  return new ApiError(status.code ?? 0, status.reason ?? '', `the watch ended: ${status.message ?? 'unknown error'}`);
}
