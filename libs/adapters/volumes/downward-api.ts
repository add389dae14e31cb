/** Texts of downwardAPI files: metadata of the pod, requests and limits of its containers. Pure. */
import { quantityMillis, quantityValue } from '../../api/light.js';
import type { Container, Pod, ResourceFieldSelector, Stored } from '../../api/index.js';

/** What a container without a limit may use. */
export interface NodeAmounts {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** Throws where the field is not one that volumes can show. */
export function fieldText(pod: Stored<Pod>, path: string): string {
  const { metadata } = pod;
  const one = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (one !== null) return (one[1] === 'labels' ? metadata.labels : metadata.annotations)?.[one[2] ?? ''] ?? '';
  const fields: Readonly<Record<string, () => string>> = {
    'metadata.name': () => metadata.name,
    'metadata.namespace': () => metadata.namespace ?? '',
    'metadata.uid': () => metadata.uid,
    'metadata.labels': () => mapText(metadata.labels ?? {}),
    'metadata.annotations': () => mapText(metadata.annotations ?? {}),
  };
  const read = fields[path];
  if (read === undefined) throw new Error(`unsupported fieldPath: ${path}`);
  return read();
}

/** One `key="value"` a line, sorted, as Kubernetes writes maps. */
function mapText(map: Readonly<Record<string, string>>): string {
  const keys = Object.keys(map).toSorted();
  return keys.map((key) => `${key}=${JSON.stringify(map[key])}`).join('\n');
}

/** `limits.cpu` and its like in units of the divisor, rounded up. Throws where the container or the resource is unknown. */
export function resourceText(pod: Stored<Pod>, selector: ResourceFieldSelector, node: NodeAmounts): string {
  const all: readonly Container[] = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const container = all.find((candidate) => candidate.name === selector.containerName);
  if (container === undefined) throw new Error(`container ${selector.containerName} not found`);
  const [kind, name = ''] = selector.resource.split('.');
  const amounts = kind === 'limits' ? container.resources?.limits : container.resources?.requests;
  const divisor = selector.divisor === undefined || selector.divisor === '0' ? '1' : selector.divisor;
  if (name === 'cpu') return String(Math.ceil(cpuOf(amounts?.['cpu'], kind, node) / quantityMillis(divisor)));
  if (name === 'memory') return String(Math.ceil(memoryOf(amounts?.['memory'], kind, node) / quantityValue(divisor)));
  return String(Math.ceil(quantityValue(amounts?.[name] ?? '0') / quantityValue(divisor)));
}

/** A missing limit is what the node has; a missing request is nothing. */
function cpuOf(quantity: string | undefined, kind: string | undefined, node: NodeAmounts): number {
  if (quantity !== undefined) return quantityMillis(quantity);
  return kind === 'limits' ? node.cpuMillis : 0;
}

function memoryOf(quantity: string | undefined, kind: string | undefined, node: NodeAmounts): number {
  if (quantity !== undefined) return quantityValue(quantity);
  return kind === 'limits' ? node.memoryBytes : 0;
}
