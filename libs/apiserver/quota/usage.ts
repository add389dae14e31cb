/** What a namespace uses of a quota: counted anew from what is stored, so there is no ledger that could be wrong. */
import { findByResource, formatQuantity, parseQuantity, qualifiedResource, type KindInfo, type KubeObject } from '../../api/index.js';
import type { Amounts } from '../admission/pod-resources.js';
import { record, text } from '../registry/object.js';
import { chargesOf, resourceNamed } from './charges.js';
import { inScope } from './scopes.js';

/** All objects of a kind in the quota's namespace. */
export type ObjectsOf = (kind: KindInfo) => readonly KubeObject[];

export function usageOf(quota: KubeObject, objectsOf: ObjectsOf): Amounts {
  const usage = new Map<string, bigint>();
  for (const kind of kindsNamedBy(quota)) {
    for (const object of objectsOf(kind)) {
      if (!inScope(quota, kind, object) || isOver(kind, object)) continue;
      for (const [name, amount] of chargesOf(kind, object)) usage.set(name, (usage.get(name) ?? 0n) + amount);
    }
  }
  return usage;
}

/** `status` of a ResourceQuota: the limits as they are enforced, and what is used of each. */
export function quotaStatus(
  quota: KubeObject,
  objectsOf: ObjectsOf,
): { readonly hard: Readonly<Record<string, string>>; readonly used: Readonly<Record<string, string>> } {
  const hard = Object.entries(record(record(quota['spec'])['hard'])).map(([name, amount]) => [name, String(amount)] as const);
  const usage = usageOf(quota, objectsOf);
  return {
    hard: Object.fromEntries(hard),
    used: Object.fromEntries(hard.map(([name, limit]) => [name, inNotationOf(limit, usage.get(name) ?? 0n)])),
  };
}

/** An amount written as the hard limit is. */
export function inNotationOf(hard: unknown, nanos: bigint): string {
  return formatQuantity({ nanos, format: parseQuantity(text(hard) ?? String(hard)).format });
}

function kindsNamedBy(quota: KubeObject): readonly KindInfo[] {
  const found = new Set<KindInfo>();
  for (const name of Object.keys(record(record(quota['spec'])['hard']))) {
    const kind = findByResource(resourceNamed(name));
    if (kind !== undefined) found.add(kind);
  }
  return [...found];
}

/** Finished pods use nothing. */
function isOver(kind: KindInfo, object: KubeObject): boolean {
  const phase = text(record(object['status'])['phase']);
  return qualifiedResource(kind) === 'pods' && (phase === 'Succeeded' || phase === 'Failed');
}
