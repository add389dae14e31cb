/** Which stored resources an agent may see, and which of them a pod uses. */
import { localVolumeNode, podClaims, storePrefix } from '../api/light.js';
import type { GroupResource, PersistentVolume, PersistentVolumeClaim, Pod } from '../api/index.js';
import type { ResourceKey, ResourceKind } from './messages.js';

export const resourceOf = {
  pod: { group: '', resource: 'pods' },
  'config-map': { group: '', resource: 'configmaps' },
  secret: { group: '', resource: 'secrets' },
  service: { group: '', resource: 'services' },
  'endpoint-slice': { group: 'discovery.k8s.io', resource: 'endpointslices' },
  node: { group: '', resource: 'nodes' },
  'service-account': { group: '', resource: 'serviceaccounts' },
  'volume-claim': { group: '', resource: 'persistentvolumeclaims' },
  volume: { group: '', resource: 'persistentvolumes' },
} as const satisfies Record<ResourceKind, GroupResource>;

/** Kinds of which every agent sees all objects; of the others it sees its pods and what they use. */
export const SHARED_KINDS = ['service', 'endpoint-slice', 'node'] as const satisfies readonly ResourceKind[];
export const USED_KINDS = ['config-map', 'secret', 'service-account', 'volume-claim'] as const satisfies readonly ResourceKind[];

export function prefixOf(kind: ResourceKind): string {
  return storePrefix(resourceOf[kind]);
}

/** `kind key` as one text, for sets; keys never hold spaces. */
export type ResourceId = string;
export function resourceId(kind: ResourceKind, key: string): ResourceId {
  return `${kind} ${key}`;
}
export function parseResourceId(id: ResourceId): ResourceKey {
  const space = id.indexOf(' ');
  // Ids are made by resourceId only, so the first word is a kind.
  return { kind: id.slice(0, space) as ResourceKind, key: id.slice(space + 1) };
}

/** ConfigMaps, Secrets, claims and the ServiceAccount that a pod names anywhere, also optional ones and ones that do not exist yet. */
export function resourcesUsedBy(pod: Pod): ReadonlySet<ResourceId> {
  const used = new Set<ResourceId>();
  const namespace = pod.metadata?.namespace ?? 'default';
  const use = (kind: ResourceKind, name: string | undefined): void => {
    if (name !== undefined && name !== '') used.add(resourceId(kind, `${namespace}/${name}`));
  };
  const spec = pod.spec;
  if (spec === undefined) return used;
  use('service-account', spec.serviceAccountName ?? 'default');
  for (const pull of spec.imagePullSecrets ?? []) use('secret', pull.name);
  for (const { claimName } of podClaims(pod)) use('volume-claim', claimName);
  for (const volume of spec.volumes ?? []) {
    use('config-map', volume.configMap?.name);
    use('secret', volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      use('config-map', source.configMap?.name);
      use('secret', source.secret?.name);
    }
  }
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const source of container.envFrom ?? []) {
      use('config-map', source.configMapRef?.name);
      use('secret', source.secretRef?.name);
    }
    for (const variable of container.env ?? []) {
      use('config-map', variable.valueFrom?.configMapKeyRef?.name);
      use('secret', variable.valueFrom?.secretKeyRef?.name);
    }
  }
  return used;
}

/** The volume that a claim is bound to. */
export function volumeOfClaim(claim: PersistentVolumeClaim): ResourceId | undefined {
  const name = claim.spec?.volumeName ?? '';
  return name === '' ? undefined : resourceId('volume', name);
}

/** The claim that a volume is kept for. */
export function claimOfVolume(volume: PersistentVolume): ResourceId | undefined {
  const reference = volume.spec?.claimRef;
  return reference === undefined ? undefined : resourceId('volume-claim', `${reference.namespace ?? ''}/${reference.name ?? ''}`);
}

/** Folders of a node concern its agent also when no pod uses them: it removes those of deleted volumes. */
export function isFolderOf(node: string, volume: PersistentVolume): boolean {
  return localVolumeNode(volume) === node;
}
