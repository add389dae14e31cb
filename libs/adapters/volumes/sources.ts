/** The payload of configMap, secret, downwardAPI and projected volumes, from what the agent was assigned. */
import { VolumeError } from '../../agent/index.js';
import type { VolumeSources } from '../../agent/index.js';
import type { DownwardAPIVolumeFile, Pod, ProjectedVolumeSource, Stored, Volume, VolumeProjection } from '../../api/index.js';
import { fieldText, resourceText } from './downward-api.js';
import type { NodeAmounts } from './downward-api.js';
import { keyedPayload } from './payload.js';
import type { KeyItem, Payload } from './payload.js';

export interface SourceContext {
  readonly pod: Stored<Pod>;
  readonly sources: VolumeSources;
  readonly node: NodeAmounts;
  /** A token for one place of one volume, renewed in time. */
  readonly token: (audience: string | undefined, expirationSeconds: number) => Promise<string>;
}

const DEFAULT_MODE = 0o644;
/** Kubernetes' default lifetime of a projected token, seconds. */
const TOKEN_SECONDS = 3600;
/** Published in every namespace; made from the cluster's CA where the ConfigMap has not been seen yet. */
const ROOT_CA_CONFIG_MAP = 'kube-root-ca.crt';

/** `undefined` for volumes that are not made of files of ours. Throws VolumeError for a missing source that is not optional. */
export async function volumePayload(volume: Volume, context: SourceContext): Promise<Payload | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) return configMapPayload({ ...configMap, mode: configMap.defaultMode ?? DEFAULT_MODE }, context);
  if (secret !== undefined) {
    return secretPayload({ ...secret, name: secret.secretName, mode: secret.defaultMode ?? DEFAULT_MODE }, context);
  }
  if (downwardAPI !== undefined) return downwardPayload(downwardAPI.items ?? [], downwardAPI.defaultMode ?? DEFAULT_MODE, context);
  if (projected !== undefined) return projectedPayload(projected, context);
  return undefined;
}

interface KeyedReference {
  readonly name?: string | undefined;
  readonly items?: readonly KeyItem[] | undefined;
  readonly optional?: boolean | undefined;
  readonly mode: number;
}

function configMapPayload(reference: KeyedReference, { pod, sources }: SourceContext): Payload {
  const name = reference.name ?? '';
  const found = sources.configMap(pod.metadata.namespace ?? '', name) ?? rootCa(name, sources);
  if (found === undefined && reference.optional !== true) throw new VolumeError(`configmap "${name}" not found`);
  const texts = Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const);
  const binaries = Object.entries(found?.binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const);
  return keyedPayload({
    data: new Map([...texts, ...binaries]),
    items: reference.items,
    defaultMode: reference.mode,
    isOptional: reference.optional === true,
    missingKey: (key) => new VolumeError(`configmap references non-existent config key: ${key}`),
  });
}

function rootCa(name: string, sources: VolumeSources): ReturnType<VolumeSources['configMap']> {
  return name === ROOT_CA_CONFIG_MAP ? { data: { 'ca.crt': sources.clusterCa }, binaryData: {} } : undefined;
}

function secretPayload(reference: KeyedReference, { pod, sources }: SourceContext): Payload {
  const name = reference.name ?? '';
  const found = sources.secret(pod.metadata.namespace ?? '', name);
  if (found === undefined && reference.optional !== true) throw new VolumeError(`secret "${name}" not found`);
  return keyedPayload({
    data: new Map(Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')])),
    items: reference.items,
    defaultMode: reference.mode,
    isOptional: reference.optional === true,
    missingKey: (key) => new VolumeError(`references non-existent secret key: ${key}`),
  });
}

function downwardPayload(items: readonly DownwardAPIVolumeFile[], defaultMode: number, { pod, node }: SourceContext): Payload {
  return new Map(
    items.map((item) => {
      const text = item.fieldRef === undefined ? resourceOf(pod, item, node) : fieldText(pod, item.fieldRef.fieldPath);
      return [item.path, { content: Buffer.from(text), mode: item.mode ?? defaultMode }];
    }),
  );
}

function resourceOf(pod: Stored<Pod>, item: DownwardAPIVolumeFile, node: NodeAmounts): string {
  return item.resourceFieldRef === undefined ? '' : resourceText(pod, item.resourceFieldRef, node);
}

async function projectedPayload(volume: ProjectedVolumeSource, context: SourceContext): Promise<Payload> {
  const mode = volume.defaultMode ?? DEFAULT_MODE;
  const parts = await Promise.all((volume.sources ?? []).map((source) => projectionPayload(source, mode, context)));
  return new Map(parts.flatMap((part) => [...part]));
}

async function projectionPayload(source: VolumeProjection, mode: number, context: SourceContext): Promise<Payload> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap !== undefined) return configMapPayload({ ...configMap, mode }, context);
  if (secret !== undefined) return secretPayload({ ...secret, mode }, context);
  if (downwardAPI !== undefined) return downwardPayload(downwardAPI.items ?? [], mode, context);
  if (serviceAccountToken === undefined)
    throw new VolumeError('projected volume source is not supported: use configMap, secret, downwardAPI or serviceAccountToken');
  const token = await context.token(serviceAccountToken.audience, serviceAccountToken.expirationSeconds ?? TOKEN_SECONDS);
  return new Map([[serviceAccountToken.path, { content: Buffer.from(token), mode }]]);
}
