/** Tables of volumes and of the kinds around them. */
import type {
  CSIDriver,
  CSIDriverSpec,
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../generated/types.js';
import { age, ageColumn, flag, integer, nameColumn, nameOf, printer, text, wide } from './printer.js';

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** In the order of the table above, each once. */
function modesText(modes: readonly string[] | undefined): string {
  return Object.entries(shortModes)
    .filter(([mode]) => (modes ?? []).includes(mode))
    .map(([, short]) => short)
    .join(',');
}

function orUnset(value: string | undefined): string {
  return value === undefined || value === '' ? '<unset>' : value;
}

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
const DEFAULT_ATTRIBUTES_CLASS = 'storage.alpha.kubernetes.io/is-default-vac';

export const persistentVolumeClaimPrinter = printer<PersistentVolumeClaim>({
  columns: [
    nameColumn,
    text('Status', 'Whether the claim is bound.'),
    text('Volume', 'The volume that it is bound to.'),
    text('Capacity', 'The size of that volume.'),
    text('Access Modes', 'How the volume can be mounted.'),
    text('StorageClass', 'The class of storage that was asked for.'),
    text('VolumeAttributesClass', 'The class of attributes that was asked for.'),
    ageColumn,
    wide(text('VolumeMode', 'Filesystem or Block.')),
  ],
  cells: (claim, now) => {
    const { spec, status } = claim;
    const bound = (spec?.volumeName ?? '') !== '';
    const phase = claim.metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating';
    return [
      nameOf(claim),
      phase,
      spec?.volumeName ?? '',
      bound ? (status?.capacity?.['storage'] ?? '0') : '',
      bound ? modesText(status?.accessModes) : '',
      spec?.storageClassName ?? '',
      orUnset(spec?.volumeAttributesClassName),
      age(claim, now),
      orUnset(spec?.volumeMode),
    ];
  },
});

export const persistentVolumePrinter = printer<PersistentVolume>({
  columns: [
    nameColumn,
    text('Capacity', 'The size of the volume.'),
    text('Access Modes', 'How the volume can be mounted.'),
    text('Reclaim Policy', 'What becomes of it when its claim is gone.'),
    text('Status', 'Whether the volume is bound.'),
    text('Claim', 'The claim that it is bound to.'),
    text('StorageClass', 'The class of storage that it belongs to.'),
    text('VolumeAttributesClass', 'The class of attributes that it has.'),
    text('Reason', 'Why it is in this status.'),
    ageColumn,
    wide(text('VolumeMode', 'Filesystem or Block.')),
  ],
  cells: (volume, now) => {
    const { spec, status } = volume;
    const claim = spec?.claimRef;
    return [
      nameOf(volume),
      spec?.capacity?.['storage'] ?? '0',
      modesText(spec?.accessModes),
      spec?.persistentVolumeReclaimPolicy ?? '',
      volume.metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
      claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
      spec?.storageClassName ?? '',
      orUnset(spec?.volumeAttributesClassName),
      status?.reason ?? '',
      age(volume, now),
      orUnset(spec?.volumeMode),
    ];
  },
});

export const storageClassPrinter = printer<StorageClass>({
  columns: [
    nameColumn,
    text('Provisioner', 'Who makes volumes of the class.'),
    text('ReclaimPolicy', 'What becomes of volumes when their claims are gone.'),
    text('VolumeBindingMode', 'When claims are bound.'),
    flag('AllowVolumeExpansion', 'Whether volumes can grow.'),
    ageColumn,
  ],
  cells: (object, now) => [
    object.metadata?.annotations?.[DEFAULT_CLASS] === 'true' ? `${nameOf(object)} (default)` : nameOf(object),
    object.provisioner ?? '',
    object.reclaimPolicy ?? 'Delete',
    orUnset(object.volumeBindingMode),
    object.allowVolumeExpansion ?? false,
    age(object, now),
  ],
});

export const volumeAttributesClassPrinter = printer<VolumeAttributesClass>({
  columns: [nameColumn, text('DriverName', 'The driver that knows the attributes.'), ageColumn],
  cells: (object, now) => [
    object.metadata?.annotations?.[DEFAULT_ATTRIBUTES_CLASS] === 'true' ? `${nameOf(object)} (default)` : nameOf(object),
    object.driverName ?? '',
    age(object, now),
  ],
});

export const volumeAttachmentPrinter = printer<VolumeAttachment>({
  columns: [
    nameColumn,
    wide(text('Attacher', 'Who attaches the volume.')),
    text('PV', 'The volume.'),
    text('Node', 'The node.'),
    flag('Attached', 'Whether the volume is attached.'),
    ageColumn,
  ],
  cells: (object, now) => [
    nameOf(object),
    object.spec?.attacher ?? '',
    object.spec?.source?.persistentVolumeName ?? '',
    object.spec?.nodeName ?? '',
    object.status?.attached ?? false,
    age(object, now),
  ],
});

export const csiNodePrinter = printer<CSINode>({
  columns: [nameColumn, integer('Drivers', 'How many drivers the node has.'), ageColumn],
  cells: (object, now) => [nameOf(object), (object.spec?.drivers ?? []).length, age(object, now)],
});

export const csiDriverPrinter = printer<CSIDriver>({
  columns: [
    nameColumn,
    flag('AttachRequired', 'Whether volumes are attached before they are mounted.'),
    flag('PodInfoOnMount', 'Whether the driver is told about the pod.'),
    flag('StorageCapacity', 'Whether scheduling looks at the capacity that the driver reports.'),
    text('TokenRequests', 'Audiences of the tokens that the driver gets.'),
    flag('RequiresRepublish', 'Whether volumes are published again from time to time.'),
    text('Modes', 'Kinds of volumes that the driver supports.'),
    ageColumn,
  ],
  cells: (object, now) => {
    const spec: Partial<CSIDriverSpec> = object.spec ?? {}; // kinds without rules of their own are stored as they come
    const audiences = (spec.tokenRequests ?? []).map(({ audience }) => audience).join(',');
    return [
      nameOf(object),
      spec.attachRequired ?? true,
      spec.podInfoOnMount ?? false,
      spec.storageCapacity ?? false,
      orUnset(audiences),
      spec.requiresRepublish ?? false,
      (spec.volumeLifecycleModes ?? ['<none>']).join(','),
      age(object, now),
    ];
  },
});
