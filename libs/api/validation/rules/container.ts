/** Rules of containers: those of every kind of container, and what init and ephemeral ones may not have. */
import type {
  Container,
  ContainerPort,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  ObjectFieldSelector,
  ResourceFieldSelector,
  VolumeMount,
} from '../../generated/types.js';
import { resourceRequirements } from '../checks/resources.js';
import { dnsLabel, envName, form, ipAddress, portName, portNumber, relativePath } from '../checks/values.js';
import { isConfigKey, isQualifiedName } from '../checks/names.js';
import type { Rule } from '../place.js';
import { Check, CheckNumber, Each, Nested, OneOf, Required, UniqueBy, Whole } from '../rule-class.js';
import { killsNothing, LifecycleRules, ProbeRules, succeedsAtOnce } from './probe.js';
import { SecurityContextRules } from './security.js';

class PortRules {
  @Check(portName) readonly name?: ContainerPort['name'];
  @CheckNumber<number>((port, at) => (port === 0 ? at.required() : portNumber(port, at)))
  readonly containerPort?: ContainerPort['containerPort'];
  @Check<number>((port, at) => (port === 0 ? undefined : portNumber(port, at))) readonly hostPort?: ContainerPort['hostPort'];
  @Check(ipAddress) readonly hostIP?: ContainerPort['hostIP'];
  @Required()
  @OneOf('SCTP', 'TCP', 'UDP')
  readonly protocol?: ContainerPort['protocol'];
}

const podFields = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

const keyedField = /^metadata\.(labels|annotations)\['(.*)'\]$/;

/** A field of the pod that an environment variable can show. */
const envField: Rule<string> = (path, at) => {
  const key = keyedField.exec(path)?.[2];
  if (key !== undefined) at.invalidEach(key, isQualifiedName(key));
  else if (path === 'metadata.labels' || path === 'metadata.annotations' || !podFields.includes(path)) {
    at.unsupported(
      path,
      podFields.filter((field) => field !== 'metadata.annotations' && field !== 'metadata.labels'),
    );
  }
};

class FieldRefRules {
  @Required() readonly apiVersion?: ObjectFieldSelector['apiVersion'];
  @Required()
  @Check(envField)
  readonly fieldPath?: ObjectFieldSelector['fieldPath'];
}

const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

export class ResourceRefRules {
  @Required()
  @Check<string>((resource, at) => {
    if (!resourceFields.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) at.unsupported(resource, resourceFields);
  })
  readonly resource?: ResourceFieldSelector['resource'];
}

class KeyRefRules {
  @Required() readonly name?: string;
  @Required()
  @Check(form(isConfigKey))
  readonly key?: string;
}

const envSources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;

