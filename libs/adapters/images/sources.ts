/** Where an image may come from: the control plane's store, a registry, or a store on the same disk. */
import type { RegistryCredential } from '../../agent/index.js';
import { choosePlatform, decodeIndex, isIndex, mediaTypeOf } from './manifest.js';
import { RegistryClient, RegistryError, type RegistryOptions } from './registry-client.js';
import type { ImageReference } from './reference.js';

/** The images that the control plane holds (`berth build`, imports), as an agent reaches them. */
export interface ClusterImages {
  /** `undefined`: not held there. */
  resolveImage(
    reference: string,
  ): Promise<{ readonly digest: string; readonly mediaType: string; readonly manifest: Uint8Array } | undefined>;
  fetchBlob(digest: string): AsyncIterable<Uint8Array>;
}

export interface ImageSource {
  /** Digest that the reference resolved to (of the index, when it is one). */
  readonly digest: string;
  readonly manifest: string;
  blob(digest: string, offset: number, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/** `undefined` when the control plane does not hold the image. A control plane that is away does not hinder the registry. */
export async function fromCluster(images: ClusterImages, reference: ImageReference): Promise<ImageSource | undefined> {
  const found = await images.resolveImage(reference.canonical).catch(() => undefined);
  if (found === undefined) return undefined;
  return {
    digest: found.digest,
    manifest: Buffer.from(found.manifest).toString(),
    blob: async (digest, offset) => from(images.fetchBlob(digest), offset),
  };
}

/** Tries each credential, then none, as a kubelet does. Throws the RegistryError of the most telling attempt. */
export async function fromRegistry(
  reference: ImageReference,
  credentials: readonly RegistryCredential[],
  options: RegistryOptions,
  signal?: AbortSignal,
): Promise<ImageSource> {
  let refused: RegistryError | undefined;
  for (const credential of [...credentials, undefined]) {
    const client = new RegistryClient(reference, credential, options);
    try {
      return await resolve(client, reference, signal);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.failure !== 'unauthorized') throw error;
      refused ??= error;
    }
  }
  throw refused ?? new RegistryError('unauthorized', `pull access denied for ${reference.name}`);
}

async function resolve(client: RegistryClient, reference: ImageReference, signal: AbortSignal | undefined): Promise<ImageSource> {
  const top = await client.manifest(reference.digest ?? reference.tag ?? 'latest', signal);
  const manifest = isIndex(top.mediaType) ? await client.manifest(choosePlatform(decodeIndex(top.text)).digest, signal) : top;
  if (isIndex(mediaTypeOf(manifest.text, manifest.mediaType))) {
    throw new RegistryError('invalid', `${reference.canonical}: an index within an index is not supported`);
  }
  return { digest: top.digest, manifest: manifest.text, blob: (digest, offset, blobSignal) => client.blob(digest, offset, blobSignal) };
}

async function* from(body: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
  let rest = offset;
  for await (const chunk of body) {
    if (rest < chunk.length) yield rest === 0 ? chunk : chunk.subarray(rest);
    rest = Math.max(0, rest - chunk.length);
  }
}
