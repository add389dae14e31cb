/** Compression of large answers, as Kubernetes does it: small ones are not worth the time. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Answers from this size on are compressed for clients that accept it. */
const COMPRESSED_BYTES_MIN = 128 * 1024;
/** The fastest level: an API server spends its time elsewhere. */
const LEVEL = 1;

const compress = promisify(gzip);

export function shouldCompress(bytes: number, acceptEncoding: string | string[] | undefined): boolean {
  if (bytes < COMPRESSED_BYTES_MIN || acceptEncoding === undefined) return false;
  return String(acceptEncoding)
    .split(',')
    .some((coding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding));
}

export function gzipped(bytes: Buffer): Promise<Buffer> {
  return compress(bytes, { level: LEVEL });
}
