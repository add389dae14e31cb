/** What a Service's pods offer: addresses, states and resolved ports; read by the EndpointSlice and the Endpoints controller. */
import { mapRequirements, matchesLabels } from '../../api/index.js';
import type { KubeObject, Pod, Service, ServicePort, Stored } from '../../api/index.js';
import { controllerOf, resources } from '../../reconciling/index.js';
import type { ClusterView, ControllerWatch } from '../../reconciling/index.js';
import { keyOf } from '../workload/ownership.js';
import { isFinished, isReady, isTerminating } from '../workload/pod-facts.js';
import type { StoredPod } from '../workload/pod-facts.js';

export type StoredService = Stored<Service>;

/** On slices and Endpoints of headless services. */
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';

export interface EndpointPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly appProtocol?: string | undefined;
}

export interface PodEndpoint {
  readonly pod: StoredPod;
  readonly ip: string;
  /** Traffic may be sent: ready and staying, or published before that. */
  readonly ready: boolean;
  /** Passes its readiness probe, also while terminating. */
  readonly serving: boolean;
  readonly terminating: boolean;
  /** DNS name under the service, for pods that ask for one. */
  readonly hostname: string | undefined;
  /** Ports whose target this pod has. */
  readonly ports: readonly EndpointPort[];
}

export function isHeadless(service: StoredService): boolean {
  return service.spec?.clusterIP === 'None';
}

/** Whether endpoints come from pods: a selector, and no name elsewhere. */
export function selectsPods(service: StoredService): boolean {
  return Object.keys(service.spec?.selector ?? {}).length > 0 && service.spec?.type !== 'ExternalName';
}

/** Endpoints of the service's pods, in name order. Finished pods and pods without an address have none. */
export function podEndpoints(view: ClusterView, service: StoredService): readonly PodEndpoint[] {
  if (!selectsPods(service)) return [];
  const requirements = mapRequirements(service.spec?.selector);
  const endpoints: PodEndpoint[] = [];
  for (const pod of view.list(resources.pods, service.metadata.namespace)) {
    if (!matchesLabels(requirements, pod.metadata.labels)) continue;
    const ip = pod.status?.podIP ?? '';
    if (ip !== '' && !isFinished(pod)) endpoints.push(toEndpoint(service, pod, ip));
  }
  return endpoints;
}

function toEndpoint(service: StoredService, pod: StoredPod, ip: string): PodEndpoint {
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  const { hostname, subdomain } = pod.spec ?? {};
  const isNamed = hostname !== undefined && hostname !== '' && subdomain === service.metadata.name;
  return {
    pod,
    ip,
    serving,
    terminating,
    ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating),
    hostname: isNamed ? hostname : undefined,
    ports: (service.spec?.ports ?? []).flatMap((port) => resolvePort(port, pod)),
  };
}

/** The number behind `targetPort`; nothing where the pod has no port of that name. */
function resolvePort(port: ServicePort, pod: Stored<Pod>): readonly EndpointPort[] {
  const number = targetNumber(port, pod);
  if (number === undefined) return [];
  const appProtocol = port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol };
  return [{ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: number, ...appProtocol }];
}

function targetNumber(port: ServicePort, pod: Stored<Pod>): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  if (/^\d+$/.test(target)) return Number(target);
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    const named = container.ports?.find((each) => each.name === target && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'));
    if (named !== undefined) return named.containerPort;
  }
  return undefined;
}

/** Endpoints with the same ports go into one slice or subset; the key is the ports themselves. */
export function groupByPorts(endpoints: readonly PodEndpoint[]): ReadonlyMap<string, readonly PodEndpoint[]> {
  const groups = new Map<string, PodEndpoint[]>();
  for (const endpoint of endpoints) {
    const key = JSON.stringify(endpoint.ports);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [endpoint]);
    else group.push(endpoint);
  }
  return groups;
}

/** A change of a pod concerns the services that select it, now or before; most status updates concern nobody. */
export const podsOfServices: ControllerWatch = {
  resource: resources.pods,
  keys(pod, previous, view) {
    const services = view.list(resources.services, pod.metadata.namespace);
    if (services.length === 0) return [];
    if (previous !== undefined && previous !== pod && offerText(pod) === offerText(previous)) return [];
    return services
      .filter((service) => {
        if (!selectsPods(service)) return false;
        const requirements = mapRequirements(service.spec?.selector);
        return matchesLabels(requirements, pod.metadata.labels) || matchesLabels(requirements, previous?.metadata.labels);
      })
      .map(keyOf);
  },
};

function offerText(object: KubeObject): string {
  const pod = object as unknown as StoredPod; // decode: watched under pods
  const { metadata, spec, status } = pod;
  const offered = [metadata.labels, metadata.deletionTimestamp, spec?.nodeName, status?.podIP, status?.phase, isReady(pod)];
  return JSON.stringify(offered);
}

/** Where the owner of `object` is a Service: its key. For objects that somebody else changed or deleted. */
export function serviceOfOwned(object: KubeObject): readonly string[] {
  const owner = controllerOf(object);
  return owner?.kind === 'Service' ? [`${object.metadata.namespace ?? ''}/${owner.name}`] : [];
}