const oneSource: Rule<EnvVarSource> = (source, at) => {
  const set = envSources.filter((name) => source[name] !== undefined);
  if (set.length === 0) {
    at.invalid('', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`');
  } else if (set.length > 1) at.invalid('', 'may not have more than one field specified at a time');
};

@Whole(oneSource)
class EnvSourceRules {
  @Nested(() => FieldRefRules) readonly fieldRef?: EnvVarSource['fieldRef'];
  @Nested(() => ResourceRefRules) readonly resourceFieldRef?: EnvVarSource['resourceFieldRef'];
  @Nested(() => KeyRefRules) readonly configMapKeyRef?: EnvVarSource['configMapKeyRef'];
  @Nested(() => KeyRefRules) readonly secretKeyRef?: EnvVarSource['secretKeyRef'];
}

const valueOrSource: Rule<EnvVar> = (variable, at) => {
  if ((variable.value ?? '') !== '' && variable.valueFrom !== undefined) {
    at.field('valueFrom').invalid('', 'may not be specified when `value` is not empty');
  }
};

@Whole(valueOrSource)
class EnvRules {
  @Required()
  @Check(envName)
  readonly name?: EnvVar['name'];
  @Nested(() => EnvSourceRules) readonly valueFrom?: EnvVar['valueFrom'];
}

class NamedRules {
  @Required() readonly name?: string;
}

const oneEnvFrom: Rule<EnvFromSource> = (source, at) => {
  const set = [source.configMapRef, source.secretRef].filter((ref) => ref !== undefined).length;
  if (set === 0) at.invalid('', 'must specify one of: `configMapRef` or `secretRef`');
  else if (set > 1) at.invalid('', 'may not have more than one field specified at a time');
};

@Whole(oneEnvFrom)
class EnvFromRules {
  @Check(envName) readonly prefix?: EnvFromSource['prefix'];
  @Nested(() => NamedRules) readonly configMapRef?: EnvFromSource['configMapRef'];
  @Nested(() => NamedRules) readonly secretRef?: EnvFromSource['secretRef'];
}

const oneSubPath: Rule<VolumeMount> = (mount, at) => {
  if ((mount.subPath ?? '') !== '' && (mount.subPathExpr ?? '') !== '') {
    at.field('subPathExpr').invalid(mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive');
  }
};

@Whole(oneSubPath)
class MountRules {
  @Required() readonly name?: VolumeMount['name'];
  @Required() readonly mountPath?: VolumeMount['mountPath'];
  @Check(relativePath) readonly subPath?: VolumeMount['subPath'];
  @Check(relativePath) readonly subPathExpr?: VolumeMount['subPathExpr'];
  @OneOf('Bidirectional', 'HostToContainer', 'None') readonly mountPropagation?: VolumeMount['mountPropagation'];
  @OneOf('Disabled', 'Enabled', 'IfPossible') readonly recursiveReadOnly?: VolumeMount['recursiveReadOnly'];
}

/** Two mounts at one path would hide each other. The error says so in other words than a duplicate. */
const uniqueMountPaths: Rule<readonly VolumeMount[]> = (mounts, at) => {
  const seen = new Set<string>();
  for (const [index, { mountPath }] of mounts.entries()) {
    if (seen.has(mountPath)) at.index(index).field('mountPath').invalid(mountPath, 'must be unique');
    seen.add(mountPath);
  }
};

const noOuterSpace: Rule<string> = (image, at) => {
  if (image.trim() !== image) at.invalid(image, 'must not have leading or trailing whitespace');
};

/** What containers of all kinds have in common. */
export class ContainerCommonRules {
  @Required()
  @Check(dnsLabel)
  readonly name?: Container['name'];
  @Required()
  @Check(noOuterSpace)
  readonly image?: Container['image'];
  @Required()
  @OneOf('FallbackToLogsOnError', 'File')
  readonly terminationMessagePolicy?: Container['terminationMessagePolicy'];
  @Each(() => PortRules)
  @UniqueBy<ContainerPort>('name')
  readonly ports?: Container['ports'];
  @Each(() => EnvRules) readonly env?: Container['env'];
  @Each(() => EnvFromRules) readonly envFrom?: Container['envFrom'];
  @Each(() => MountRules)
  @Check(uniqueMountPaths)
  readonly volumeMounts?: Container['volumeMounts'];
  @Required()
  @OneOf('Always', 'IfNotPresent', 'Never')
  readonly imagePullPolicy?: Container['imagePullPolicy'];
  @Check(resourceRequirements) readonly resources?: Container['resources'];
  @Check(pathWithoutNul) readonly workingDir?: Container['workingDir'];
  @Nested(() => SecurityContextRules) readonly securityContext?: Container['securityContext'];
}

function pathWithoutNul(path: string, at: Parameters<Rule<string>>[1]): void {
  if (path.includes('\0')) at.invalid(path, 'must not contain NUL');
}

/** A container that runs as long as its pod does, or an init container: their probes and hooks. */
export class ContainerRules extends ContainerCommonRules {
  @Nested(() => LifecycleRules) readonly lifecycle?: Container['lifecycle'];
  @Nested(() => ProbeRules)
  @Check(succeedsAtOnce)
  readonly livenessProbe?: Container['livenessProbe'];
  @Nested(() => ProbeRules)
  @Check(killsNothing)
  readonly readinessProbe?: Container['readinessProbe'];
  @Nested(() => ProbeRules)
  @Check(succeedsAtOnce)
  readonly startupProbe?: Container['startupProbe'];
  @OneOf('Always', 'OnFailure', 'Never') readonly restartPolicy?: Container['restartPolicy'];
}

const onlyForSidecars = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;

/** An init container ends before others start; only one with `restartPolicy: Always` can be probed or be told to stop. */
const initOnly: Rule<Container> = (container, at) => {
  if (container.restartPolicy === 'Always') return;
  for (const field of onlyForSidecars) {
    if (container[field] !== undefined) at.field(field).forbidden('may not be set for init containers without restartPolicy=Always');
  }
};

@Whole(initOnly)
export class InitContainerRules extends ContainerRules {}

const notForEphemeral = ['ports', 'lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe', 'resources', 'resizePolicy'] as const;

/** Ephemeral containers get no guarantees, so nothing may be asked for. */
const ephemeralOnly: Rule<Container> = (container, at) => {
  for (const field of notForEphemeral) {
    const value = container[field];
    if (value === undefined || Object.keys(value).length === 0) continue;
    at.field(field).forbidden('cannot be set for an Ephemeral Container');
  }
};

@Whole(ephemeralOnly)
export class EphemeralContainerRules extends ContainerCommonRules {}
