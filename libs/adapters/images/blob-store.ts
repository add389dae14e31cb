/** Content by digest in a folder, in the OCI layout (`blobs/sha256/<hex>`): nothing under its final name that is not verified. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf, isDigest } from './manifest.js';

export class DigestMismatchError extends Error {
  override readonly name = 'DigestMismatchError';
}

/** Gives the content from `offset` on; may be called again with a later offset after a failure. */
export type BlobSource = (offset: number) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;

export interface BlobRequest {
  readonly digest: string;
  /** Absent when not known before. */
  readonly size?: number | undefined;
  readonly onBytes?: ((count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const ATTEMPTS = 4;
const RETRY_MS = 200;

export class BlobStore {
  constructor(readonly root: string) {}

  path(digest: string): string {
    if (!isDigest(digest)) throw new Error(`${JSON.stringify(digest)} is not a sha256 digest`);
    return join(this.root, 'blobs', 'sha256', digest.slice('sha256:'.length));
  }

  async has(digest: string): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  async size(digest: string): Promise<number | undefined> {
    return (await stat(this.path(digest)).catch(() => undefined))?.size;
  }

  /** `undefined` when there is no such blob. */
  async read(digest: string): Promise<string | undefined> {
    return readFile(this.path(digest), 'utf8').catch(() => undefined);
  }

  open(digest: string): AsyncIterable<Uint8Array> {
    return createReadStream(this.path(digest), { highWaterMark: 256 * 1_024 });
  }

  async remove(digest: string): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  async putBytes(bytes: Uint8Array | string): Promise<{ digest: string; size: number }> {
    const digest = digestOf(bytes);
    const temporary = await this.temporary();
    await writeFile(temporary, bytes);
    await this.adopt(temporary, digest);
    return { digest, size: Buffer.byteLength(bytes) };
  }

  /** Takes over a file that the caller has verified. */
  async adopt(file: string, digest: string): Promise<void> {
    await mkdir(join(this.root, 'blobs', 'sha256'), { recursive: true });
    await rename(file, this.path(digest));
  }

  /** A fresh path on the same file system, for files that become blobs. */
  async temporary(): Promise<string> {
    const folder = join(this.root, 'incoming');
    await mkdir(folder, { recursive: true });
    return join(folder, randomUUID());
  }

  /**
   * Brings a blob in, verified by digest and size; continues where a broken transfer stopped, a few times. Throws
   * DigestMismatchError when the source gives something else, and the source's own error when it cannot be read.
   */
  async fetch(request: BlobRequest, source: BlobSource): Promise<void> {
    if (await this.has(request.digest)) return;
    const file = await this.temporary();
    let hash = createHash('sha256');
    let received = 0;
    const counting = (): Transform =>
      new Transform({
        transform(chunk: Buffer, _encoding, done) {
          received += chunk.length;
          if (request.size !== undefined && received > request.size) {
            return done(new DigestMismatchError(`the blob ${request.digest} is longer than the ${request.size} bytes announced`));
          }
          hash.update(chunk);
          request.onBytes?.(chunk.length);
          done(null, chunk);
        },
      });
    try {
      for (let attempt = 1; ; attempt += 1) {
        try {
          const flags = received === 0 ? 'w' : 'a';
          await pipeline(await source(received), counting(), createWriteStream(file, { flags }), { signal: request.signal });
          break;
        } catch (error) {
          const isFinal =
            attempt === ATTEMPTS || error instanceof DigestMismatchError || request.signal?.aborted === true || !isTransient(error);
          if (isFinal) throw error;
          await sleep(RETRY_MS * attempt, undefined, request.signal === undefined ? {} : { signal: request.signal });
          // What the hash has seen must be on disk before the transfer may continue there; else it begins anew.
          if ((await stat(file).catch(() => undefined))?.size === received) continue;
          request.onBytes?.(-received);
          received = 0;
          hash = createHash('sha256');
        }
      }
      const actual = `sha256:${hash.digest('hex')}`;
      if (actual !== request.digest || (request.size !== undefined && received !== request.size)) {
        throw new DigestMismatchError(
          `the blob ${request.digest} arrived as ${actual} with ${received} bytes (announced: ${request.size ?? 'unknown'})`,
        );
      }
      await this.adopt(file, request.digest);
    } finally {
      await rm(file, { force: true });
    }
  }
}

/** A broken connection is worth another attempt; a refusal (which the source names so) is not. */
function isTransient(error: unknown): boolean {
  return !(error instanceof Error && 'isFinal' in error && error.isFinal === true);
}
