/** Build contexts on their way from a client to a build: tar files named by their SHA-256, kept until the build has ended. */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { StatusError } from '../../../libs/api/index.js';

const CONTEXT_BYTES_MAX = 8 * 1024 ** 3;
const ID_PATTERN = /^[0-9a-f]{64}$/;

export class BuildContexts {
  constructor(private readonly folder: string) {}

  /** Takes the bytes in; they must have the SHA-256 that they are named by. Throws StatusError. */
  async receive(id: string, body: Readable): Promise<void> {
    if (!ID_PATTERN.test(id))
      throw new StatusError('BadRequest', `a build context is named by its SHA-256 in hex, not ${JSON.stringify(id)}`);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const partial = join(this.folder, `${randomUUID()}.partial`);
    try {
      const digest = await this.#save(body, partial);
      if (digest !== id) throw new StatusError('BadRequest', `the context has SHA-256 ${digest}, not ${id}: it was changed on the way`);
      await rename(partial, this.#file(id));
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** Path of the tar; undefined where it was never received, or its build has ended. */
  path(id: string): string | undefined {
    return ID_PATTERN.test(id) && existsSync(this.#file(id)) ? this.#file(id) : undefined;
  }

  async forget(id: string): Promise<void> {
    if (ID_PATTERN.test(id)) await rm(this.#file(id), { force: true });
  }

  async #save(body: Readable, file: string): Promise<string> {
    const hash = createHash('sha256');
    const out = createWriteStream(file, { mode: 0o600 });
    let bytes = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > CONTEXT_BYTES_MAX)
          throw new StatusError('RequestEntityTooLarge', `the build context is larger than ${CONTEXT_BYTES_MAX} bytes`);
        hash.update(chunk);
        if (!out.write(chunk)) await new Promise<void>((resolve) => out.once('drain', () => resolve()));
      }
    } finally {
      await new Promise<void>((resolve) => out.end(() => resolve()));
    }
    return hash.digest('hex');
  }

  #file(id: string): string {
    return join(this.folder, `${id}.tar`);
  }
}
