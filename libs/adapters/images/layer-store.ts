/**
 * Unpacked layers, one folder each, named by the digest of their content: shared by all images and by all agents of a
 * machine. A folder appears under its name only when it is complete and verified.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { createReadStream } from 'node:fs';
import { spawn } from 'node:child_process';
import { createGunzip } from 'node:zlib';
import { SingleFlight } from '../../kit/index.js';
import { withFileLock } from './file-lock.js';
import { ProgramError, runProgram } from './run-program.js';
import { convertWhiteouts } from './whiteouts.js';

export class LayerStore {
  private readonly flights = new SingleFlight<string>();

  constructor(private readonly root: string) {}

  /** 128 bits of the digest name a layer: overlayfs has room for about 4,096 characters of lower directories. */
  path(diffId: string): string {
    return join(this.root, 'layers', diffId.slice('sha256:'.length, 'sha256:'.length + 32));
  }

  async has(diffId: string): Promise<boolean> {
    return (await stat(this.path(diffId)).catch(() => undefined))?.isDirectory() === true;
  }

  /**
   * The layer's folder; `blob` is asked for the packed layer (a file) only when it is not there. Concurrent calls, in this
   * process or another, unpack once.
   */
  ensure(diffId: string, blob: () => Promise<string>, signal?: AbortSignal): Promise<string> {
    return this.flights.run(diffId, async () => {
      const path = this.path(diffId);
      if (await this.has(diffId)) return path;
      return withFileLock(
        `${join(this.root, 'locks', diffId.slice('sha256:'.length))}.lock`,
        async () => {
          if (!(await this.has(diffId))) await this.unpack(diffId, await blob(), signal);
          return path;
        },
        signal,
      );
    });
  }

  /** Removes half-unpacked folders that a killed process left. Call it when no other process unpacks. */
  async removeLeftovers(): Promise<void> {
    for (const name of await readdir(join(this.root, 'unpacking')).catch(() => [])) {
      await rm(join(this.root, 'unpacking', name), { recursive: true, force: true });
    }
  }

  private async unpack(diffId: string, blob: string, signal: AbortSignal | undefined): Promise<void> {
    const folder = join(this.root, 'unpacking', randomUUID());
    await mkdir(folder, { recursive: true, mode: 0o755 });
    try {
      const actual = await unpackLayer(blob, folder, signal);
      if (actual !== diffId) throw new Error(`the layer's content has the digest ${actual}, the image's configuration says ${diffId}`);
      await convertWhiteouts(folder);
      await mkdir(join(this.root, 'layers'), { recursive: true });
      await rename(folder, this.path(diffId));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Unpacks a tar (plain, gzip or zstd) with owners, modes and extended attributes; answers the digest of the unpacked tar. */
export async function unpackLayer(blob: string, folder: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const source = await decompressed(blob);
  source.on('error', (error) => tap.destroy(error));
  source.pipe(tap);
  // GNU tar refuses members with `..`, strips leading slashes and sets unsafe symbolic links last, so nothing leaves the folder.
  const args = [
    '-x',
    '-p',
    '--numeric-owner',
    '--same-owner',
    '--xattrs',
    '--xattrs-include=*',
    '--warning=no-timestamp',
    '-C',
    folder,
    '-f',
    '-',
  ];
  try {
    await runProgram('tar', args, { input: tap, signal });
  } catch (error) {
    if (error instanceof ProgramError) throw new Error(`the layer cannot be unpacked: ${error.message}`, { cause: error });
    throw error;
  } finally {
    source.destroy();
  }
  return `sha256:${hash.digest('hex')}`;
}

async function decompressed(blob: string): Promise<Readable> {
  const magic = await firstBytes(blob);
  if (magic.startsWith('1f8b')) {
    const file = createReadStream(blob, { highWaterMark: 256 * 1_024 });
    const gunzip = createGunzip({ chunkSize: 256 * 1_024 });
    file.on('error', (error) => gunzip.destroy(error));
    return file.pipe(gunzip);
  }
  if (magic === '28b52ffd') {
    const zstd = spawn('zstd', ['-dc', blob], { stdio: ['ignore', 'pipe', 'ignore'] });
    zstd.once('error', (error) => zstd.stdout.destroy(new Error(`the layer is packed with zstd: ${error.message}`)));
    return zstd.stdout;
  }
  return createReadStream(blob, { highWaterMark: 256 * 1_024 });
}

async function firstBytes(path: string): Promise<string> {
  for await (const chunk of createReadStream(path, { end: 3 })) return (chunk as Buffer).toString('hex');
  return '';
}
