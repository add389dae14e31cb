/** Field and resource references of the downward API. */
import { parseQuantity, quantityMillis, quantityValue } from '../../api/light.js';
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '../../api/index.js';

export interface PodFacts {
  readonly podIp?: string | undefined;
  readonly podIps?: readonly string[] | undefined;
  readonly hostIp: string;
}

/** What stands for limits that a container does not set. */
export interface NodeCapacity {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly ephemeralBytes: number;
}

/** The text of a field; throws an Error with Kubernetes' words for a field that cannot be referred to. */
export function fieldValue(pod: Pod, selector: ObjectFieldSelector, facts: PodFacts): string {
  const path = selector.fieldPath;
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (keyed !== null) {
    const map = keyed[1] === 'labels' ? pod.metadata?.labels : pod.metadata?.annotations;
    return map?.[keyed[2] ?? ''] ?? '';
  }
  const value = plainFields(pod, facts).get(path);
  if (value === undefined) throw new Error(`unsupported fieldPath: ${path}`);
  return value;
}

function plainFields(pod: Pod, facts: PodFacts): ReadonlyMap<string, string> {
  const { metadata, spec } = pod;
  return new Map([
    ['metadata.name', metadata?.name ?? ''],
    ['metadata.namespace', metadata?.namespace ?? ''],
    ['metadata.uid', metadata?.uid ?? ''],
    ['metadata.labels', formatMap(metadata?.labels)],
    ['metadata.annotations', formatMap(metadata?.annotations)],
    ['spec.nodeName', spec?.nodeName ?? ''],
    ['spec.serviceAccountName', spec?.serviceAccountName ?? 'default'],
    ['status.hostIP', facts.hostIp],
    ['status.hostIPs', facts.hostIp],
    ['status.podIP', facts.podIp ?? ''],
    ['status.podIPs', (facts.podIps ?? (facts.podIp === undefined ? [] : [facts.podIp])).join(',')],
  ]);
}

function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** `limits.cpu` and such, divided by the divisor and rounded up. */
export function resourceValue(pod: Pod, own: Container, selector: ResourceFieldSelector, capacity: NodeCapacity): string {
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const name = selector.containerName;
  const container = name === undefined || name === '' ? own : all.find((other) => other.name === name);
  if (container === undefined) throw new Error(`container ${name} not found`);
  const [group, ...rest] = selector.resource.split('.');
  const resource = rest.join('.');
  const { limits, requests } = container.resources ?? {};
  const amount = group === 'limits' ? limits?.[resource] : (requests?.[resource] ?? limits?.[resource]);
  const divisor = selector.divisor === undefined || selector.divisor === '0' ? '1' : selector.divisor;
  parseQuantity(divisor);
  if (resource === 'cpu') {
    const millis = amount === undefined ? (group === 'limits' ? capacity.cpuMillis : 0) : quantityMillis(amount);
    return String(Math.ceil(millis / quantityMillis(divisor)));
  }
  const fallback = resource === 'memory' ? capacity.memoryBytes : resource === 'ephemeral-storage' ? capacity.ephemeralBytes : 0;
  const value = amount === undefined ? (group === 'limits' ? fallback : 0) : quantityValue(amount);
  return String(Math.ceil(value / quantityValue(divisor)));
}
