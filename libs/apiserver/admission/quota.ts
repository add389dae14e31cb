/** Kubernetes' ResourceQuota: a write that would take a namespace over a quota's hard limit is refused. */
import { qualifiedResource, storePrefix, type KubeObject } from '../../api/index.js';
import { chargesOf } from '../quota/charges.js';
import { inScope } from '../quota/scopes.js';
import { inNotationOf, usageOf } from '../quota/usage.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { record, records, text } from '../registry/object.js';
import { forbidden } from '../status.js';
import type { AdmissionAttributes, AdmissionRule } from './admit.js';
import { amountOf, sideOf } from './pod-resources.js';

const QUOTAS = { group: '', resource: 'resourcequotas' };

/** Kinds whose use of a quota can grow while they stand: a service's ports, a claim's size, a pod that is resized. */
const canGrow: ReadonlySet<string> = new Set(['services', 'persistentvolumeclaims', 'pods']);

export const quota: AdmissionRule = {
  name: 'ResourceQuota',
  actions: ['CREATE', 'UPDATE'],
  subresources: ['', 'resize'],
  admit: (context, operation, attributes) => {
    const { object, action } = attributes;
    if (object === undefined || !operation.kind.namespaced) return object;
    if (action === 'UPDATE' && !canGrow.has(qualifiedResource(operation.kind))) return object;
    for (const item of quotasOf(context, operation.namespace)) charge(context, operation, { ...attributes, object }, item);
    return object;
  },
};

/** The namespace's quotas; writes there go one after the other, so that each sees what the one before it used. */
export function quotasOf(context: ApiContext, namespace: string | undefined): readonly KubeObject[] {
  if (namespace === undefined) return [];
  return context.cache.list(`${storePrefix(QUOTAS)}${namespace}/`).map(({ object }) => object);
}

function charge(
  context: ApiContext,
  operation: Operation,
  { object, old }: AdmissionAttributes & { readonly object: KubeObject },
  item: KubeObject,
): void {
  const { kind } = operation;
  const hard = new Map(Object.entries(record(record(item['spec'])['hard'])));
  if (!inScope(item, kind, object)) return;
  if (old === undefined) requireStated(operation, object, { item, hard });
  const before = old === undefined || !inScope(item, kind, old) ? undefined : chargesOf(kind, old);
  const asked = [...chargesOf(kind, object)]
    .map(([name, amount]) => [name, amount - (before?.get(name) ?? 0n)] as const)
    .filter(([name, amount]) => hard.has(name) && amount > 0n);
  if (asked.length === 0) return;
  const used = usageOf(item, (each) => context.cache.list(`${storePrefix(each)}${operation.namespace}/`).map((cached) => cached.object));
  const over = asked.filter(([name, amount]) => (used.get(name) ?? 0n) + amount > amountOf(hard.get(name)));
  if (over.length === 0) return;
  const list = (amounts: readonly (readonly [string, string])[]): string => amounts.map(([name, amount]) => `${name}=${amount}`).join(',');
  const requested = list(over.map(([name, amount]) => [name, inNotationOf(hard.get(name), amount)]));
  const inUse = list(over.map(([name]) => [name, inNotationOf(hard.get(name), used.get(name) ?? 0n)]));
  const limited = list(over.map(([name]) => [name, String(hard.get(name))]));
  const why = `exceeded quota: ${item.metadata.name}, requested: ${requested}, used: ${inUse}, limited: ${limited}`;
  throw forbidden(kind, object.metadata.name ?? '', why);
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
