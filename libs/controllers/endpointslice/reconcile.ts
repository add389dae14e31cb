/** EndpointSlices of a Service's pods: at most 100 endpoints each, changed as little as possible. */
import type { Endpoint, EndpointSlice, KubeObject, Stored } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, DecisionContext, ObjectAction, Plan } from '../../reconciling/index.js';
import {
  groupByPorts,
  HEADLESS_LABEL,
  isHeadless,
  podEndpoints,
  podsOfServices,
  selectsPods,
  serviceOfOwned,
} from '../endpoints/pod-endpoints.js';
import type { EndpointPort, PodEndpoint, StoredService } from '../endpoints/pod-endpoints.js';
import { keyOf, splitKey } from '../workload/ownership.js';
import { isTerminating } from '../workload/pod-facts.js';
import { canonicalJson, controllerReference } from '../workload/pod-template.js';

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
export const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';
export const MANAGER = 'endpointslice-controller.k8s.io';
/** Endpoints in one slice. */
export const SLICE_ENDPOINTS_MAX = 100;

type StoredSlice = Stored<EndpointSlice>;

export const endpointSliceController: Controller = {
  name: 'endpoint-slice-controller',
  workers: 16,
  watches: [
    { resource: resources.services, keys: (service) => [keyOf(service)] },
    { resource: resources.endpointSlices, keys: (slice) => (isOurs(slice) ? serviceOfOwned(slice) : []) },
    { resource: resources.nodes, keys: keysOfNode },
    podsOfServices,
  ],
  reconcile(view, key, context) {
    const { namespace, name } = splitKey(key);
    const service = view.get(resources.services, namespace, name);
    return service === undefined || isTerminating(service) ? { actions: [] } : reconcileSlices(view, service, context);
  },
};

/** Endpoints carry their node's zone: only a changed zone concerns them. */
function keysOfNode(node: KubeObject, previous: KubeObject | undefined, view: ClusterView): readonly string[] {
  const zone = (object: KubeObject): string | undefined => object.metadata.labels?.['topology.kubernetes.io/zone'];
  if (previous === undefined || zone(node) === zone(previous)) return [];
  return view.list(resources.services).map(keyOf);
}

function isOurs(slice: KubeObject): boolean {
  return slice.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER;
}

/** Same view, same plan (names of new slices come from `context.ids`). */
export function reconcileSlices(view: ClusterView, service: StoredService, context: DecisionContext): Plan {
  const existing = view.ownedOf(resources.endpointSlices, service.metadata.uid).filter((slice) => isOurs(slice) && !isTerminating(slice));
  if (!selectsPods(service)) return { actions: existing.map(deletion) };
  const groups = groupByPorts(podEndpoints(view, service));
  const byPorts = new Map<string, StoredSlice[]>();
  for (const slice of existing) {
    const key = portsText(slice.ports ?? []);
    byPorts.set(key, [...(byPorts.get(key) ?? []), slice]);
  }
  const actions: ObjectAction[] = [];
  for (const endpoints of groups.values()) {
    const ports = endpoints[0]?.ports ?? [];
    const key = portsText(ports);
    const slices = byPorts.get(key) ?? [];
    byPorts.delete(key);
    const wanted = new Map(endpoints.map((endpoint) => [endpoint.pod.metadata.uid, toSliceEndpoint(view, endpoint)]));
    actions.push(...pack({ service, context, ports }, slices, wanted));
  }
  actions.push(...withPlaceholder(service, context, [...byPorts.values()].flat(), groups.size === 0));
  return { actions };
}

interface Packing {
  readonly service: StoredService;
  readonly context: DecisionContext;
  readonly ports: readonly EndpointPort[];
}

