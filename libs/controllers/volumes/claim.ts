/** One look at one PersistentVolumeClaim: bound, to be bound, to be provisioned for, or waiting, and why. */
import { bestVolume, isReservedFor, LOCAL_PROVISIONER } from '../../api/index.js';
import type { PersistentVolumeClaimStatus, StorageClass, Stored, StoredClaim, StoredVolume } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, ObjectAction } from '../../reconciling/index.js';
import { volumeFitsNode } from '../../scheduler/index.js';
import { isTerminating } from '../workload/pod-facts.js';
import { provisionLocal } from './provision.js';
import {
  annotated,
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  OLD_STORAGE_PROVISIONER,
  SELECTED_NODE,
  STORAGE_PROVISIONER,
  tellClaim,
  warnClaim,
} from './words.js';

const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

type Actions = readonly ObjectAction[];

/** Same view, same actions. */
export function reconcileClaim(view: ClusterView, claim: StoredClaim): Actions {
  const name = claim.spec?.volumeName ?? '';
  if (name !== '') return followVolume(view, claim, name);
  if (isTerminating(claim)) return [];
  const storageClass = classOf(view, claim);
  const node = claim.metadata.annotations?.[SELECTED_NODE];
  const found = findVolume(view, claim, node);
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && node === undefined;
  if (found !== undefined && (!isDelayed || isReservedFor(found, claim))) return bind(found, claim);
  if (isDelayed) return [tellClaim(claim, 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')];
  return provision(view, claim, storageClass);
}

/** The claim names its volume: by its author or by an earlier look. */
function followVolume(view: ClusterView, claim: StoredClaim, name: string): Actions {
  const volume = view.get(resources.persistentVolumes, undefined, name);
  const isBound = claim.metadata.annotations?.[BIND_COMPLETED] === 'yes';
  if (volume === undefined || (isBound && !isReservedFor(volume, claim))) return isBound ? lost(claim, volume) : [];
  if (volume.spec?.claimRef !== undefined && !isReservedFor(volume, claim)) {
    return [warnClaim(claim, 'FailedBinding', `volume "${name}" already bound to a different claim.`)];
  }
  if (!isBound || volume.spec?.claimRef?.uid !== claim.metadata.uid) return bind(volume, claim);
  return writeStatus(claim, {
    phase: 'Bound',
    accessModes: volume.spec.accessModes,
    capacity: volume.spec.capacity,
  });
}

function lost(claim: StoredClaim, volume: StoredVolume | undefined): Actions {
  if (claim.status?.phase === 'Lost') return [];
  const message =
    volume === undefined
      ? 'Bound claim has lost its PersistentVolume. Data on the volume is lost!'
      : 'Two claims are bound to the same volume, this one is bound incorrectly';
  const reason = volume === undefined ? 'ClaimLost' : 'ClaimMisbound';
  return [...writeStatus(claim, { phase: 'Lost' }), warnClaim(claim, reason, message)];
}

function writeStatus(claim: StoredClaim, wanted: PersistentVolumeClaimStatus): Actions {
  const status = { ...claim.status, ...wanted };
  if (JSON.stringify(status) === JSON.stringify(claim.status)) return [];
  return [{ do: 'update-status', resource: resources.persistentVolumeClaims, object: { ...claim, status } }];
}

/** Both ends name each other, the volume first: a crash in between leaves a volume that is kept for the claim. */
function bind(volume: StoredVolume, claim: StoredClaim): Actions {
  return [...reserve(volume, claim), ...nameVolume(claim, volume.metadata.name)];
}

function reserve(volume: StoredVolume, claim: StoredClaim): Actions {
  if (volume.spec === undefined || volume.spec.claimRef?.uid === claim.metadata.uid) return [];
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion };
  const reserved = { ...volume, spec: { ...volume.spec, claimRef } };
  const byUs = volume.spec.claimRef === undefined;
  const object = byUs ? annotated(reserved, { [BOUND_BY_CONTROLLER]: 'yes' }) : reserved;
  return [{ do: 'update', resource: resources.persistentVolumes, object }];
}

function nameVolume(claim: StoredClaim, volumeName: string): Actions {
  if (claim.spec === undefined) return [];
  const byUs: Readonly<Record<string, string>> = claim.spec.volumeName === volumeName ? {} : { [BOUND_BY_CONTROLLER]: 'yes' };
  const object = annotated({ ...claim, spec: { ...claim.spec, volumeName } }, { [BIND_COMPLETED]: 'yes', ...byUs });
  return [{ do: 'update', resource: resources.persistentVolumeClaims, object }];
}

function findVolume(view: ClusterView, claim: StoredClaim, nodeName: string | undefined): StoredVolume | undefined {
  const node = nodeName === undefined ? undefined : view.get(resources.nodes, undefined, nodeName);
  return bestVolume(view.list(resources.persistentVolumes), claim, (volume) => node === undefined || volumeFitsNode(volume, node));
}

function classOf(view: ClusterView, claim: StoredClaim): Stored<StorageClass> | undefined {
  const name = claim.spec?.storageClassName ?? '';
  return name === '' ? undefined : view.get(resources.storageClasses, undefined, name);
}

function provision(view: ClusterView, claim: StoredClaim, storageClass: Stored<StorageClass> | undefined): Actions {
  const className = claim.spec?.storageClassName ?? '';
  if (className === '') {
    return [tellClaim(claim, 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set')];
  }
  if (storageClass === undefined) {
    return [warnClaim(claim, 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`)];
  }
  const { provisioner } = storageClass;
  if (provisioner === NO_PROVISIONER) return [];
  if (claim.metadata.annotations?.[STORAGE_PROVISIONER] !== provisioner) {
    const object = annotated(claim, { [STORAGE_PROVISIONER]: provisioner, [OLD_STORAGE_PROVISIONER]: provisioner });
    return [{ do: 'update', resource: resources.persistentVolumeClaims, object }];
  }
  if (provisioner === LOCAL_PROVISIONER) return provisionLocal(view, claim, storageClass);
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return [tellClaim(claim, 'ExternalProvisioning', message)];
}
