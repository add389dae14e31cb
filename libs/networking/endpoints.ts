/** Groups EndpointSlices by Service and chooses the endpoints that may receive traffic. */
import type { Endpoint, EndpointSlice } from '../api/index.js';
import type { TransportProtocol } from './service-rules.js';

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** `namespace/name` -> the IPv4 slices of that Service. */
export function slicesByService(slices: Iterable<EndpointSlice>): ReadonlyMap<string, readonly EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata?.labels?.[SERVICE_NAME_LABEL];
    if (name === undefined || slice.addressType !== 'IPv4') continue;
    const key = `${slice.metadata?.namespace ?? ''}/${name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  return groups;
}

/** An absent condition counts as true (EndpointConditions: "A nil value should be interpreted as true"). */
export function isReady(endpoint: Endpoint): boolean {
  return endpoint.conditions?.ready ?? true;
}

/**
 * Ready endpoints; when there is none, those that still serve while they end, so that the last replicas of a rollout
 * drop no connection (Kubernetes docs, "ProxyTerminatingEndpoints").
 */
export function usable<T extends { readonly endpoint: Endpoint }>(candidates: readonly T[]): readonly T[] {
  const ready = candidates.filter((candidate) => isReady(candidate.endpoint));
  if (ready.length > 0) return ready;
  return candidates.filter(({ endpoint }) => {
    const serving = endpoint.conditions?.serving ?? isReady(endpoint);
    return serving && endpoint.conditions?.terminating === true;
  });
}

export function toProtocol(text: string | undefined): TransportProtocol {
  return text === 'UDP' || text === 'SCTP' ? text : 'TCP';
}

/** Clients use one of these; everything else has no cluster address to serve. */
export function isHeadless(clusterIp: string | undefined): boolean {
  return clusterIp === undefined || clusterIp === '' || clusterIp === 'None';
}