/** Keeps endpoints where they are, fills free places, then makes new slices; slices that end up empty go. */
function pack(packing: Packing, slices: readonly StoredSlice[], wanted: ReadonlyMap<string, Endpoint>): readonly ObjectAction[] {
  const left = new Map(wanted);
  const kept = slices.map((slice) => ({ slice, endpoints: keep(slice, left) }));
  for (const each of kept.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) {
    for (const [uid, endpoint] of left) {
      if (each.endpoints.length >= SLICE_ENDPOINTS_MAX) break;
      each.endpoints.push(endpoint);
      left.delete(uid);
    }
  }
  const creates: ObjectAction[] = [];
  const rest = [...left.values()];
  for (let start = 0; start < rest.length; start += SLICE_ENDPOINTS_MAX) {
    creates.push(creation(packing, rest.slice(start, start + SLICE_ENDPOINTS_MAX)));
  }
  const changes = kept.flatMap(({ slice, endpoints }) => (endpoints.length === 0 ? [deletion(slice)] : change(packing, slice, endpoints)));
  // Updates before deletes before creates would lose nothing either; creates last keeps names of one round together.
  return [...changes, ...creates];
}

/** The slice's endpoints that are still wanted, in their new form; takes them out of `left`. */
function keep(slice: StoredSlice, left: Map<string, Endpoint>): Endpoint[] {
  const endpoints: Endpoint[] = [];
  for (const endpoint of slice.endpoints ?? []) {
    const uid = endpoint.targetRef?.uid ?? '';
    const next = left.get(uid);
    if (next === undefined) continue;
    endpoints.push(next);
    left.delete(uid);
  }
  return endpoints;
}

/** A service without any endpoint keeps one empty slice: readers can tell "none" from "not yet known". */
function withPlaceholder(
  service: StoredService,
  context: DecisionContext,
  unused: readonly StoredSlice[],
  isEmpty: boolean,
): readonly ObjectAction[] {
  if (!isEmpty) return unused.map(deletion);
  const [first, ...others] = unused;
  const packing: Packing = { service, context, ports: [] };
  if (first === undefined) return [creation(packing, [])];
  return [...change(packing, first, []), ...others.map(deletion)];
}

function toSliceEndpoint(view: ClusterView, endpoint: PodEndpoint): Endpoint {
  const { pod, ip, ready, serving, terminating, hostname } = endpoint;
  const nodeName = pod.spec?.nodeName;
  const zone =
    nodeName === undefined ? undefined : view.get(resources.nodes, undefined, nodeName)?.metadata.labels?.['topology.kubernetes.io/zone'];
  return {
    addresses: [ip],
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
  };
}

function labelsOf(service: StoredService): Readonly<Record<string, string>> {
  return {
    ...service.metadata.labels,
    ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}),
    [SERVICE_NAME_LABEL]: service.metadata.name,
    [MANAGED_BY_LABEL]: MANAGER,
  };
}

function creation({ service, context, ports }: Packing, endpoints: readonly Endpoint[]): ObjectAction {
  const { name, namespace } = service.metadata;
  return {
    do: 'create',
    resource: resources.endpointSlices,
    object: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${name.slice(0, 57)}-${context.ids.suffix(5)}`,
        generateName: `${name}-`,
        namespace,
        labels: labelsOf(service),
        ownerReferences: [controllerReference(service)],
      },
      addressType: 'IPv4',
      endpoints,
      ports,
    },
  };
}

function change({ service, ports }: Packing, slice: StoredSlice, endpoints: readonly Endpoint[]): readonly ObjectAction[] {
  const object = { ...slice, endpoints, ports, metadata: { ...slice.metadata, labels: labelsOf(service) } };
  const isSame =
    canonicalJson([endpoints, ports, object.metadata.labels]) === canonicalJson([slice.endpoints, slice.ports, slice.metadata.labels]);
  return isSame ? [] : [{ do: 'update', resource: resources.endpointSlices, object }];
}

function deletion(slice: StoredSlice): ObjectAction {
  const { namespace, name, uid } = slice.metadata;
  return { do: 'delete', ref: { ...resources.endpointSlices, namespace, name }, uid };
}

function portsText(
  ports: readonly { readonly name?: string | undefined; readonly protocol?: string | undefined; readonly port?: number | undefined }[],
): string {
  return JSON.stringify(
    ports.map((port) => [port.name ?? '', port.protocol ?? 'TCP', port.port]).toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
  );
}
