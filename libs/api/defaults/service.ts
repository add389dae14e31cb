/** Defaults of Services, Endpoints and EndpointSlices. */
import type {
  CoreV1EndpointPort,
  DiscoveryV1EndpointPort,
  Endpoints,
  EndpointSlice,
  EndpointSubset,
  LoadBalancerIngress,
  LoadBalancerStatus,
  Service,
  ServicePort,
  ServiceSpec,
  ServiceStatus,
  SessionAffinityConfig,
} from '../generated/types.js';
import { each, filler, inOrder, isUnset, type Filler } from './filler.js';

const CLIENT_IP_TIMEOUT_SECONDS_DEFAULT = 10_800;

const fillPort: Filler<ServicePort> = (port) => {
  const filled = filler<ServicePort>({ protocol: 'TCP', targetPort: (owner) => owner.port })(port);
  return filled.targetPort === 0 ? { ...filled, targetPort: filled.port } : filled;
};

function isReachable(type: string | undefined): boolean {
  return type === 'ClusterIP' || type === 'NodePort' || type === 'LoadBalancer';
}

function isReachableFromOutside(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
}

/** The configuration belongs to ClientIP affinity only, and there it always has its timeout. */
function fillAffinity(spec: ServiceSpec): ServiceSpec {
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined) {
    const { sessionAffinityConfig: _, ...rest } = spec;
    return rest;
  }
  if (spec.sessionAffinity !== 'ClientIP' || !isUnset(spec.sessionAffinityConfig?.clientIP?.timeoutSeconds)) return spec;
  const config: SessionAffinityConfig = { clientIP: { timeoutSeconds: CLIENT_IP_TIMEOUT_SECONDS_DEFAULT } };
  return { ...spec, sessionAffinityConfig: config };
}

/**
 * Families of a single-stack IPv4 cluster. A headless Service without selector may name endpoints of any family, so it
 * asks for both, as Kubernetes does.
 */
function fillFamilies(spec: ServiceSpec): ServiceSpec {
  if (!isReachable(spec.type)) return spec;
  const anyFamily = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  return filler<ServiceSpec>({
    ipFamilyPolicy: anyFamily ? 'RequireDualStack' : 'SingleStack',
    ipFamilies: (owner) => (owner.ipFamilyPolicy === 'RequireDualStack' && anyFamily ? ['IPv4', 'IPv6'] : ['IPv4']),
    clusterIPs: (owner) => (isUnset(owner.clusterIP) ? undefined : [owner.clusterIP]),
  })(spec);
}

const fillTraffic = filler<ServiceSpec>({
  externalTrafficPolicy: (spec) => (isReachableFromOutside(spec) ? 'Cluster' : undefined),
  internalTrafficPolicy: (spec) => (isReachable(spec.type) ? 'Cluster' : undefined),
  allocateLoadBalancerNodePorts: (spec) => (spec.type === 'LoadBalancer' ? true : undefined),
});

const fillSpec = inOrder<ServiceSpec>(
  filler<ServiceSpec>({ sessionAffinity: 'None', type: 'ClusterIP' }, { ports: each(fillPort) }),
  fillAffinity,
  fillTraffic,
  fillFamilies,
);

const fillIngress = filler<LoadBalancerIngress>({ ipMode: (ingress) => (isUnset(ingress.ip) ? undefined : 'VIP') });

export const fillService = filler<Service>(
  { spec: () => ({}), status: () => ({ loadBalancer: {} }) },
  {
    spec: fillSpec,
    status: filler<ServiceStatus>({}, { loadBalancer: filler<LoadBalancerStatus>({}, { ingress: each(fillIngress) }) }),
  },
);

export const fillEndpoints = filler<Endpoints>(
  {},
  { subsets: each(filler<EndpointSubset>({}, { ports: each(filler<CoreV1EndpointPort>({ protocol: 'TCP' })) })) },
);

/** A port without a name is written with the empty name. */
const fillSlicePort: Filler<DiscoveryV1EndpointPort> = (port) => {
  const filled = filler<DiscoveryV1EndpointPort>({ protocol: 'TCP' })(port);
  return filled.name === undefined || filled.name === null ? { ...filled, name: '' } : filled;
};

export const fillEndpointSlice = filler<EndpointSlice>({}, { ports: each(fillSlicePort) });
