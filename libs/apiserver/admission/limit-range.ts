/** Kubernetes' LimitRanger: default requests and limits of containers, and the bounds that a namespace sets. */
import { storePrefix, type KubeObject } from '../../api/index.js';
import type { ApiContext } from '../registry/context.js';
import { record, records, text, type Fields } from '../registry/object.js';
import { forbidden } from '../status.js';
import type { AdmissionRule } from './admit.js';
import { withSpec } from './pod.js';
import { amountOf, podAmounts, sideOf, type Amounts } from './pod-resources.js';

const RANGES = { group: '', resource: 'limitranges' };

export const limitRanges: AdmissionRule = {
  name: 'LimitRanger',
  actions: ['CREATE'],
  resources: ['/pods'],
  admit: (context, operation, { object: pod }) => {
    if (pod === undefined) return pod;
    const limits = limitsOf(context, operation.namespace);
    if (limits.length === 0) return pod;
    const filled = limits.reduce(withDefaults, pod);
    const problems = limits.flatMap((limit) => problemsOf(filled, limit));
    if (problems.length === 0) return filled;
    const why = problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`;
    throw forbidden(operation.kind, pod.metadata.name ?? '', why);
  },
};

/** All items of all ranges of the namespace. */
function limitsOf(context: ApiContext, namespace: string | undefined): readonly Fields[] {
  const ranges = context.cache.list(`${storePrefix(RANGES)}${namespace}/`);
  return ranges.flatMap(({ object }) => records(record(object['spec'])['limits']));
}

function withDefaults(pod: KubeObject, limit: Fields): KubeObject {
  if (limit['type'] !== 'Container') return pod;
  const spec = record(pod['spec']);
  const fill = (field: string): Fields =>
    spec[field] === undefined ? {} : { [field]: records(spec[field]).map((container) => withContainerDefaults(container, limit)) };
  return withSpec(pod, { ...fill('initContainers'), ...fill('containers') });
}

/** What the container says itself stays; a limit of its own is also its request where it states none. */
function withContainerDefaults(container: Fields, limit: Fields): Fields {
  const resources = record(container['resources']);
  const limits = { ...record(limit['default']), ...record(resources['limits']) };
  const requests = { ...record(limit['defaultRequest']), ...record(resources['requests']) };
  const filled = { ...resources, ...nonEmpty('limits', limits), ...nonEmpty('requests', requests) };
  return { ...container, resources: filled };
}

function nonEmpty(name: string, fields: Fields): Fields {
  return Object.keys(fields).length === 0 ? {} : { [name]: fields };
}

function problemsOf(pod: KubeObject, limit: Fields): readonly string[] {
  if (limit['type'] === 'Pod')
    return outOfBounds('Pod', limit, { requests: podAmounts(pod, 'requests'), limits: podAmounts(pod, 'limits') });
  if (limit['type'] !== 'Container') return [];
  const spec = record(pod['spec']);
  const containers = [...records(spec['initContainers']), ...records(spec['containers'])];
  return containers.flatMap((container) =>
    outOfBounds('Container', limit, { requests: sideOf(container, 'requests'), limits: sideOf(container, 'limits') }),
  );
}

function outOfBounds(
  what: string,
  limit: Fields,
  { requests, limits }: { readonly requests: Amounts; readonly limits: Amounts },
): readonly string[] {
  const problems: string[] = [];
  for (const [name, bound] of Object.entries(record(limit['min']))) {
    const request = requests.get(name);
    const start = `minimum ${name} usage per ${what} is ${text(bound) ?? String(bound)}`;
    if (request === undefined) problems.push(`${start}. No request is specified`);
    else if (request < amountOf(bound)) problems.push(`${start}, but request is ${plain(request)}`);
  }
  for (const [name, bound] of Object.entries(record(limit['max']))) {
    const most = limits.get(name);
    const start = `maximum ${name} usage per ${what} is ${text(bound) ?? String(bound)}`;
    if (most === undefined) problems.push(`${start}. No limit is specified`);
    else if (most > amountOf(bound)) problems.push(`${start}, but limit is ${plain(most)}`);
  }
  return problems;
}

/** Thousandths where they matter, as Kubernetes prints such amounts. */
function plain(nanos: bigint): string {
  return nanos % 1_000_000_000n === 0n ? String(nanos / 1_000_000_000n) : `${nanos / 1_000_000n}m`;
}
