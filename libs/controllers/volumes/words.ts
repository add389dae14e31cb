/** Annotations and finalizers of volumes and claims, as Kubernetes spells them, and the writes that several rules share. */
import type { KubeObject, StoredClaim, StoredVolume } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ObjectAction } from '../../reconciling/index.js';

export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
export const STORAGE_PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
export const OLD_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';
export const CLAIM_PROTECTION = 'kubernetes.io/pvc-protection';
export const VOLUME_PROTECTION = 'kubernetes.io/pv-protection';

/** The controller's own field among the metadata: everything else stays. */
export function annotated<T extends KubeObject>(object: T, annotations: Readonly<Record<string, string>>): T {
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } } };
}

export function withoutFinalizer<T extends KubeObject>(object: T, finalizer: string): T {
  const finalizers = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
  return { ...object, metadata: { ...object.metadata, finalizers } };
}

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) === true;
}

/** The phase, where it is another. */
export function volumePhase(volume: StoredVolume, phase: string, now: string, message?: string): readonly ObjectAction[] {
  if (volume.status?.phase === phase && volume.status.message === message) return [];
  const { message: _old, ...rest } = volume.status ?? {};
  const status = { ...rest, phase, lastPhaseTransitionTime: now, ...(message === undefined ? {} : { message }) };
  return [{ do: 'update-status', resource: resources.persistentVolumes, object: { ...volume, status } }];
}

export function warnClaim(claim: StoredClaim, reason: string, message: string): ObjectAction {
  return { do: 'event', regarding: claim, type: 'Warning', reason, message };
}

export function tellClaim(claim: StoredClaim, reason: string, message: string): ObjectAction {
  return { do: 'event', regarding: claim, type: 'Normal', reason, message };
}
