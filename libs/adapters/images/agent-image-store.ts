/** The images of a host: finds, pulls, lists. Several agents of one machine share one folder. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ImagePullError } from '../../agent/index.js';
import type { ImageStore, PullProgress, RegistryCredential, ResolvedImage } from '../../agent/index.js';
import { Limiter, SingleFlight, onCancel, type CancelSignal } from '../../kit/index.js';
import { BlobStore, DigestMismatchError } from './blob-store.js';
import { ImageIndex, type ImageRecord } from './image-index.js';
import { LayerStore } from './layer-store.js';
import { decodeConfig, decodeManifest, type Descriptor } from './manifest.js';
import { parseReference, type ImageReference } from './reference.js';
import { RegistryError, type RegistryFailure, type RegistryOptions } from './registry-client.js';
import { fromCluster, fromRegistry, type ClusterImages, type ImageSource } from './sources.js';

export interface AgentImageStoreOptions extends RegistryOptions {
  /** Folder of layers and records; may be shared with other agents of this machine. */
  readonly root: string;
  /** The control plane's images, asked before any registry. */
  readonly cluster?: ClusterImages | undefined;
}

const LAYERS_AT_ONCE = 3;
const IMAGES_AT_ONCE = 5;
const PROGRESS_EVERY_MS = 200;

const reasonOf = {
  'not-found': 'ErrImagePull',
  unauthorized: 'ErrImagePull',
  invalid: 'ErrImagePull',
  unavailable: 'ErrImagePull',
} as const satisfies Record<RegistryFailure, string>;

export class AgentImageStore implements ImageStore {
  private readonly blobs: BlobStore;
  private readonly layers: LayerStore;
  private readonly index: ImageIndex;
  private readonly pulls = new SingleFlight<ResolvedImage>();
  private readonly imageSlots = new Limiter(IMAGES_AT_ONCE);

  constructor(private readonly options: AgentImageStoreOptions) {
    this.blobs = new BlobStore(join(options.root, 'content'));
    this.layers = new LayerStore(options.root);
    this.index = new ImageIndex(options.root);
  }

  async find(reference: string): Promise<ResolvedImage | undefined> {
    const record = await this.index.get(parseReference(reference).canonical);
    if (record === undefined) return undefined;
    const present = await Promise.all(record.diffIds.map((diffId) => this.layers.has(diffId)));
    return present.every(Boolean) ? this.resolved(record) : undefined;
  }

  /** Concurrent pulls of one image with the same credentials are one; the first caller's signal and progress are used. */
  pull(
    reference: string,
    credentials: readonly RegistryCredential[],
    onProgress: (progress: PullProgress) => void,
    signal: CancelSignal,
  ): Promise<ResolvedImage> {
    const parsed = parseReference(reference);
    const key = JSON.stringify([parsed.canonical, credentials]);
    return this.pulls.run(key, () => this.imageSlots.run(() => this.pullOnce(parsed, { credentials, onProgress, signal })));
  }

  async list(): Promise<readonly { readonly names: readonly string[]; readonly sizeBytes: number }[]> {
    const byId = new Map<string, { names: Set<string>; sizeBytes: number }>();
    for (const record of await this.index.list()) {
      const known = byId.get(record.id) ?? { names: new Set(), sizeBytes: record.sizeBytes };
      known.names.add(record.repoDigest).add(record.reference);
      byId.set(record.id, known);
    }
    return [...byId.values()].map(({ names, sizeBytes }) => ({ names: [...names], sizeBytes }));
  }

  private async pullOnce(reference: ImageReference, request: PullRequest): Promise<ResolvedImage> {
    const abort = new AbortController();
    using _cancel = onCancel(request.signal, () => abort.abort());
    try {
      await mkdir(this.options.root, { recursive: true });
      const source = await this.locate(reference, request.credentials, abort.signal);
      return await this.bring(reference, source, { onProgress: request.onProgress, signal: abort.signal });
    } catch (error) {
      if (error instanceof ImagePullError) throw error;
      const reason = error instanceof RegistryError ? reasonOf[error.failure] : 'ErrImagePull';
      const verb = error instanceof RegistryError ? 'pull' : 'pull and unpack';
      const text = error instanceof Error ? error.message : String(error);
      throw Object.assign(new ImagePullError(reason, `failed to ${verb} image "${reference.canonical}": ${text}`), { cause: error });
    } finally {
      abort.abort(); // transfers of other layers end with the first failure
    }
  }

