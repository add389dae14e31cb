/** Defaults of volumes and of the kinds around them (core and `storage.k8s.io/v1`). */
import type {
  AzureDiskVolumeSource,
  CSIDriver,
  CSIDriverSpec,
  HostPathVolumeSource,
  ISCSIPersistentVolumeSource,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
  PersistentVolumeSpec,
  PersistentVolumeStatus,
  RBDPersistentVolumeSource,
  ScaleIOPersistentVolumeSource,
  StorageClass,
} from '../generated/types.js';
import { filler } from './filler.js';
import { fillClaimSpec } from './volumes.js';

export const fillPersistentVolumeClaim = filler<PersistentVolumeClaim>(
  { status: () => ({ phase: 'Pending' }) },
  { spec: fillClaimSpec, status: filler<PersistentVolumeClaimStatus>({ phase: 'Pending' }) },
);

export const fillPersistentVolume = filler<PersistentVolume>(
  { status: () => ({ phase: 'Pending' }) },
  {
    spec: filler<PersistentVolumeSpec>(
      { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
      {
        hostPath: (source: HostPathVolumeSource) => (source.type === undefined || source.type === null ? { ...source, type: '' } : source),
        iscsi: filler<ISCSIPersistentVolumeSource>({ iscsiInterface: 'default' }),
        rbd: filler<RBDPersistentVolumeSource>({ pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' }),
        azureDisk: filler<AzureDiskVolumeSource>({ cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false }),
        scaleIO: filler<ScaleIOPersistentVolumeSource>({ storageMode: 'ThinProvisioned', fsType: 'xfs' }),
      },
    ),
    status: filler<PersistentVolumeStatus>({ phase: 'Pending' }),
  },
);

export const fillStorageClass = filler<StorageClass>({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });

export const fillCsiDriver = filler<CSIDriver>(
  {},
  {
    spec: filler<CSIDriverSpec>({
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: () => ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    }),
  },
);
