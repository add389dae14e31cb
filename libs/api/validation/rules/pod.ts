/** Rules of pods and pod templates as a whole. What single parts must be stands in the files beside this one. */
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  HostAlias,
  LocalObjectReference,
  Pod,
  PodDNSConfig,
  PodReadinessGate,
  PodSchedulingGate,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from '../../generated/types.js';
import {
  annotations,
  between,
  dnsLabel,
  dnsSubdomain,
  INT32_MAX,
  ipAddress,
  labels,
  nonNegative,
  qualifiedName,
} from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Check, Each, EachValue, Nested, NotEmpty, OneOf, Required, UniqueBy, Whole } from '../rule-class.js';
import { ContainerRules, EphemeralContainerRules, InitContainerRules } from './container.js';
import { AffinityRules, spreadConstraints, TolerationRules } from './scheduling.js';
import { PodSecurityContextRules } from './security.js';
import { VolumesRules } from './volume.js';

class HostAliasRules {
  @Check(ipAddress) readonly ip?: HostAlias['ip'];
  @EachValue(dnsSubdomain) readonly hostnames?: HostAlias['hostnames'];
}

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;

class DnsConfigRules {
  @Check<readonly string[]>((list, at) => {
    if (list.length > NAMESERVERS_MAX) at.invalid(list, `must not have more than ${NAMESERVERS_MAX} nameservers`);
  })
  @EachValue(ipAddress)
  readonly nameservers?: PodDNSConfig['nameservers'];
  @Check<readonly string[]>((list, at) => {
    if (list.length > SEARCHES_MAX) at.invalid(list, `must not have more than ${SEARCHES_MAX} search paths`);
  })
  readonly searches?: PodDNSConfig['searches'];
}

class SecretNameRules {
  @Required() readonly name?: LocalObjectReference['name'];
}

class ReadinessGateRules {
  @Required()
  @Check(qualifiedName)
  readonly conditionType?: PodReadinessGate['conditionType'];
}

class SchedulingGateRules {
  @Required()
  @Check(qualifiedName)
  readonly name?: PodSchedulingGate['name'];
}

/** Containers of every sort, each with its path. */
function* allContainers(spec: PodSpec, at: Place): Generator<readonly [Container | EphemeralContainer, Place]> {
  for (const field of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    const list: readonly (Container | EphemeralContainer)[] = spec[field] ?? [];
    for (const [index, container] of list.entries()) yield [container, at.field(field).index(index)];
  }
}

/** Names are unique over all sorts of containers; within one list `UniqueBy` has spoken already. */
const uniqueNames: Rule<PodSpec> = (spec, at) => {
  const names = new Set((spec.containers ?? []).map((container) => container.name));
  for (const field of ['initContainers', 'ephemeralContainers'] as const) {
    const own = new Set<string>();
    for (const [index, { name }] of (spec[field] ?? []).entries()) {
      if (names.has(name) && !own.has(name)) at.field(field).index(index).field('name').duplicate(name);
      own.add(name);
    }
    for (const name of own) names.add(name);
  }
};

/** What a container mounts must be a volume of its pod, mounted as a file system. */
const mountedVolumes: Rule<PodSpec> = (spec, at) => {
  const volumes = new Set((spec.volumes ?? []).map((volume: Volume) => volume.name));
  for (const [container, place] of allContainers(spec, at)) {
    for (const field of ['volumeMounts', 'volumeDevices'] as const) {
      for (const [index, { name }] of (container[field] ?? []).entries()) {
        if (name !== '' && name !== undefined && !volumes.has(name)) place.field(field).index(index).field('name').notFound(name);
      }
    }
  }
};

function hostPortKey(port: ContainerPort): string {
  return `${port.protocol ?? ''}/${port.hostIP ?? ''}/${port.hostPort ?? 0}`;
}

/** A port of the host can be had once; on the host's network it is the container's own. */
const hostPorts: Rule<PodSpec> = (spec, at) => {
  for (const field of ['containers', 'initContainers'] as const) {
    const seen = new Set<string>();
    for (const [index, container] of (spec[field] ?? []).entries()) {
      for (const [portIndex, port] of (container.ports ?? []).entries()) {
        const place = at.field(field).index(index).field('ports').index(portIndex);
        const { hostPort, containerPort } = port;
        if (hostPort === undefined || hostPort === 0) continue;
        if (spec.hostNetwork === true && hostPort !== containerPort) {
          place.field('containerPort').invalid(containerPort, 'must match `hostPort` when `hostNetwork` is true');
        }
        if (seen.has(hostPortKey(port))) place.field('hostPort').duplicate(hostPortKey(port));
        seen.add(hostPortKey(port));
      }
    }
  }
};

