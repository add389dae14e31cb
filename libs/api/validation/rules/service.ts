/** Rules of Services, Endpoints and EndpointSlices. */
import type {
  CoreV1EndpointPort,
  DiscoveryV1EndpointPort,
  Endpoint,
  EndpointAddress,
  Endpoints,
  EndpointSlice,
  EndpointSubset,
  Service,
  ServicePort,
  ServiceSpec,
} from '../../generated/types.js';
import { ipFamily } from '../checks/addresses.js';
import {
  cidr,
  dnsLabel,
  dnsSubdomain,
  immutable,
  ipAddress,
  labels,
  nonNegative,
  portName,
  portNumber,
  portNumberOrName,
} from '../checks/values.js';
import type { Place, Rule } from '../place.js';
import { Check, CheckNumber, Each, EachValue, Nested, NotEmpty, OneOf, Required, Whole } from '../rule-class.js';

class ServicePortRules {
  @Check(dnsLabel) readonly name?: ServicePort['name'];
  @CheckNumber(portNumber)
  readonly port?: ServicePort['port'];
  @Required()
  @OneOf('SCTP', 'TCP', 'UDP')
  readonly protocol?: ServicePort['protocol'];
  @CheckNumber(portNumberOrName) readonly targetPort?: ServicePort['targetPort'];
}

const headless = (spec: ServiceSpec): boolean => spec.clusterIP === 'None';

/** Ports against each other: named where there are several, and nothing twice. */
const ports: Rule<ServiceSpec> = (spec, at) => {
  const list = spec.ports ?? [];
  const place = at.field('ports');
  if (list.length === 0 && !headless(spec) && spec.type !== 'ExternalName') place.required();
  const seen = { names: new Set<string>(), ports: new Set<string>(), nodePorts: new Set<string>() };
  for (const [index, port] of list.entries()) {
    const at = place.index(index);
    if ((port.name ?? '') === '') {
      if (list.length > 1) at.field('name').required();
    } else if (seen.names.has(port.name ?? '')) at.field('name').duplicate(port.name);
    seen.names.add(port.name ?? '');
    nodePort(spec, port, { at, seen: seen.nodePorts });
    const key = `${port.protocol}/${port.port}`;
    if (seen.ports.has(key)) at.duplicate({ protocol: port.protocol, port: port.port });
    seen.ports.add(key);
  }
};

function nodePort(spec: ServiceSpec, port: ServicePort, list: { at: Place; seen: Set<string> }): void {
  if (port.nodePort === undefined || port.nodePort === 0) return;
  const place = list.at.field('nodePort');
  if (spec.type === 'ClusterIP') place.forbidden("may not be used when `type` is 'ClusterIP'");
  const key = `${port.protocol}/${port.nodePort}`;
  if (list.seen.has(key)) place.duplicate(port.nodePort);
  list.seen.add(key);
}

