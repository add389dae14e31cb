/** Rules of a pod's volumes. */
import type {
  ConfigMapVolumeSource,
  DownwardAPIVolumeFile,
  DownwardAPIVolumeSource,
  EmptyDirVolumeSource,
  HostPathVolumeSource,
  KeyToPath,
  NFSVolumeSource,
  ProjectedVolumeSource,
  SecretVolumeSource,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from '../../generated/types.js';
import { isConfigKey, isQualifiedName } from '../checks/names.js';
import { absolutePath, dnsLabel, form, nonNegativeQuantity, pathWithoutBackSteps, relativePath } from '../checks/values.js';
import type { Rule } from '../place.js';
import { Check, Each, Nested, OneOf, Required, UniqueBy, Whole } from '../rule-class.js';
import { ResourceRefRules } from './container.js';

const fileMode: Rule<number> = (mode, at) => {
  if (mode < 0 || mode > 0o777) at.invalid(mode, 'must be a number between 0 and 0777 (octal), both inclusive');
};

class ItemRules {
  @Required()
  @Check(form(isConfigKey))
  readonly key?: KeyToPath['key'];
  @Required()
  @Check(relativePath)
  readonly path?: KeyToPath['path'];
  @Check(fileMode) readonly mode?: KeyToPath['mode'];
}

class SecretSourceRules {
  @Required() readonly secretName?: SecretVolumeSource['secretName'];
  @Check(fileMode) readonly defaultMode?: SecretVolumeSource['defaultMode'];
  @Each(() => ItemRules) readonly items?: SecretVolumeSource['items'];
}

class ConfigMapSourceRules {
  @Required() readonly name?: ConfigMapVolumeSource['name'];
  @Check(fileMode) readonly defaultMode?: ConfigMapVolumeSource['defaultMode'];
  @Each(() => ItemRules) readonly items?: ConfigMapVolumeSource['items'];
}

const volumeFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];

class FileFieldRules {
  @Required()
  @Check<string>((path, at) => {
    const key = /^metadata\.(?:labels|annotations)\['(.*)'\]$/.exec(path)?.[1];
    if (key !== undefined) at.invalidEach(key, isQualifiedName(key));
    else if (!volumeFields.includes(path)) at.unsupported(path, volumeFields);
  })
  readonly fieldPath?: string;
}

const fieldOrResource: Rule<DownwardAPIVolumeFile> = (file, at) => {
  if (file.fieldRef !== undefined && file.resourceFieldRef !== undefined) {
    at.invalid('resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
  } else if (file.fieldRef === undefined && file.resourceFieldRef === undefined) {
    at.required('one of fieldRef and resourceFieldRef is required');
  }
  if (file.resourceFieldRef !== undefined && (file.resourceFieldRef.containerName ?? '') === '') {
    at.field('resourceFieldRef').field('containerName').required();
  }
};

@Whole(fieldOrResource)
class DownwardFileRules {
  @Required()
  @Check(relativePath)
  readonly path?: DownwardAPIVolumeFile['path'];
  @Nested(() => FileFieldRules) readonly fieldRef?: DownwardAPIVolumeFile['fieldRef'];
  @Nested(() => ResourceRefRules) readonly resourceFieldRef?: DownwardAPIVolumeFile['resourceFieldRef'];
  @Check(fileMode) readonly mode?: DownwardAPIVolumeFile['mode'];
}

class DownwardSourceRules {
  @Check(fileMode) readonly defaultMode?: DownwardAPIVolumeSource['defaultMode'];
  @Each(() => DownwardFileRules) readonly items?: DownwardAPIVolumeSource['items'];
}

class NamedItemsRules {
  @Required() readonly name?: string;
  @Each(() => ItemRules) readonly items?: readonly KeyToPath[];
}

const TOKEN_SECONDS_MIN = 600;

class TokenProjectionRules {
  @Required()
  @Check(relativePath)
  readonly path?: ServiceAccountTokenProjection['path'];
  @Check<number>((seconds, at) => {
    if (seconds < TOKEN_SECONDS_MIN) at.invalid(seconds, 'may not specify a duration less than 10 minutes');
    else if (seconds > 2 ** 32) at.invalid(seconds, 'may not specify a duration larger than 2^32 seconds');
  })
  readonly expirationSeconds?: ServiceAccountTokenProjection['expirationSeconds'];
}

const oneProjection: Rule<VolumeProjection> = (projection, at) => {
  const set = Object.entries(projection).filter(([, source]) => source !== undefined && source !== null);
  for (const [name] of set.slice(1)) at.field(name).forbidden('may not specify more than 1 volume type');
  if (set.length === 0) at.required('one of the source types must be specified');
};

@Whole(oneProjection)
class ProjectionRules {
  @Nested(() => NamedItemsRules) readonly secret?: VolumeProjection['secret'];
  @Nested(() => NamedItemsRules) readonly configMap?: VolumeProjection['configMap'];
  @Nested(() => DownwardSourceRules) readonly downwardAPI?: VolumeProjection['downwardAPI'];
  @Nested(() => TokenProjectionRules) readonly serviceAccountToken?: VolumeProjection['serviceAccountToken'];
}

class ProjectedSourceRules {
  @Check(fileMode) readonly defaultMode?: ProjectedVolumeSource['defaultMode'];
  @Each(() => ProjectionRules) readonly sources?: ProjectedVolumeSource['sources'];
}

export class HostPathRules {
  @Required()
  @Check(pathWithoutBackSteps)
  readonly path?: HostPathVolumeSource['path'];
  @OneOf('BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket')
  readonly type?: HostPathVolumeSource['type'];
}

class EmptyDirRules {
  @Check(nonNegativeQuantity) readonly sizeLimit?: EmptyDirVolumeSource['sizeLimit'];
}

export class NfsRules {
  @Required() readonly server?: NFSVolumeSource['server'];
  @Required()
  @Check(absolutePath)
  readonly path?: NFSVolumeSource['path'];
}

class ClaimSourceRules {
  @Required() readonly claimName?: string;
}

class DriverRules {
  @Required() readonly driver?: string;
}

/** The source is the one key beside the name; a second one is forbidden where it stands. */
const oneSource: Rule<Volume> = (volume, at) => {
  const set = Object.entries(volume).filter(([field, source]) => field !== 'name' && source !== undefined && source !== null);
  if (set.length === 0) at.required('must specify a volume type');
  for (const [field] of set.slice(1)) at.field(field).forbidden('may not specify more than 1 volume type');
};

@Whole(oneSource)
class VolumeRules {
  @Required()
  @Check(dnsLabel)
  readonly name?: Volume['name'];
  @Nested(() => HostPathRules) readonly hostPath?: Volume['hostPath'];
  @Nested(() => EmptyDirRules) readonly emptyDir?: Volume['emptyDir'];
  @Nested(() => SecretSourceRules) readonly secret?: Volume['secret'];
  @Nested(() => ConfigMapSourceRules) readonly configMap?: Volume['configMap'];
  @Nested(() => DownwardSourceRules) readonly downwardAPI?: Volume['downwardAPI'];
  @Nested(() => ProjectedSourceRules) readonly projected?: Volume['projected'];
  @Nested(() => NfsRules) readonly nfs?: Volume['nfs'];
  @Nested(() => ClaimSourceRules) readonly persistentVolumeClaim?: Volume['persistentVolumeClaim'];
  @Nested(() => DriverRules) readonly csi?: Volume['csi'];
}

/** The volumes of a pod, as one list. */
export class VolumesRules {
  @Each(() => VolumeRules)
  @UniqueBy<Volume>('name')
  readonly volumes?: readonly Volume[];
}
