/**
 * The official JavaScript client, loaded late: its HTTP library binds functions of newer Node versions when it is loaded.
 * Nobody here answers in zstd or sends requests to workers, so stand-ins are enough for Node 20.
 */
import workerThreads from 'node:worker_threads';
import zlib from 'node:zlib';
import type * as client from '@kubernetes/client-node';

export type OfficialClient = typeof client;

export async function officialClient(): Promise<OfficialClient> {
  const absent = (): never => {
    throw new Error('this version of Node has no zstd');
  };
  if (!('createZstdDecompress' in zlib)) Object.assign(zlib, { createZstdDecompress: absent });
  if (!('markAsUncloneable' in workerThreads)) Object.assign(workerThreads, { markAsUncloneable: () => undefined });
  if (!('withResolvers' in Promise)) Object.assign(Promise, { withResolvers });
  return import('@kubernetes/client-node');
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
