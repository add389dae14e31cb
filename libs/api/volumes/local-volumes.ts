/** Berth's own volumes: a folder on one host, made when its first pod is placed there. What all parts must agree on. */
import type { PersistentVolume } from '../generated/types.js';

/** Provisioner of the StorageClass `local`, and CSI driver of its volumes. */
export const LOCAL_PROVISIONER = 'berth.dev/local';
/** The StorageClass that every cluster has from its first moment. */
export const LOCAL_STORAGE_CLASS = 'local';
/** Holds a deleted volume until its host has removed the folder. */
export const LOCAL_VOLUME_FINALIZER = 'berth.dev/local-volume';
const HOSTNAME = 'kubernetes.io/hostname';

export function localVolumeSpec(handle: string, node: string): Pick<NonNullable<PersistentVolume['spec']>, 'csi' | 'nodeAffinity'> {
  return {
    csi: { driver: LOCAL_PROVISIONER, volumeHandle: handle },
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: HOSTNAME, operator: 'In', values: [node] }] }] } },
  };
}

/** The folder's name on its host; `undefined` for volumes of others. */
export function localVolumeHandle(volume: PersistentVolume): string | undefined {
  const { driver, volumeHandle } = volume.spec?.csi ?? {};
  return driver === LOCAL_PROVISIONER ? volumeHandle : undefined;
}

/** The host that holds the folder; `undefined` for volumes of others. */
export function localVolumeNode(volume: PersistentVolume): string | undefined {
  if (localVolumeHandle(volume) === undefined) return undefined;
  const [term] = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return term?.matchExpressions?.find(({ key }) => key === HOSTNAME)?.values?.[0];
}

/** As in a Node's `status.volumesInUse`. */
export function volumeInUseName(handle: string): string {
  return `kubernetes.io/csi/${LOCAL_PROVISIONER}^${handle}`;
}
