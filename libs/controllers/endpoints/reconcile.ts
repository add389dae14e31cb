/** Endpoints: the older form of EndpointSlices, one object a Service; many clients (and users) still read it. */
import type { EndpointAddress, EndpointSubset, KubeObject } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { Controller, Plan } from '../../reconciling/index.js';
import { keyOf, splitKey } from '../workload/ownership.js';
import { canonicalJson } from '../workload/pod-template.js';
import { groupByPorts, HEADLESS_LABEL, isHeadless, podEndpoints, podsOfServices, selectsPods } from './pod-endpoints.js';
import type { PodEndpoint, StoredService } from './pod-endpoints.js';

/** Addresses beyond this are left out, and an annotation says so (Kubernetes docs, "Over-capacity endpoints"). */
export const ENDPOINTS_ADDRESSES_MAX = 1_000;
const OVER_CAPACITY_ANNOTATION = 'endpoints.kubernetes.io/over-capacity';
const MANAGED_BY_LABEL = 'endpoints.kubernetes.io/managed-by';

export const endpointsController: Controller = {
  name: 'endpoint-controller',
  watches: [
    { resource: resources.services, keys: (service) => [keyOf(service)] },
    { resource: resources.endpoints, keys: (endpoints) => [keyOf(endpoints)] },
    podsOfServices,
  ],
  reconcile(view, key) {
    const { namespace, name } = splitKey(key);
    const service = view.get(resources.services, namespace, name);
    const before = view.get(resources.endpoints, namespace, name);
    if (service === undefined) return forget(before);
    if (!selectsPods(service)) return { actions: [] };
    const wanted = endpointsOf(service, podEndpoints(view, service));
    if (before === undefined) return { actions: [{ do: 'create', resource: resources.endpoints, object: wanted }] };
    const { [OVER_CAPACITY_ANNOTATION]: _, ...annotations } = before.metadata.annotations ?? {};
    const object = {
      ...before,
      subsets: wanted['subsets'],
      metadata: { ...before.metadata, labels: wanted.metadata.labels, annotations: { ...annotations, ...wanted.metadata.annotations } },
    };
    if (canonicalJson(object) === canonicalJson(before)) return { actions: [] };
    return { actions: [{ do: 'update', resource: resources.endpoints, object }] };
  },
};

/** The service is gone. Endpoints that users made themselves stay: only ours carry the label. */
function forget(endpoints: KubeObject | undefined): Plan {
  if (endpoints?.metadata.labels?.[MANAGED_BY_LABEL] !== 'endpoint-controller') return { actions: [] };
  const { name = '', namespace, uid } = endpoints.metadata;
  return { actions: [{ do: 'delete', ref: { ...resources.endpoints, namespace, name }, uid }] };
}

function endpointsOf(service: StoredService, endpoints: readonly PodEndpoint[]): KubeObject {
  const staying = endpoints.filter((endpoint) => !endpoint.terminating || service.spec?.publishNotReadyAddresses === true);
  const usable = staying.filter(
    (endpoint) => endpoint.ports.length > 0 || (isHeadless(service) && (service.spec?.ports ?? []).length === 0),
  );
  // Ready ones first, so that truncation costs those that get no traffic anyway.
  const kept = usable.toSorted((a, b) => Number(b.ready) - Number(a.ready)).slice(0, ENDPOINTS_ADDRESSES_MAX);
  const isTruncated = kept.length < usable.length;
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: service.metadata.name,
      namespace: service.metadata.namespace,
      labels: {
        ...service.metadata.labels,
        [MANAGED_BY_LABEL]: 'endpoint-controller',
        ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}),
      },
      ...(isTruncated ? { annotations: { [OVER_CAPACITY_ANNOTATION]: 'truncated' } } : {}),
    },
    subsets: [...groupByPorts(kept).values()].map(subsetOf).toSorted((a, b) => (canonicalJson(a.ports) < canonicalJson(b.ports) ? -1 : 1)),
  };
}

function subsetOf(endpoints: readonly PodEndpoint[]): EndpointSubset {
  const addresses = sorted(endpoints.filter((endpoint) => endpoint.ready));
  const notReadyAddresses = sorted(endpoints.filter((endpoint) => !endpoint.ready));
  const ports = (endpoints[0]?.ports ?? []).map(({ name, ...port }) => (name === '' ? port : { name, ...port }));
  return {
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}

function sorted(endpoints: readonly PodEndpoint[]): readonly EndpointAddress[] {
  return endpoints
    .toSorted((a, b) => (a.ip < b.ip ? -1 : 1))
    .map(({ pod, ip, hostname }) => ({
      ip,
      ...(hostname === undefined ? {} : { hostname }),
      nodeName: pod.spec?.nodeName,
      targetRef: { kind: 'Pod', name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
    }));
}
