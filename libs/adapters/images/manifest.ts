/** OCI and Docker v2 manifests, indexes and image configurations: decoded at the border, checked for what is used. */
import { createHash } from 'node:crypto';
import type { ImageConfig } from '../../agent/index.js';

export const MEDIA_TYPES = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}
export interface IndexEntry extends Descriptor {
  readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}
/** What an image's configuration says, as far as containers need it. */
export interface DecodedConfig {
  readonly config: ImageConfig;
  readonly diffIds: readonly string[];
}

export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function isIndex(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.ociIndex || mediaType === MEDIA_TYPES.dockerList;
}

/** Media type of a manifest whose server did not say it clearly: its own field, else its shape. */
export function mediaTypeOf(text: string, claimed?: string): string {
  const parsed = decodeJson<{ mediaType?: string; manifests?: unknown }>(text, 'manifest');
  const known: readonly string[] = Object.values(MEDIA_TYPES);
  if (claimed !== undefined && known.includes(claimed)) return claimed;
  return parsed.mediaType ?? (parsed.manifests === undefined ? MEDIA_TYPES.ociManifest : MEDIA_TYPES.ociIndex);
}

export function decodeManifest(text: string): Manifest {
  const parsed = decodeJson<{ schemaVersion?: number; config?: unknown; layers?: unknown }>(text, 'manifest');
  if (parsed.schemaVersion === 1) throw new Error('the image has a schema 1 manifest, which is no longer supported: push it anew');
  if (!Array.isArray(parsed.layers)) throw new Error('the manifest has no layers');
  return { config: decodeDescriptor(parsed.config), layers: parsed.layers.map(decodeDescriptor) };
}

export function decodeIndex(text: string): readonly IndexEntry[] {
  const parsed = decodeJson<{ manifests?: unknown }>(text, 'index');
  if (!Array.isArray(parsed.manifests)) throw new Error('the index has no manifests');
  return parsed.manifests.map((entry: unknown) => ({ ...(entry as IndexEntry), ...decodeDescriptor(entry) }));
}

/** The entry of an index for this machine. Throws when there is none. */
export function choosePlatform(entries: readonly IndexEntry[], architecture: string = goArchitecture(process.arch)): IndexEntry {
  const real = entries.filter((entry) => entry.platform?.os !== 'unknown');
  const fitting = real.find((entry) => entry.platform?.os === 'linux' && entry.platform.architecture === architecture);
  const only = real.length === 1 && real[0]?.platform === undefined ? real[0] : undefined;
  const chosen = fitting ?? only;
  if (chosen === undefined) throw new Error(`no match for platform in manifest: linux/${architecture} not found`);
  return chosen;
}

export function goArchitecture(nodeArchitecture: string): string {
  return nodeArchitecture === 'x64' ? 'amd64' : nodeArchitecture;
}

export function decodeConfig(text: string): DecodedConfig {
  const parsed = decodeJson<{ config?: RawConfig | null; rootfs?: { diff_ids?: unknown } }>(text, 'image configuration');
  const diffIds = parsed.rootfs?.diff_ids;
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest)) throw new Error('the image configuration has no valid rootfs.diff_ids');
  const raw = parsed.config ?? {};
  const config = {
    entrypoint: raw.Entrypoint ?? [],
    cmd: raw.Cmd ?? [],
    env: raw.Env ?? [],
    workingDir: raw.WorkingDir ?? '',
    user: raw.User ?? '',
    stopSignal: raw.StopSignal,
    volumes: Object.keys(raw.Volumes ?? {}),
  };
  return { config, diffIds };
}

interface RawConfig {
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly StopSignal?: string;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
}

export function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value);
}

function decodeDescriptor(value: unknown): Descriptor {
  const raw = (value ?? {}) as { mediaType?: unknown; digest?: unknown; size?: unknown };
  if (!isDigest(raw.digest)) throw new Error(`a descriptor has the digest ${JSON.stringify(raw.digest)}; only sha256 is supported`);
  if (typeof raw.size !== 'number' || raw.size < 0) throw new Error(`the descriptor of ${raw.digest} has no size`);
  return { mediaType: typeof raw.mediaType === 'string' ? raw.mediaType : '', digest: raw.digest, size: raw.size };
}

function decodeJson<T>(text: string, what: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new Error(`the ${what} is not JSON`, { cause: error });
  }
}