const addresses: Rule<ServiceSpec> = (spec, at) => {
  const { type, clusterIP = '' } = spec;
  const place = at.field('clusterIPs').index(0);
  if (type === 'ExternalName') {
    if (clusterIP !== '') at.field('clusterIPs').forbidden('may not be set for ExternalName services');
    if ((spec.externalName ?? '') === '') at.field('externalName').required();
    else dnsSubdomain((spec.externalName ?? '').replace(/\.$/, ''), at.field('externalName'));
    return;
  }
  if (clusterIP === 'None') {
    if (type !== 'ClusterIP') place.invalid(clusterIP, `may not be set to 'None' for ${type} services`);
  } else if (clusterIP !== '' && ipFamily(clusterIP) === undefined) {
    place.invalid(clusterIP, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  }
  const first = spec.clusterIPs?.[0];
  if (first !== undefined && first !== clusterIP) {
    at.field('clusterIPs').invalid(spec.clusterIPs, 'first value must match `clusterIP`');
  }
};

const AFFINITY_SECONDS_MAX = 86_400;

const affinity: Rule<ServiceSpec> = (spec, at) => {
  if (spec.sessionAffinity !== 'ClientIP') return;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  const place = at.field('sessionAffinityConfig').field('clientIP').field('timeoutSeconds');
  if (seconds === undefined) place.required('when session affinity type is ClientIP');
  else if (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX) place.invalid(seconds, 'must be greater than 0 and less than 86400');
};

/** Fields that only some types of Service can have. */
const onlyForTypes: Rule<ServiceSpec> = (spec, at) => {
  const outside = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  if (!outside && (spec.externalTrafficPolicy ?? '') !== '') {
    at.field('externalTrafficPolicy').invalid(spec.externalTrafficPolicy, 'may only be set for externally-accessible services');
  }
  if (spec.type !== 'LoadBalancer') {
    for (const field of ['loadBalancerSourceRanges', 'loadBalancerClass', 'allocateLoadBalancerNodePorts'] as const) {
      if (spec[field] !== undefined) at.field(field).forbidden("may only be used when `type` is 'LoadBalancer'");
    }
  }
};

@Whole(ports, addresses, affinity, onlyForTypes)
class ServiceSpecRules {
  @Each(() => ServicePortRules) readonly ports?: ServiceSpec['ports'];
  @Check(labels) readonly selector?: ServiceSpec['selector'];
  @Required()
  @OneOf('ClientIP', 'None')
  readonly sessionAffinity?: ServiceSpec['sessionAffinity'];
  @EachValue(ipAddress) readonly externalIPs?: ServiceSpec['externalIPs'];
  @Required()
  @OneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort')
  readonly type?: ServiceSpec['type'];
  @OneOf('Cluster', 'Local') readonly externalTrafficPolicy?: ServiceSpec['externalTrafficPolicy'];
  @OneOf('Cluster', 'Local') readonly internalTrafficPolicy?: ServiceSpec['internalTrafficPolicy'];
  @OneOf('SingleStack', 'PreferDualStack', 'RequireDualStack') readonly ipFamilyPolicy?: ServiceSpec['ipFamilyPolicy'];
  @EachValue<string>((family, at) => {
    if (family !== 'IPv4' && family !== 'IPv6') at.unsupported(family, ['IPv4', 'IPv6']);
  })
  readonly ipFamilies?: ServiceSpec['ipFamilies'];
  @EachValue(cidr) readonly loadBalancerSourceRanges?: ServiceSpec['loadBalancerSourceRanges'];
  @Check(nonNegative) readonly healthCheckNodePort?: ServiceSpec['healthCheckNodePort'];
}

export class ServiceRules {
  @Required()
  @Nested(() => ServiceSpecRules)
  readonly spec?: Service['spec'];
}

/** An assigned cluster IP stays while the Service has one at all. */
export function serviceUpdate(service: Service, old: Service, at: Place): void {
  const [spec, before] = [service.spec, old.spec];
  if (spec?.type === 'ExternalName' || before?.type === 'ExternalName') return;
  if ((before?.clusterIP ?? '') !== '' && spec?.clusterIP !== before?.clusterIP) {
    at.down('spec', 'clusterIPs')
      .index(0)
      .invalid([spec?.clusterIP ?? ''], 'may not change once set');
  }
  if (before?.loadBalancerClass !== undefined && spec?.type === 'LoadBalancer') {
    const place = at.down('spec', 'loadBalancerClass');
    if (spec.loadBalancerClass !== before.loadBalancerClass) place.invalid(spec.loadBalancerClass, 'may not change once set');
  }
}

/** Addresses that mean the host itself, nothing, or many cannot be the other end of a Service. */
function endpointIp(ip: string, at: Place): void {
  if (ipFamily(ip) === undefined) return at.invalid(ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  if (ip === '0.0.0.0' || ip === '::') at.invalid(ip, `may not be unspecified (${ip})`);
  if (ip.startsWith('127.') || ip === '::1') at.invalid(ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
  if (ip.startsWith('169.254.')) at.invalid(ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  if (ip.startsWith('224.0.0.')) at.invalid(ip, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
}

class AddressRules {
  @Required()
  @Check(endpointIp)
  readonly ip?: EndpointAddress['ip'];
  @Check(dnsLabel) readonly hostname?: EndpointAddress['hostname'];
  @Check(dnsSubdomain) readonly nodeName?: EndpointAddress['nodeName'];
}

class EndpointPortRules {
  @Check(dnsLabel) readonly name?: CoreV1EndpointPort['name'];
  @CheckNumber(portNumber)
  readonly port?: CoreV1EndpointPort['port'];
  @Required()
  @OneOf('SCTP', 'TCP', 'UDP')
  readonly protocol?: CoreV1EndpointPort['protocol'];
}

const someAddress: Rule<EndpointSubset> = (subset, at) => {
  if ((subset.addresses ?? []).length + (subset.notReadyAddresses ?? []).length === 0) {
    at.required('must specify `addresses` or `notReadyAddresses`');
  }
};

@Whole(someAddress)
class SubsetRules {
  @Each(() => AddressRules) readonly addresses?: EndpointSubset['addresses'];
  @Each(() => AddressRules) readonly notReadyAddresses?: EndpointSubset['notReadyAddresses'];
  @Each(() => EndpointPortRules) readonly ports?: EndpointSubset['ports'];
}

export class EndpointsRules {
  @Each(() => SubsetRules) readonly subsets?: Endpoints['subsets'];
}

const ENDPOINTS_MAX = 1000;
const SLICE_PORTS_MAX = 20_000;
const SLICE_ADDRESSES_MAX = 100;

class SliceEndpointRules {
  @NotEmpty('must contain at least 1 address')
  @Check<readonly string[]>((list, at) => {
    if (list.length > SLICE_ADDRESSES_MAX) at.tooMany(list.length, SLICE_ADDRESSES_MAX);
  })
  readonly addresses?: Endpoint['addresses'];
  @Check(dnsLabel) readonly hostname?: Endpoint['hostname'];
  @Check(dnsSubdomain) readonly nodeName?: Endpoint['nodeName'];
}

class SlicePortRules {
  @Check(portName) readonly name?: DiscoveryV1EndpointPort['name'];
  @Check(portNumber) readonly port?: DiscoveryV1EndpointPort['port'];
  @OneOf('SCTP', 'TCP', 'UDP') readonly protocol?: DiscoveryV1EndpointPort['protocol'];
}

const sliceAddresses: Rule<EndpointSlice> = (slice, at) => {
  for (const [index, endpoint] of (slice.endpoints ?? []).entries()) {
    for (const [position, address] of (endpoint.addresses ?? []).entries()) {
      const place = at.field('endpoints').index(index).field('addresses').index(position);
      if (slice.addressType === 'FQDN') dnsSubdomain(address, place);
      else {
        endpointIp(address, place);
        const family = ipFamily(address);
        if (family !== undefined && `IPv${family}` !== slice.addressType) place.invalid(address, `must be an ${slice.addressType} address`);
      }
    }
  }
};

@Whole(sliceAddresses)
export class EndpointSliceRules {
  @Required()
  @OneOf('FQDN', 'IPv4', 'IPv6')
  readonly addressType?: EndpointSlice['addressType'];
  @Each(() => SliceEndpointRules)
  @Check<readonly Endpoint[]>((list, at) => {
    if (list.length > ENDPOINTS_MAX) at.tooMany(list.length, ENDPOINTS_MAX);
  })
  readonly endpoints?: EndpointSlice['endpoints'];
  @Each(() => SlicePortRules)
  @Check<readonly DiscoveryV1EndpointPort[]>((list, at) => {
    if (list.length > SLICE_PORTS_MAX) at.tooMany(list.length, SLICE_PORTS_MAX);
  })
  readonly ports?: EndpointSlice['ports'];
}

export function endpointSliceUpdate(slice: EndpointSlice, old: EndpointSlice, at: Place): void {
  immutable(slice.addressType, old.addressType, at.field('addressType'));
}
