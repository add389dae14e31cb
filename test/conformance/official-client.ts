/**
 * The official JavaScript client, loaded late: its HTTP library binds Node's zstd functions when it is loaded, which Node 20
 * does not have. Nobody here answers in zstd, so a function that would fail when called is enough.
 */
import zlib from 'node:zlib';
import type * as client from '@kubernetes/client-node';

export type OfficialClient = typeof client;

export async function officialClient(): Promise<OfficialClient> {
  const absent = (): never => {
    throw new Error('this version of Node has no zstd');
  };
  if (!('createZstdDecompress' in zlib)) Object.assign(zlib, { createZstdDecompress: absent });
  return import('@kubernetes/client-node');
}
