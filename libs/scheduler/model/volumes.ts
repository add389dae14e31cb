/** What the scheduler asks about volumes: claims of pods, volumes and classes, as the cache has them. */
import { bestVolume, podClaims } from '../../api/index.js';
import type { Node, PersistentVolumeClaim, Stored, StorageClass, StoredClaim, StoredVolume } from '../../api/index.js';
import { matchesNodeTerm, parseNodeTerm } from '../node-terms.js';
import type { PodFacts } from './pod-facts.js';

export interface VolumeView {
  claim(namespace: string, name: string): Stored<PersistentVolumeClaim> | undefined;
  volume(name: string): StoredVolume | undefined;
  volumes(): readonly StoredVolume[];
  storageClass(name: string): Stored<StorageClass> | undefined;
}

/** For snapshots that know no volumes. */
export const NO_VOLUMES: VolumeView = {
  claim: () => undefined,
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
};

/** How the volumes of a pod narrow its choice of nodes. */
export type PodVolumes =
  /** No node will do, whatever it is. */
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'known';
      readonly bound: readonly StoredVolume[];
      /** Claims that wait for this pod's node. */
      readonly unbound: readonly StoredClaim[];
    };

/** `undefined`: the pod claims nothing. */
export function podVolumes(pod: PodFacts, view: VolumeView): PodVolumes | undefined {
  const claims = podClaims(pod.pod);
  if (claims.length === 0) return undefined;
  const bound: StoredVolume[] = [];
  const unbound: StoredClaim[] = [];
  for (const { claimName, isEphemeral } of claims) {
    const claim = view.claim(pod.namespace, claimName);
    if (claim === undefined && isEphemeral) {
      return { kind: 'refused', reason: `waiting for ephemeral volume controller to create the persistentvolumeclaim "${claimName}"` };
    }
    if (claim === undefined) return { kind: 'refused', reason: `persistentvolumeclaim "${claimName}" not found` };
    if (claim.metadata.deletionTimestamp !== undefined) {
      return { kind: 'refused', reason: `persistentvolumeclaim "${claimName}" is being deleted` };
    }
    if (claim.status?.phase === 'Lost') {
      return {
        kind: 'refused',
        reason: `persistentvolumeclaim "${claimName}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"`,
      };
    }
    const volume = isBound(claim) ? view.volume(claim.spec?.volumeName ?? '') : undefined;
    if (volume !== undefined) bound.push(volume);
    else if (waitsForConsumer(claim, view)) unbound.push(claim);
    else return { kind: 'refused', reason: 'pod has unbound immediate PersistentVolumeClaims' };
  }
  return { kind: 'known', bound, unbound };
}

export function isBound(claim: StoredClaim): boolean {
  return (claim.spec?.volumeName ?? '') !== '' && claim.metadata.annotations?.['pv.kubernetes.io/bind-completed'] === 'yes';
}

function waitsForConsumer(claim: StoredClaim, view: VolumeView): boolean {
  const storageClass = view.storageClass(claim.spec?.storageClassName ?? '');
  return (claim.spec?.volumeName ?? '') === '' && storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** The volume can be mounted on the node, as far as its node affinity says. */
export function volumeFitsNode(volume: StoredVolume, node: Stored<Node>): boolean {
  const terms = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms;
  if (terms === undefined) return true;
  const where = { name: node.metadata.name, labels: node.metadata.labels ?? {} };
  return terms.some((term) => matchesNodeTerm(parseNodeTerm(term), where));
}

/** A volume for each claim is there on the node already, or can be made there. */
export function canBindOn(claims: readonly StoredClaim[], node: Stored<Node>, view: VolumeView): boolean {
  const taken = new Set<string>();
  return claims.every((claim) => {
    const found = bestVolume(view.volumes(), claim, (volume) => !taken.has(volume.metadata.name) && volumeFitsNode(volume, node));
    if (found !== undefined) taken.add(found.metadata.name);
    return found !== undefined || canProvisionOn(claim, node, view);
  });
}

function canProvisionOn(claim: StoredClaim, node: Stored<Node>, view: VolumeView): boolean {
  const storageClass = view.storageClass(claim.spec?.storageClassName ?? '');
  if (storageClass === undefined || storageClass.provisioner === 'kubernetes.io/no-provisioner') return false;
  const topologies = storageClass.allowedTopologies ?? [];
  if (topologies.length === 0) return true;
  return topologies.some(({ matchLabelExpressions }) =>
    (matchLabelExpressions ?? []).every(({ key, values }) => values.includes(node.metadata.labels?.[key] ?? '')),
  );
}
