/** Image archives: `docker save` (docker-archive) and OCI layouts, packed or as a folder, read into a blob store. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from './blob-store.js';
import {
  MEDIA_TYPES,
  choosePlatform,
  decodeConfig,
  decodeIndex,
  decodeManifest,
  digestOf,
  isDigest,
  isIndex,
  mediaTypeOf,
} from './manifest.js';
import type { Descriptor } from './manifest.js';
import { runProgram } from './run-program.js';

export interface ImportedImage {
  readonly digest: string;
  readonly mediaType: string;
  readonly manifest: string;
  /** Names found in the archive, if any. */
  readonly references: readonly string[];
}

/** Reads the archive (a tar, or a folder with an OCI layout) into `blobs`. Throws an Error that says what is wrong with it. */
export async function importArchive(blobs: BlobStore, path: string, signal?: AbortSignal): Promise<ImportedImage> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new Error(`${path}: no such file`);
  if (found.isDirectory()) return importFolder(blobs, path);
  const temporary = await blobs.temporary();
  const folder = await mkdtemp(`${temporary}-`);
  try {
    await runProgram('tar', ['-x', '--no-same-owner', '-C', folder, '-f', path], { signal }).catch((error: unknown) => {
      throw new Error(`${path} is not an image archive: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    return await importFolder(blobs, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function importFolder(blobs: BlobStore, folder: string): Promise<ImportedImage> {
  const index = await readFile(await within(folder, 'index.json').catch(() => ''), 'utf8').catch(() => undefined);
  if (index !== undefined) return importLayout(blobs, folder, index);
  const legacy = await readFile(await within(folder, 'manifest.json').catch(() => ''), 'utf8').catch(() => undefined);
  if (legacy !== undefined) return importDocker(blobs, folder, legacy);
  throw new Error('the archive has neither index.json (OCI) nor manifest.json (docker save)');
}

async function importLayout(blobs: BlobStore, folder: string, indexText: string): Promise<ImportedImage> {
  const entries = decodeIndex(indexText);
  const first = entries.length === 1 ? entries[0] : choosePlatform(entries);
  if (first === undefined) throw new Error('the index of the archive is empty');
  const references = entries.flatMap(
    (entry) => entry.annotations?.['io.containerd.image.name'] ?? entry.annotations?.['org.opencontainers.image.ref.name'] ?? [],
  );
  let { digest } = first;
  let text = await layoutText(folder, digest);
  if (isIndex(mediaTypeOf(text, first.mediaType))) {
    digest = choosePlatform(decodeIndex(text)).digest;
    text = await layoutText(folder, digest);
  }
  const manifest = decodeManifest(text);
  for (const blob of [manifest.config, ...manifest.layers]) await takeBlob(blobs, folder, blob);
  await blobs.putBytes(text);
  return { digest, mediaType: mediaTypeOf(text), manifest: text, references };
}

async function layoutText(folder: string, digest: string): Promise<string> {
  const text = await readFile(await within(folder, blobName(digest)), 'utf8');
  if (digestOf(text) !== digest) throw new Error(`the archive's manifest ${digest} does not have this digest`);
  return text;
}

async function takeBlob(blobs: BlobStore, folder: string, blob: Descriptor): Promise<void> {
  const path = await within(folder, blobName(blob.digest));
  await blobs.fetch(blob, (offset) => createReadStream(path, { start: offset }));
}

/** `docker save`: layers are plain tars under any name; a manifest is made for them. */
async function importDocker(blobs: BlobStore, folder: string, text: string): Promise<ImportedImage> {
  const [image] = JSON.parse(text) as readonly { Config: string; Layers: readonly string[]; RepoTags?: readonly string[] | null }[];
  if (image === undefined) throw new Error('manifest.json of the archive is empty');
  const configText = await readFile(await within(folder, image.Config), 'utf8');
  const config = await blobs.putBytes(configText);
  const { diffIds } = decodeConfig(configText);
  if (diffIds.length !== image.Layers.length) throw new Error('the archive lists other layers than its image configuration');
  const layers: Descriptor[] = [];
  for (const name of image.Layers) layers.push(await takeFile(blobs, await within(folder, name)));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: { mediaType: MEDIA_TYPES.ociConfig, ...config },
    layers,
  });
  const { digest } = await blobs.putBytes(manifest);
  return { digest, mediaType: MEDIA_TYPES.ociManifest, manifest, references: image.RepoTags ?? [] };
}

/** Copies a file of unknown digest in. */
async function takeFile(blobs: BlobStore, path: string): Promise<Descriptor> {
  const hash = createHash('sha256');
  let magic = '';
  for await (const chunk of createReadStream(path)) {
    const bytes = chunk as Buffer; // a stream without an encoding gives buffers
    if (magic === '') magic = bytes.toString('hex', 0, 2);
    hash.update(bytes);
  }
  const digest = `sha256:${hash.digest('hex')}`;
  const temporary = await blobs.temporary();
  await copyFile(path, temporary);
  await blobs.adopt(temporary, digest);
  const { size } = await stat(blobs.path(digest));
  return { mediaType: magic === '1f8b' ? MEDIA_TYPES.ociLayerGzip : MEDIA_TYPES.ociLayer, digest, size };
}

function blobName(digest: string): string {
  if (!isDigest(digest)) throw new Error(`the archive names a blob ${JSON.stringify(digest)}; only sha256 is supported`);
  return join('blobs', 'sha256', digest.slice('sha256:'.length));
}

/** The real path of a member; links may not lead out of the archive. */
async function within(folder: string, name: string): Promise<string> {
  const [base, path] = [await realpath(folder), await realpath(join(folder, name))];
  if (!path.startsWith(`${base}/`)) throw new Error(`the archive's member ${JSON.stringify(name)} leads out of it`);
  return path;
}