  private async locate(reference: ImageReference, credentials: readonly RegistryCredential[], signal: AbortSignal): Promise<ImageSource> {
    const held = this.options.cluster === undefined ? undefined : await fromCluster(this.options.cluster, reference);
    return held ?? fromRegistry(reference, credentials, this.options, signal);
  }

  private async bring(reference: ImageReference, source: ImageSource, request: Transfer): Promise<ResolvedImage> {
    const manifest = decodeManifest(source.manifest);
    const configText = await this.configText(source, manifest.config, request.signal);
    const { config, diffIds } = decodeConfig(configText);
    if (diffIds.length !== manifest.layers.length) {
      throw new Error(`the manifest has ${manifest.layers.length} layers, the image's configuration ${diffIds.length}`);
    }
    const progress = new Progress(manifest.layers, request.onProgress);
    const slots = new Limiter(LAYERS_AT_ONCE);
    await Promise.all(
      manifest.layers.map((layer, position) =>
        slots.run(async () => {
          await this.layers.ensure(
            diffIds[position] ?? '',
            () => this.packed(source, layer, { progress, signal: request.signal }),
            request.signal,
          );
          await this.blobs.remove(layer.digest); // the folder is what is used from now on
          progress.layerDone(layer);
        }),
      ),
    );
    const sizeBytes = manifest.layers.reduce((sum, layer) => sum + layer.size, manifest.config.size);
    const record = {
      reference: reference.canonical,
      repoDigest: `${reference.name}@${source.digest}`,
      id: manifest.config.digest,
      sizeBytes,
      diffIds,
      config,
    };
    await this.index.put(record);
    return this.resolved(record);
  }

  private async configText(source: ImageSource, descriptor: Descriptor, signal: AbortSignal): Promise<string> {
    await this.blobs.fetch({ ...descriptor, signal }, (offset) => source.blob(descriptor.digest, offset, signal));
    const text = await this.blobs.read(descriptor.digest);
    if (text === undefined) throw new Error(`the image's configuration ${descriptor.digest} vanished from the disk`);
    return text;
  }

  /** Path of the packed layer, fetched when it is not on disk. */
  private async packed(
    source: ImageSource,
    layer: Descriptor,
    { progress, signal }: { progress: Progress; signal: AbortSignal },
  ): Promise<string> {
    const onBytes = (count: number): void => progress.bytes(layer, count);
    try {
      await this.blobs.fetch({ ...layer, onBytes, signal }, (offset) => source.blob(layer.digest, offset, signal));
    } catch (error) {
      if (error instanceof DigestMismatchError) throw new Error(`failed to verify layer: ${error.message}`, { cause: error });
      throw error;
    }
    return this.blobs.path(layer.digest);
  }

  private resolved(record: ImageRecord): ResolvedImage {
    const { reference, id, repoDigest, sizeBytes, config } = record;
    const layers = record.diffIds.map((diffId) => this.layers.path(diffId)).toReversed();
    return { reference, id, repoDigest, sizeBytes, layers, config };
  }
}

interface PullRequest {
  readonly credentials: readonly RegistryCredential[];
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: CancelSignal;
}
interface Transfer {
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
}

/** Adds up what the layers report, and tells it a few times a second. */
class Progress {
  private readonly received = new Map<Descriptor, number>();
  private layersDone = 0;
  private toldAt = 0;

  constructor(
    private readonly layers: readonly Descriptor[],
    private readonly tell: (progress: PullProgress) => void,
  ) {}

  bytes(layer: Descriptor, count: number): void {
    this.received.set(layer, (this.received.get(layer) ?? 0) + count);
    if (Date.now() - this.toldAt >= PROGRESS_EVERY_MS) this.report();
  }

  layerDone(layer: Descriptor): void {
    this.received.set(layer, layer.size);
    this.layersDone += 1;
    this.report();
  }

  private report(): void {
    this.toldAt = Date.now();
    const bytesTotal = this.layers.reduce((sum, layer) => sum + layer.size, 0);
    const bytesDone = [...this.received.values()].reduce((sum, count) => sum + count, 0);
    this.tell({ layersTotal: this.layers.length, layersDone: this.layersDone, bytesTotal, bytesDone });
  }
}
