/** Rules of claims, volumes and storage classes. */
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  StorageClass,
} from '../../generated/types.js';
import { compareQuantities } from '../../quantity/quantity.js';
import { dnsSubdomain, immutable, isSame } from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Check, Nested, NotEmpty, OneOf, Required, Whole } from '../rule-class.js';
import { LabelSelectorRules } from './meta.js';
import { NodeSelectorRules } from './scheduling.js';
import { HostPathRules, NfsRules } from './volume.js';

const accessModes: Rule<readonly string[]> = (modes, at) => {
  const known = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
  for (const mode of modes) if (!known.includes(mode)) at.unsupported(mode, known);
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) {
    at.forbidden('may not use ReadWriteOncePod with other access modes');
  }
};

const positiveStorage: Rule<string> = (amount, at) => {
  if (compareQuantities(amount, '0') <= 0) at.invalid(amount, 'must be greater than zero');
};

const requestsStorage: Rule<PersistentVolumeClaimSpec> = (spec, at) => {
  const amount = spec.resources?.requests?.['storage'];
  const place = at.down('resources').key('storage');
  if (amount === undefined) place.required();
  else positiveStorage(amount, place);
};

@Whole(requestsStorage)
class ClaimSpecRules {
  @NotEmpty('at least 1 access mode is required')
  @Check(accessModes)
  readonly accessModes?: PersistentVolumeClaimSpec['accessModes'];
  @Nested(() => LabelSelectorRules) readonly selector?: PersistentVolumeClaimSpec['selector'];
  @Check(dnsSubdomain) readonly storageClassName?: PersistentVolumeClaimSpec['storageClassName'];
  @OneOf('Block', 'Filesystem') readonly volumeMode?: PersistentVolumeClaimSpec['volumeMode'];
}

export class PersistentVolumeClaimRules {
  @Required()
  @Nested(() => ClaimSpecRules)
  readonly spec?: PersistentVolumeClaim['spec'];
}

const CLAIM_FORBIDDEN = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

/** A claim can be bound, and once bound it can grow. */
export function claimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim, at: Place): void {
  const [spec, before] = [claim.spec, old.spec];
  if (spec === undefined || before === undefined) return;
  const bound = old.status?.phase === 'Bound';
  const binds = (before.volumeName ?? '') === '' && (spec.volumeName ?? '') !== '';
  const adjusted = {
    ...spec,
    ...(binds ? { volumeName: before.volumeName } : {}),
    ...(bound ? { resources: before.resources, volumeAttributesClassName: before.volumeAttributesClassName } : {}),
  };
  if (!isSame(adjusted, before)) at.field('spec').forbidden(CLAIM_FORBIDDEN);
  const [amount, oldAmount] = [spec.resources?.requests?.['storage'], before.resources?.requests?.['storage']];
  if (amount !== undefined && oldAmount !== undefined && compareQuantities(amount, oldAmount) < 0) {
    at.down('spec', 'resources', 'requests', 'storage').forbidden('field can not be less than previous value');
  }
}

const plainVolumeFields: ReadonlySet<string> = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

function sourceOf(spec: PersistentVolumeSpec): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(spec).filter(([field, value]) => !plainVolumeFields.has(field) && value !== undefined));
}

const oneVolumeSource: Rule<PersistentVolumeSpec> = (spec, at) => {
  const sources = Object.keys(sourceOf(spec));
  if (sources.length === 0) at.required('must specify a volume type');
  for (const extra of sources.slice(1)) at.field(extra).forbidden('may not specify more than 1 volume type');
  const capacity = spec.capacity?.['storage'];
  if (spec.capacity === undefined) at.field('capacity').required();
  else if (capacity === undefined) at.field('capacity').unsupported(Object.keys(spec.capacity), ['storage']);
  else positiveStorage(capacity, at.field('capacity').key('storage'));
  if (spec.local !== undefined && spec.nodeAffinity === undefined) {
    at.field('nodeAffinity').required('Local volume requires node affinity');
  }
};

class VolumeAffinityRules {
  @Required('must specify required node constraints')
  @Nested(() => NodeSelectorRules)
  readonly required?: object;
}

@Whole(oneVolumeSource)
class VolumeSpecRules {
  @NotEmpty()
  @Check(accessModes)
  readonly accessModes?: PersistentVolumeSpec['accessModes'];
  @Nested(() => HostPathRules) readonly hostPath?: PersistentVolumeSpec['hostPath'];
  @Nested(() => NfsRules) readonly nfs?: PersistentVolumeSpec['nfs'];
  @OneOf('Delete', 'Recycle', 'Retain') readonly persistentVolumeReclaimPolicy?: PersistentVolumeSpec['persistentVolumeReclaimPolicy'];
  @Check(dnsSubdomain) readonly storageClassName?: PersistentVolumeSpec['storageClassName'];
  @OneOf('Block', 'Filesystem') readonly volumeMode?: PersistentVolumeSpec['volumeMode'];
  @Nested(() => VolumeAffinityRules) readonly nodeAffinity?: PersistentVolumeSpec['nodeAffinity'];
}

export class PersistentVolumeRules {
  @Required()
  @Nested(() => VolumeSpecRules)
  readonly spec?: PersistentVolume['spec'];
}

/** Where the data lies does not change under those who use it. */
export function volumeUpdate(volume: PersistentVolume, old: PersistentVolume, at: Place): void {
  if (volume.spec === undefined || old.spec === undefined) return;
  if (!isSame(sourceOf(volume.spec), sourceOf(old.spec))) {
    at.down('spec', 'persistentvolumesource').forbidden('spec.persistentvolumesource is immutable after creation');
  }
  immutable(volume.spec.volumeMode, old.spec.volumeMode, at.down('spec', 'volumeMode'));
}

export class StorageClassRules {
  @Required() readonly provisioner?: StorageClass['provisioner'];
  @OneOf('Delete', 'Retain') readonly reclaimPolicy?: StorageClass['reclaimPolicy'];
  @Required()
  @OneOf('Immediate', 'WaitForFirstConsumer')
  readonly volumeBindingMode?: StorageClass['volumeBindingMode'];
}

export function storageClassUpdate(object: StorageClass, old: StorageClass, at: Place): void {
  if (!isSame(object.parameters, old.parameters)) at.field('parameters').forbidden('updates to parameters are forbidden.');
  if (object.provisioner !== old.provisioner) at.field('provisioner').forbidden('updates to provisioner are forbidden.');
  if (object.reclaimPolicy !== old.reclaimPolicy) at.field('reclaimPolicy').forbidden('updates to reclaimPolicy are forbidden.');
  immutable(object.volumeBindingMode, old.volumeBindingMode, at.field('volumeBindingMode'));
}
