/** Defaults of a pod's volumes (Kubernetes API reference, Volume and its sources). */
import type {
  AzureDiskVolumeSource,
  ConfigMapVolumeSource,
  DownwardAPIProjection,
  DownwardAPIVolumeFile,
  DownwardAPIVolumeSource,
  EphemeralVolumeSource,
  HostPathVolumeSource,
  ImageVolumeSource,
  ISCSIVolumeSource,
  ObjectFieldSelector,
  PersistentVolumeClaimSpec,
  PersistentVolumeClaimTemplate,
  ProjectedVolumeSource,
  RBDVolumeSource,
  ScaleIOVolumeSource,
  SecretVolumeSource,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from '../generated/types.js';
import { each, emptyObject, filler, type Filler } from './filler.js';
import { pullPolicyFor } from './image-tag.js';

/** 0644 in octal. */
const FILE_MODE_DEFAULT = 420;
const TOKEN_EXPIRATION_SECONDS_DEFAULT = 3600;

const fillFieldFile = filler<DownwardAPIVolumeFile>({}, { fieldRef: filler<ObjectFieldSelector>({ apiVersion: 'v1' }) });

/** Fills the spec of a claim, wherever it stands: on its own, in a StatefulSet, in an ephemeral volume. */
export const fillClaimSpec = filler<PersistentVolumeClaimSpec>({ resources: emptyObject, volumeMode: 'Filesystem' });

const fillProjection = filler<VolumeProjection>(
  {},
  {
    serviceAccountToken: filler<ServiceAccountTokenProjection>({ expirationSeconds: TOKEN_EXPIRATION_SECONDS_DEFAULT }),
    downwardAPI: filler<DownwardAPIProjection>({}, { items: each(fillFieldFile) }),
  },
);

/** Every key of Volume but its name is a source; a volume without any is an emptyDir. */
function withSource(volume: Volume): Volume {
  const hasSource = Object.entries(volume).some(([field, source]) => field !== 'name' && source !== undefined && source !== null);
  return hasSource ? volume : { ...volume, emptyDir: {} };
}

const fillSource = filler<Volume>(
  {},
  {
    secret: filler<SecretVolumeSource>({ defaultMode: FILE_MODE_DEFAULT }),
    configMap: filler<ConfigMapVolumeSource>({ defaultMode: FILE_MODE_DEFAULT }),
    downwardAPI: filler<DownwardAPIVolumeSource>({ defaultMode: FILE_MODE_DEFAULT }, { items: each(fillFieldFile) }),
    projected: filler<ProjectedVolumeSource>({ defaultMode: FILE_MODE_DEFAULT }, { sources: each(fillProjection) }),
    // The type is written even though it is empty: "no check is made before mounting".
    hostPath: (source: HostPathVolumeSource) => (source.type === undefined || source.type === null ? { ...source, type: '' } : source),
    image: filler<ImageVolumeSource>({ pullPolicy: (source) => pullPolicyFor(source.reference) }),
    ephemeral: filler<EphemeralVolumeSource>(
      {},
      { volumeClaimTemplate: filler<PersistentVolumeClaimTemplate>({}, { spec: fillClaimSpec }) },
    ),
    iscsi: filler<ISCSIVolumeSource>({ iscsiInterface: 'default' }),
    rbd: filler<RBDVolumeSource>({ pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' }),
    azureDisk: filler<AzureDiskVolumeSource>({ cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false }),
    scaleIO: filler<ScaleIOVolumeSource>({ storageMode: 'ThinProvisioned', fsType: 'xfs' }),
  },
);

/** Fills one volume of a pod. */
export const fillVolume: Filler<Volume> = (volume) => fillSource(withSource(volume));
