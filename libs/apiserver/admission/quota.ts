/** Kubernetes' ResourceQuota: a write that would take a namespace over a quota's hard limit is refused. */
import {
  findByResource,
  formatQuantity,
  parseQuantity,
  qualifiedResource,
  storePrefix,
  type KindInfo,
  type KubeObject,
} from '../../api/index.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { integer, record, records, text, texts, type Fields } from '../registry/object.js';
import { qosClass } from '../registry/strategy.js';
import { forbidden } from '../status.js';
import type { AdmissionRule } from './admit.js';
import { amountOf, podAmounts, sideOf, type Amounts } from './pod-resources.js';

const QUOTAS = { group: '', resource: 'resourcequotas' };
const ONE = 1_000_000_000n;

/** Resources that quotas name without `count/`. */
const countedByName: ReadonlySet<string> = new Set([
  'pods',
  'services',
  'configmaps',
  'secrets',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
]);

export const quota: AdmissionRule = {
  name: 'ResourceQuota',
  actions: ['CREATE'],
  admit: (context, operation, { object }) => {
    if (object === undefined || !operation.kind.namespaced) return object;
    for (const item of quotasOf(context, operation.namespace)) charge(context, operation, object, item);
    return object;
  },
};

/** The namespace's quotas; writes there go one after the other, so that each sees what the one before it used. */
export function quotasOf(context: ApiContext, namespace: string | undefined): readonly KubeObject[] {
  if (namespace === undefined) return [];
  return context.cache.list(`${storePrefix(QUOTAS)}${namespace}/`).map(({ object }) => object);
}

function charge(context: ApiContext, operation: Operation, object: KubeObject, item: KubeObject): void {
  const { kind } = operation;
  const hard = new Map(Object.entries(record(record(item['spec'])['hard'])));
  if (!inScope(item, kind, object)) return;
  requireStated(operation, object, { item, hard });
  const asked = [...chargesOf(kind, object)].filter(([name]) => hard.has(name));
  if (asked.length === 0) return;
  const used = usageOf(context, operation, item);
  const over = asked.filter(([name, amount]) => (used.get(name) ?? 0n) + amount > amountOf(hard.get(name)));
  if (over.length === 0) return;
  const list = (amounts: readonly (readonly [string, string])[]): string => amounts.map(([name, amount]) => `${name}=${amount}`).join(',');
  const requested = list(over.map(([name, amount]) => [name, written(amount, hard.get(name))]));
  const inUse = list(over.map(([name]) => [name, written(used.get(name) ?? 0n, hard.get(name))]));
  const limited = list(over.map(([name]) => [name, String(hard.get(name))]));
  const why = `exceeded quota: ${item.metadata.name}, requested: ${requested}, used: ${inUse}, limited: ${limited}`;
  throw forbidden(kind, object.metadata.name ?? '', why);
}

/** What one object uses, by the names that quotas have for it. */
function chargesOf(kind: KindInfo, object: KubeObject): Amounts {
  const charges = new Map<string, bigint>([[`count/${qualifiedResource(kind)}`, ONE]]);
  if (kind.group === '' && countedByName.has(kind.resource)) charges.set(kind.resource, ONE);
  if (kind.group !== '') return charges;
  if (kind.resource === 'pods') addPod(charges, object);
  if (kind.resource === 'services') addService(charges, object);
  if (kind.resource === 'persistentvolumeclaims') {
    const resources = record(record(object['spec'])['resources']);
    charges.set('requests.storage', amountOf(record(resources['requests'])['storage']));
  }
  return charges;
}

function addPod(charges: Map<string, bigint>, pod: KubeObject): void {
  for (const [name, amount] of podAmounts(pod, 'requests')) {
    charges.set(name, amount);
    charges.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podAmounts(pod, 'limits')) charges.set(`limits.${name}`, amount);
}

function addService(charges: Map<string, bigint>, service: KubeObject): void {
  const spec = record(service['spec']);
  const nodePorts = records(spec['ports']).filter((port) => (integer(port['nodePort']) ?? 0) > 0).length;
  charges.set('services.nodeports', BigInt(nodePorts) * ONE);
  charges.set('services.loadbalancers', spec['type'] === 'LoadBalancer' ? ONE : 0n);
}

