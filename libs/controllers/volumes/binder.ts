/**
 * Binds claims to volumes, has volumes made for claims, and ends those that nobody claims any more
 * (Kubernetes docs, Persistent Volumes, "Lifecycle of a volume and claim").
 */
import type { KubeObject, StoredVolume } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller } from '../../reconciling/index.js';
import { reconcileClaim } from './claim.js';
import { reconcileVolume } from './volume.js';

const CLAIM = 'claim/';
const VOLUME = 'volume/';
/** What waits for somebody else is said again after this time, as Kubernetes does. */
const RECHECK_MS = 15_000;

export const volumeBinder: Controller = {
  name: 'persistentvolume-controller',
  // One at a time: two claims decided at once could be given the same volume.
  workers: 1,
  watches: [
    { resource: resources.persistentVolumeClaims, keys: (claim, _previous, view) => [claimKey(claim), ...volumesOf(view, claim)] },
    { resource: resources.persistentVolumes, keys: (volume, _previous, view) => [volumeKey(volume), ...claimsOf(view, decode(volume))] },
    { resource: resources.storageClasses, keys: (_class, _previous, view) => unboundClaims(view) },
    // A host that has removed a folder, or is gone, lets its volumes go.
    { resource: resources.nodes, keys: (node, previous, view) => (inUse(node) === inUse(previous) ? [] : leavingVolumes(view)) },
  ],
  reconcile(view, key, context) {
    if (key.startsWith(VOLUME)) {
      const volume = view.get(resources.persistentVolumes, undefined, key.slice(VOLUME.length));
      return { actions: volume === undefined ? [] : reconcileVolume(view, volume, context.now) };
    }
    const [namespace, name = ''] = key.slice(CLAIM.length).split('/');
    const claim = view.get(resources.persistentVolumeClaims, namespace, name);
    if (claim === undefined) return { actions: [] };
    const actions = reconcileClaim(view, claim);
    return claim.status?.phase === 'Pending' ? { actions, requeueAfterMs: RECHECK_MS } : { actions };
  },
};

function claimKey(claim: KubeObject): string {
  return `${CLAIM}${claim.metadata.namespace ?? ''}/${claim.metadata.name ?? ''}`;
}

function volumeKey(volume: KubeObject): string {
  return `${VOLUME}${volume.metadata.name ?? ''}`;
}

/** The volumes that know the claim; also after the claim is gone. */
function volumesOf(view: ClusterView, claim: KubeObject): readonly string[] {
  const { name, namespace } = claim.metadata;
  return view
    .list(resources.persistentVolumes)
    .filter(({ spec }) => spec?.claimRef?.name === name && spec?.claimRef?.namespace === namespace)
    .map(volumeKey);
}

/** The claim that the volume is kept for; a free volume may be what any waiting claim needs. */
function claimsOf(view: ClusterView, volume: StoredVolume): readonly string[] {
  const reference = volume.spec?.claimRef;
  if (reference !== undefined) return [`${CLAIM}${reference.namespace ?? ''}/${reference.name ?? ''}`];
  return [...unboundClaims(view), ...claimsNaming(view, volume.metadata.name)];
}

function unboundClaims(view: ClusterView): readonly string[] {
  return view
    .list(resources.persistentVolumeClaims)
    .filter(({ spec }) => (spec?.volumeName ?? '') === '')
    .map(claimKey);
}

function claimsNaming(view: ClusterView, volume: string): readonly string[] {
  return view
    .list(resources.persistentVolumeClaims)
    .filter(({ spec }) => spec?.volumeName === volume)
    .map(claimKey);
}

function leavingVolumes(view: ClusterView): readonly string[] {
  return view
    .list(resources.persistentVolumes)
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map(volumeKey);
}

function inUse(node: KubeObject | undefined): string {
  const status = node?.['status'] as { readonly volumesInUse?: readonly string[] } | undefined; // decode: a stored Node
  return node === undefined ? '' : JSON.stringify(status?.volumesInUse ?? []);
}

function decode(object: KubeObject): StoredVolume {
  return object as unknown as StoredVolume; // decode: watched under persistentvolumes
}
