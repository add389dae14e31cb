/** One look at one PersistentVolume: its phase, and what becomes of it when its claim is gone. */
import { LOCAL_VOLUME_FINALIZER, localVolumeHandle, localVolumeNode, volumeInUseName } from '../../api/index.js';
import type { StoredVolume } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, ObjectAction } from '../../reconciling/index.js';
import { isTerminating } from '../workload/pod-facts.js';
import { hasFinalizer, volumePhase, VOLUME_PROTECTION, withoutFinalizer } from './words.js';

type Actions = readonly ObjectAction[];

export function reconcileVolume(view: ClusterView, volume: StoredVolume, now: Instant): Actions {
  const phase = phaseOf(view, volume);
  if (isTerminating(volume)) return phase === 'Bound' ? [] : release(view, volume);
  if (phase === 'Released') return reclaim(volume, now);
  return volumePhase(volume, phase, formatTime(now));
}

function phaseOf(view: ClusterView, volume: StoredVolume): 'Available' | 'Bound' | 'Released' {
  const reference = volume.spec?.claimRef;
  // Without a uid it is only kept for a claim that is still to come.
  if ((reference?.uid ?? '') === '') return 'Available';
  const claim = view.get(resources.persistentVolumeClaims, reference?.namespace, reference?.name ?? '');
  return claim?.metadata.uid === reference?.uid ? 'Bound' : 'Released';
}

/** Retained volumes wait for an administrator; those of other provisioners for them. */
function reclaim(volume: StoredVolume, now: Instant): Actions {
  const released = volumePhase(volume, 'Released', formatTime(now));
  const isOurs = localVolumeHandle(volume) !== undefined;
  if (!isOurs || volume.spec?.persistentVolumeReclaimPolicy !== 'Delete') return released;
  if (released.length > 0) return released;
  return [{ do: 'delete', ref: { ...resources.persistentVolumes, name: volume.metadata.name }, uid: volume.metadata.uid }];
}

/** A volume that nobody claims may go; a folder of ours when its host says that it has none, or is gone itself. */
function release(view: ClusterView, volume: StoredVolume): Actions {
  const held = [VOLUME_PROTECTION, ...(isFolderGone(view, volume) ? [LOCAL_VOLUME_FINALIZER] : [])];
  const object = held.reduce<StoredVolume>(withoutFinalizer, volume);
  if (!held.some((finalizer) => hasFinalizer(volume, finalizer))) return [];
  return [{ do: 'update', resource: resources.persistentVolumes, object }];
}

function isFolderGone(view: ClusterView, volume: StoredVolume): boolean {
  const handle = localVolumeHandle(volume);
  const name = localVolumeNode(volume);
  if (handle === undefined || name === undefined) return true;
  const nodes = view.list(resources.nodes);
  const node = nodes.find(({ metadata }) => (metadata.labels?.['kubernetes.io/hostname'] ?? metadata.name) === name);
  return node === undefined || node.status?.volumesInUse?.includes(volumeInUseName(handle)) !== true;
}
