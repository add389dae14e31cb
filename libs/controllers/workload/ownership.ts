/**
 * Adopting and releasing: a controller owns what matches its selector and has no other controller, and lets go of what it
 * owns but no longer matches (Kubernetes docs, Owners and dependents; controller refs).
 */
import { labelSelectorRequirements, matchesLabels } from '../../api/index.js';
import type { KubeObject, LabelSelector, Stored } from '../../api/index.js';
import { controllerOf } from '../../reconciling/index.js';
import type { ClusterView, ObjectAction, TypedResource, WithMeta } from '../../reconciling/index.js';
import { controllerReference } from './pod-template.js';
import { isTerminating } from './pod-facts.js';

export interface Claim<T extends WithMeta> {
  /** Owned or about to be, and matching. */
  readonly owned: readonly Stored<T>[];
  /** Updates that adopt and release; empty in the normal case. */
  readonly actions: readonly ObjectAction[];
}

/** What `owner` owns of `resource`, and the updates that make ownership follow its selector. */
export function claim<T extends WithMeta>(
  view: ClusterView,
  resource: TypedResource<T>,
  owner: KubeObject,
  selector: LabelSelector,
): Claim<T> {
  const owned: Stored<T>[] = [];
  const actions: ObjectAction[] = [];
  const uid = owner.metadata.uid ?? '';
  const requirements = labelSelectorRequirements(selector) ?? [];
  for (const object of view.ownedOf(resource, uid)) {
    if (controllerOf(object)?.uid !== uid || object.metadata.namespace !== owner.metadata.namespace) continue;
    if (matchesLabels(requirements, object.metadata.labels)) owned.push(object);
    else if (!isTerminating(object)) actions.push({ do: 'update', resource, object: withoutOwner(object, uid) });
  }
  if (!isTerminating(owner)) {
    for (const object of view.orphans(resource, owner.metadata.namespace ?? '')) {
      if (isTerminating(object) || !matchesLabels(requirements, object.metadata.labels)) continue;
      actions.push({ do: 'update', resource, object: withOwner(object, owner) });
      owned.push(object); // it counts at once, or one too many would be made
    }
  }
  return { owned: owned.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)), actions };
}

function withOwner(object: KubeObject, owner: KubeObject): KubeObject {
  const others = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid);
  return { ...object, metadata: { ...object.metadata, ownerReferences: [...others, controllerReference(owner)] } };
}

function withoutOwner(object: KubeObject, uid: string): KubeObject {
  const ownerReferences = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
  return { ...object, metadata: { ...object.metadata, ownerReferences } };
}

/** Key of an object: `namespace/name`, or the name of a cluster-scoped one. */
export function keyOf(object: WithMeta): string {
  const { namespace, name } = object.metadata ?? {};
  return namespace === undefined ? (name ?? '') : `${namespace}/${name ?? ''}`;
}

/** Back from `keyOf`. */
export function splitKey(key: string): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: undefined, name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Keys of the controllers of `kind` that a change of `object` concerns: its owner now, and its owner before. */
export function ownerKeys(kind: string, object: KubeObject, previous: KubeObject | undefined): string[] {
  const keys: string[] = [];
  for (const each of previous === undefined ? [object] : [object, previous]) {
    const owner = controllerOf(each);
    if (owner?.kind !== kind) continue;
    const key = `${object.metadata.namespace ?? ''}/${owner.name}`;
    if (!keys.includes(key)) keys.push(key);
  }
  return keys;
}
