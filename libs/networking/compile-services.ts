/** Services and EndpointSlices -> what one host's data path must do with each address and port. */
import type { Endpoint, EndpointSlice, Service, ServicePort, ServiceSpec } from '../api/index.js';
import { isHeadless, slicesByService, toProtocol, usable } from './endpoints.js';
import { parseIpv4 } from './ipv4.js';
import { frontendKey } from './service-rules.js';
import type { ServiceBackend, ServiceFrontend, ServiceRules } from './service-rules.js';

/** Kubernetes' default of `sessionAffinityConfig.clientIP.timeoutSeconds`: three hours. */
const AFFINITY_SECONDS_DEFAULT = 10_800;

interface Candidate {
  readonly endpoint: Endpoint;
  readonly backend: ServiceBackend;
}

/**
 * Compiles the rules of the host `nodeName`. Deterministic: the order of the inputs does not matter. Two Services that
 * claim the same address and port (possible with external addresses) are settled by name, the first one wins.
 */
export function compileServices(
  services: Iterable<Service>,
  endpointSlices: Iterable<EndpointSlice>,
  options: { readonly nodeName: string },
): ServiceRules {
  const slices = slicesByService(endpointSlices);
  const frontends = new Map<string, ServiceFrontend>();
  for (const service of [...services].sort(byNamespaceAndName)) {
    const key = `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`;
    for (const frontend of frontendsOf(service, slices.get(key) ?? [], options.nodeName)) {
      const place = frontendKey(frontend);
      if (!frontends.has(place)) frontends.set(place, frontend);
    }
  }
  return { frontends: [...frontends.values()].sort(byPlace) };
}

function frontendsOf(service: Service, slices: readonly EndpointSlice[], nodeName: string): readonly ServiceFrontend[] {
  const spec = service.spec;
  if (spec === undefined || spec.type === 'ExternalName' || isHeadless(spec.clusterIP)) return [];
  return (spec.ports ?? []).flatMap((port) => {
    const candidates = candidatesOf(slices, port);
    const common = {
      port: port.port,
      protocol: toProtocol(port.protocol),
      service: `${service.metadata?.namespace}/${service.metadata?.name}:${port.name ?? port.port}`,
      ...affinityOf(spec),
    };
    const inside = { ...common, ...insideTraffic(spec, candidates, nodeName) };
    const outside = { ...common, ...outsideTraffic(spec, candidates, nodeName) };
    return [
      ...clusterAddresses(spec).map((address): ServiceFrontend => ({ ...inside, kind: 'address', address })),
      ...ipv4Only(spec.externalIPs).map((address): ServiceFrontend => ({ ...outside, kind: 'address', address })),
      ...loadBalancerAddresses(service).map((address): ServiceFrontend => ({
        ...outside,
        kind: 'address',
        address,
        ...((spec.loadBalancerSourceRanges?.length ?? 0) > 0 ? { sourceRanges: spec.loadBalancerSourceRanges } : {}),
      })),
      ...(port.nodePort === undefined || port.nodePort === 0
        ? []
        : [{ ...outside, kind: 'node-port', port: port.nodePort } satisfies ServiceFrontend]),
    ];
  });
}

function candidatesOf(slices: readonly EndpointSlice[], port: ServicePort): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    for (const slicePort of slice.ports ?? []) {
      if ((slicePort.name ?? '') !== (port.name ?? '') || slicePort.port === undefined) continue;
      if (toProtocol(slicePort.protocol) !== toProtocol(port.protocol)) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const address = endpoint.addresses[0];
        if (address === undefined) continue;
        // The same endpoint can stand in two slices while a controller moves it: the ready entry counts.
        const key = `${address}:${slicePort.port}`;
        const candidate = { endpoint, backend: { address, port: slicePort.port } };
        if (found.get(key)?.endpoint.conditions?.ready !== true) found.set(key, candidate);
      }
    }
  }
  return [...found.values()];
}

type Traffic = Pick<ServiceFrontend, 'backends' | 'local' | 'insideBackends' | 'whenEmpty'>;

function insideTraffic(spec: ServiceSpec, candidates: readonly Candidate[], nodeName: string): Traffic {
  const everywhere = backendsOf(candidates);
  if (spec.internalTrafficPolicy !== 'Local') return { backends: everywhere, local: false, whenEmpty: 'reject' };
  return { backends: backendsOn(candidates, nodeName), local: true, whenEmpty: everywhere.length > 0 ? 'drop' : 'reject' };
}

function outsideTraffic(spec: ServiceSpec, candidates: readonly Candidate[], nodeName: string): Traffic {
  const everywhere = backendsOf(candidates);
  if (spec.externalTrafficPolicy !== 'Local') return { backends: everywhere, local: false, whenEmpty: 'reject' };
  return {
    backends: backendsOn(candidates, nodeName),
    local: true,
    insideBackends: everywhere,
    whenEmpty: everywhere.length > 0 ? 'drop' : 'reject',
  };
}

function backendsOf(candidates: readonly Candidate[]): readonly ServiceBackend[] {
  return usable(candidates)
    .map((candidate) => candidate.backend)
    .sort((a, b) => compare(a.address, b.address) || a.port - b.port);
}

function backendsOn(candidates: readonly Candidate[], nodeName: string): readonly ServiceBackend[] {
  return backendsOf(candidates.filter((candidate) => candidate.endpoint.nodeName === nodeName));
}

function affinityOf(spec: ServiceSpec): { readonly affinitySeconds?: number } {
  if (spec.sessionAffinity !== 'ClientIP') return {};
  return { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS_DEFAULT };
}

function clusterAddresses(spec: ServiceSpec): readonly string[] {
  return ipv4Only(spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]));
}

function loadBalancerAddresses(service: Service): readonly string[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ipv4Only(ingress.filter((entry) => entry.ipMode !== 'Proxy').flatMap((entry) => (entry.ip === undefined ? [] : [entry.ip])));
}

function ipv4Only(addresses: readonly string[] | undefined): readonly string[] {
  return (addresses ?? []).filter((address) => parseIpv4(address) !== undefined);
}

function byNamespaceAndName(a: Service, b: Service): number {
  return compare(a.metadata?.namespace ?? '', b.metadata?.namespace ?? '') || compare(a.metadata?.name ?? '', b.metadata?.name ?? '');
}

function byPlace(a: ServiceFrontend, b: ServiceFrontend): number {
  return compare(a.kind, b.kind) || compare(a.address ?? '', b.address ?? '') || a.port - b.port || compare(a.protocol, b.protocol);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
