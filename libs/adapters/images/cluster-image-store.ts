/** The control plane's own images: what `berth build` made and what was imported, in an OCI layout on disk. */
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash, randomUUID } from 'node:crypto';
import { createGzip } from 'node:zlib';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Transform } from 'node:stream';
import { importArchive } from './archive.js';
import { BlobStore } from './blob-store.js';
import { withFileLock } from './file-lock.js';
import { MEDIA_TYPES, decodeIndex, decodeManifest, goArchitecture, isDigest, type IndexEntry } from './manifest.js';
import { parseReference } from './reference.js';
import type { ClusterImages } from './sources.js';

export interface HeldImage {
  readonly reference: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Names of OCI annotations, see the image specification, "Pre-Defined Annotation Keys". */
const REF_NAME = 'org.opencontainers.image.ref.name';
const CREATED = 'org.opencontainers.image.created';

/** The image configuration of an imported root file system, in OCI's spelling. */
export interface RootfsConfig {
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
}

export class ClusterImageStore implements ClusterImages {
  readonly blobs: BlobStore;

  constructor(readonly root: string) {
    this.blobs = new BlobStore(root);
  }

  /** By canonical or short reference, tag or digest. `undefined` when it is not held. */
  async resolve(reference: string): Promise<{ digest: string; mediaType: string; manifest: Uint8Array } | undefined> {
    const parsed = parseReference(reference);
    const entries = await this.entries();
    const entry = entries.find((candidate) =>
      parsed.digest === undefined ? refName(candidate) === parsed.canonical : candidate.digest === parsed.digest,
    );
    if (entry === undefined) return undefined;
    const manifest = await this.blobs.read(entry.digest);
    return manifest === undefined ? undefined : { digest: entry.digest, mediaType: entry.mediaType, manifest: Buffer.from(manifest) };
  }

  /** The bytes of a blob; `undefined` when it is not held. */
  async openBlob(digest: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    return isDigest(digest) && (await this.blobs.has(digest)) ? this.blobs.open(digest) : undefined;
  }

  /** The gateway's name for `openBlob`. */
  fetch(digest: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.openBlob(digest);
  }

  /** For an agent on the same machine, which may be given this store itself. */
  resolveImage(reference: string): Promise<{ digest: string; mediaType: string; manifest: Uint8Array } | undefined> {
    return this.resolve(reference);
  }

  async *fetchBlob(digest: string): AsyncGenerator<Uint8Array, void, undefined> {
    const blob = await this.openBlob(digest);
    if (blob === undefined) throw new Error(`the cluster's image store holds no blob ${digest}`);
    yield* blob;
  }

  /** Takes in a docker-archive, oci-archive or OCI layout folder under `reference` (default: the name in the archive). */
  async importArchive(path: string, reference?: string, signal?: AbortSignal): Promise<HeldImage> {
    const image = await importArchive(this.blobs, path, signal);
    const name = reference ?? image.references[0];
    if (name === undefined) throw new Error(`${path} names no image: say under which reference it is to be held`);
    return this.hold(name, { digest: image.digest, mediaType: image.mediaType, text: image.manifest });
  }

  /** Makes an image of one layer from the tar of a root file system (for example mmdebstrap's). */
  async importRootfsTar(tarPath: string, reference: string, config: RootfsConfig = {}): Promise<HeldImage> {
    const layer = await this.packLayer(tarPath);
    const created = new Date().toISOString();
    const imageConfig = await this.blobs.putBytes(
      JSON.stringify({
        created,
        architecture: goArchitecture(process.arch),
        os: 'linux',
        config,
        rootfs: { type: 'layers', diff_ids: [layer.diffId] },
        history: [{ created, created_by: 'imported root file system' }],
      }),
    );
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, ...imageConfig },
      layers: [{ mediaType: MEDIA_TYPES.ociLayerGzip, digest: layer.digest, size: layer.size }],
    });
    const { digest } = await this.blobs.putBytes(text);
    return this.hold(reference, { digest, mediaType: MEDIA_TYPES.ociManifest, text });
  }

  async list(): Promise<readonly HeldImage[]> {
    const held: HeldImage[] = [];
    for (const entry of await this.entries()) {
      const text = await this.blobs.read(entry.digest);
      if (text !== undefined) held.push({ reference: refName(entry), digest: entry.digest, sizeBytes: sizeOf(text) });
    }
    return held;
  }

  /** Forgets the name; false when it was not held. */
  async remove(reference: string): Promise<boolean> {
    const { canonical } = parseReference(reference);
    return this.changeIndex((entries) => entries.filter((entry) => refName(entry) !== canonical));
  }

  private async hold(reference: string, image: { digest: string; mediaType: string; text: string }): Promise<HeldImage> {
    const { canonical } = parseReference(reference);
    const entry: IndexEntry = {
      mediaType: image.mediaType,
      digest: image.digest,
      size: Buffer.byteLength(image.text),
      platform: { os: 'linux', architecture: goArchitecture(process.arch) },
      annotations: { [REF_NAME]: canonical, [CREATED]: new Date().toISOString() },
    };
    await this.changeIndex((entries) => [...entries.filter((other) => refName(other) !== canonical), entry]);
    return { reference: canonical, digest: image.digest, sizeBytes: sizeOf(image.text) };
  }

  private async packLayer(tarPath: string): Promise<{ diffId: string; digest: string; size: number }> {
    const file = await this.blobs.temporary();
    const [plain, packed] = [createHash('sha256'), createHash('sha256')];
    const tap = (hash: ReturnType<typeof createHash>): Transform =>
      new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          done(null, chunk);
        },
      });
    await pipeline(createReadStream(tarPath), tap(plain), createGzip({ level: 1 }), tap(packed), createWriteStream(file));
    const digest = `sha256:${packed.digest('hex')}`;
    await this.blobs.adopt(file, digest);
    return { diffId: `sha256:${plain.digest('hex')}`, digest, size: (await stat(this.blobs.path(digest))).size };
  }

  private async entries(): Promise<readonly IndexEntry[]> {
    const text = await readFile(join(this.root, 'index.json'), 'utf8').catch(() => undefined);
    return text === undefined ? [] : decodeIndex(text);
  }

  private changeIndex(change: (entries: readonly IndexEntry[]) => readonly IndexEntry[]): Promise<boolean> {
    return withFileLock(join(this.root, 'index.lock'), async () => {
      const before = await this.entries();
      const manifests = change(before);
      await mkdir(this.root, { recursive: true });
      const temporary = join(this.root, `index.json.${randomUUID()}`);
      await writeFile(temporary, JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }, undefined, 2));
      await rename(temporary, join(this.root, 'index.json'));
      await writeFile(join(this.root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
      return manifests.length !== before.length;
    });
  }
}

function refName(entry: IndexEntry): string {
  return entry.annotations?.[REF_NAME] ?? '';
}

function sizeOf(manifestText: string): number {
  const { config, layers } = decodeManifest(manifestText);
  return layers.reduce((sum, layer) => sum + layer.size, config.size);
}