const dnsNeedsServers: Rule<PodSpec> = (spec, at) => {
  if (spec.dnsPolicy !== 'None') return;
  const config = at.field('dnsConfig');
  if (spec.dnsConfig === undefined) config.required('must provide `dnsConfig` when `dnsPolicy` is None');
  else if ((spec.dnsConfig.nameservers ?? []).length === 0) {
    config.field('nameservers').required('must provide at least one DNS nameserver when `dnsPolicy` is None');
  }
};

@Whole(uniqueNames, mountedVolumes, hostPorts, dnsNeedsServers)
export class PodSpecRules extends VolumesRules {
  @NotEmpty()
  @Each(() => ContainerRules)
  @UniqueBy<Container>('name')
  readonly containers?: PodSpec['containers'];
  @Each(() => InitContainerRules)
  @UniqueBy<Container>('name')
  readonly initContainers?: PodSpec['initContainers'];
  @Each(() => EphemeralContainerRules)
  @UniqueBy<EphemeralContainer>('name')
  readonly ephemeralContainers?: PodSpec['ephemeralContainers'];
  @Required()
  @OneOf('Always', 'OnFailure', 'Never')
  readonly restartPolicy?: PodSpec['restartPolicy'];
  @Check(nonNegative) readonly terminationGracePeriodSeconds?: PodSpec['terminationGracePeriodSeconds'];
  @Required()
  @OneOf('ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None')
  readonly dnsPolicy?: PodSpec['dnsPolicy'];
  @Check(labels) readonly nodeSelector?: PodSpec['nodeSelector'];
  @Nested(() => PodSecurityContextRules) readonly securityContext?: PodSpec['securityContext'];
  @Each(() => SecretNameRules) readonly imagePullSecrets?: PodSpec['imagePullSecrets'];
  @Nested(() => AffinityRules) readonly affinity?: PodSpec['affinity'];
  @Nested(() => DnsConfigRules) readonly dnsConfig?: PodSpec['dnsConfig'];
  @Each(() => ReadinessGateRules) readonly readinessGates?: PodSpec['readinessGates'];
  @Each(() => SchedulingGateRules)
  @UniqueBy<PodSchedulingGate>('name')
  readonly schedulingGates?: PodSpec['schedulingGates'];
  @Check(spreadConstraints) readonly topologySpreadConstraints?: PodSpec['topologySpreadConstraints'];
  @Check(dnsSubdomain) readonly serviceAccountName?: PodSpec['serviceAccountName'];
  @Check(dnsSubdomain) readonly nodeName?: PodSpec['nodeName'];
  @Check(between(1, INT32_MAX)) readonly activeDeadlineSeconds?: PodSpec['activeDeadlineSeconds'];
  @Check(dnsLabel) readonly hostname?: PodSpec['hostname'];
  @Check(dnsLabel) readonly subdomain?: PodSpec['subdomain'];
  @Each(() => TolerationRules) readonly tolerations?: PodSpec['tolerations'];
  @Each(() => HostAliasRules) readonly hostAliases?: PodSpec['hostAliases'];
  @Check(dnsSubdomain) readonly priorityClassName?: PodSpec['priorityClassName'];
  @Check(dnsSubdomain) readonly runtimeClassName?: PodSpec['runtimeClassName'];
  @OneOf('PreemptLowerPriority', 'Never') readonly preemptionPolicy?: PodSpec['preemptionPolicy'];
}

class TemplateMetaRules {
  @Check(labels) readonly labels?: Readonly<Record<string, string>>;
  @Check(annotations) readonly annotations?: Readonly<Record<string, string>>;
}

/** The template of a workload; its spec keeps every rule of a pod's. */
export class PodTemplateRules {
  @Nested(() => TemplateMetaRules) readonly metadata?: PodTemplateSpec['metadata'];
  @Nested(() => PodSpecRules) readonly spec?: PodTemplateSpec['spec'];
}

export class PodRules {
  @Required()
  @Nested(() => PodSpecRules)
  readonly spec?: Pod['spec'];
}