/** A quota on compute resources makes stating them a duty, or unbounded pods would pass it by. */
function requireStated(
  operation: Operation,
  pod: KubeObject,
  { item, hard }: { readonly item: KubeObject; readonly hard: ReadonlyMap<string, unknown> },
): void {
  if (qualifiedResource(operation.kind) !== 'pods') return;
  const missing: string[] = [];
  for (const name of hard.keys()) {
    const [side, resource] = name.startsWith('limits.')
      ? (['limits', name.slice(7)] as const)
      : (['requests', name.replace(/^requests\./, '')] as const);
    if (resource !== 'cpu' && resource !== 'memory') continue;
    const without = records(record(pod['spec'])['containers']).filter((container) => !sideOf(container, side).has(resource));
    if (without.length > 0) missing.push(`${name} for: ${without.map((container) => text(container['name'])).join(',')}`);
  }
  if (missing.length === 0) return;
  throw forbidden(operation.kind, pod.metadata.name ?? '', `failed quota: ${item.metadata.name}: must specify ${missing.join('; ')}`);
}

/** Counted anew from what is stored: there is no ledger that could be wrong. */
function usageOf(context: ApiContext, operation: Operation, item: KubeObject): Amounts {
  const usage = new Map<string, bigint>();
  for (const kind of kindsNamedBy(item)) {
    for (const { object } of context.cache.list(`${storePrefix(kind)}${operation.namespace}/`)) {
      if (!inScope(item, kind, object) || isOver(kind, object)) continue;
      for (const [name, amount] of chargesOf(kind, object)) usage.set(name, (usage.get(name) ?? 0n) + amount);
    }
  }
  return usage;
}

function kindsNamedBy(item: KubeObject): readonly KindInfo[] {
  const found = new Set<KindInfo>();
  for (const name of Object.keys(record(record(item['spec'])['hard']))) {
    const kind = findByResource(resourceNamed(name));
    if (kind !== undefined) found.add(kind);
  }
  return [...found];
}

function resourceNamed(name: string): { readonly group: string; readonly resource: string } {
  const counted = /^count\/([^.]+)(?:\.(.+))?$/.exec(name);
  if (counted !== null) return { group: counted[2] ?? '', resource: counted[1] ?? '' };
  if (name === 'requests.storage') return { group: '', resource: 'persistentvolumeclaims' };
  if (name.startsWith('services')) return { group: '', resource: 'services' };
  return { group: '', resource: countedByName.has(name) ? name : 'pods' };
}

/** Finished pods use nothing. */
function isOver(kind: KindInfo, object: KubeObject): boolean {
  const phase = text(record(object['status'])['phase']);
  return qualifiedResource(kind) === 'pods' && (phase === 'Succeeded' || phase === 'Failed');
}

/** Scopes choose pods; a quota with scopes does not look at anything else. */
function inScope(item: KubeObject, kind: KindInfo, object: KubeObject): boolean {
  const scopes = texts(record(item['spec'])['scopes']);
  if (scopes.length === 0) return true;
  return qualifiedResource(kind) === 'pods' && scopes.every((scope) => podHasScope(object, scope));
}

function podHasScope(pod: KubeObject, scope: string): boolean {
  const spec: Fields = record(pod['spec']);
  const isBestEffort = qosClass(pod) === 'BestEffort';
  const ends = integer(spec['activeDeadlineSeconds']) !== undefined;
  switch (scope) {
    case 'BestEffort':
      return isBestEffort;
    case 'NotBestEffort':
      return !isBestEffort;
    case 'Terminating':
      return ends;
    case 'NotTerminating':
      return !ends;
    default:
      return true;
  }
}

/** In the notation of the hard limit. */
function written(nanos: bigint, hard: unknown): string {
  return formatQuantity({ nanos, format: parseQuantity(text(hard) ?? String(hard)).format });
}
