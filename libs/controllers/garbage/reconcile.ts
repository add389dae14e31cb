/**
 * Garbage collector: objects whose owners are all gone go too; owners deleted in the foreground wait for their dependents;
 * owners deleted with orphaning let theirs go (Kubernetes docs, "Garbage collection").
 */
import { findByKind } from '../../api/index.js';
import type { GroupResource, KubeObject, OwnerReference } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, ObjectAction, Plan } from '../../reconciling/index.js';

export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const ORPHAN_FINALIZER = 'orphan';

export const garbageCollector: Controller = {
  name: 'garbage-collector-controller',
  workers: 16,
  watches: [{ resource: 'all', keys: keysOf }],
  reconcile(view, key) {
    const { resource, namespace, name } = parseKey(key);
    const object: KubeObject | undefined = view.get(resource, namespace, name);
    return object === undefined ? { actions: [] } : collect(view, resource, object);
  },
};

/** The object itself where its own fate may be open; its dependents when it is gone; its owners when they may wait for it. */
function keysOf(object: KubeObject, previous: KubeObject | undefined, view: ClusterView, resource: GroupResource): readonly string[] {
  if (object === previous) return [...dependentKeys(view, object), ...ownerKeys(view, object)];
  const owners = object.metadata.ownerReferences ?? [];
  const isNew = previous === undefined;
  const isOpen = isLeaving(object) ? (object.metadata.finalizers ?? []).length > 0 : owners.length > 0;
  if (!isOpen) return [];
  const hasChanged =
    isNew ||
    JSON.stringify([owners, previous.metadata.deletionTimestamp, previous.metadata.finalizers]) !==
      JSON.stringify([previous.metadata.ownerReferences ?? [], object.metadata.deletionTimestamp, object.metadata.finalizers]);
  if (!hasChanged) return [];
  const dependents = isLeaving(object) ? dependentKeys(view, object) : [];
  return [keyOf(resource, object), ...dependents];
}

function dependentKeys(view: ClusterView, object: KubeObject): readonly string[] {
  return view.ownedBy(object.metadata.uid ?? '').flatMap((dependent) => keyOfAny(view, dependent));
}

function ownerKeys(view: ClusterView, object: KubeObject): readonly string[] {
  return (object.metadata.ownerReferences ?? []).flatMap((reference) => {
    const owner = findOwner(view, object, reference);
    return owner.state === 'present' && isLeaving(owner.object) ? [keyOf(owner.resource, owner.object)] : [];
  });
}

function keyOf(resource: GroupResource, object: KubeObject): string {
  return [resource.group, resource.resource, object.metadata.namespace ?? '', object.metadata.name ?? ''].join('|');
}

function keyOfAny(view: ClusterView, object: KubeObject): readonly string[] {
  const resource = resourceOf(view, object.apiVersion, object.kind);
  return resource === undefined ? [] : [keyOf(resource, object)];
}

function parseKey(key: string): { readonly resource: GroupResource; readonly namespace: string | undefined; readonly name: string } {
  const [group = '', resource = '', namespace = '', name = ''] = key.split('|');
  return { resource: { group, resource }, namespace: namespace === '' ? undefined : namespace, name };
}

/** Same view, same plan. First match wins. */
function collect(view: ClusterView, resource: GroupResource, object: KubeObject): Plan {
  const finalizers = object.metadata.finalizers ?? [];
  if (isLeaving(object) && finalizers.includes(ORPHAN_FINALIZER)) return releaseDependents(view, resource, object);
  if (isLeaving(object) && finalizers.includes(FOREGROUND_FINALIZER)) return deleteDependents(view, resource, object);
  if (isLeaving(object) || (object.metadata.ownerReferences ?? []).length === 0) return { actions: [] };
  return judgeByOwners(view, resource, object);
}

/** Dependents forget the owner, then the owner goes. */
function releaseDependents(view: ClusterView, resource: GroupResource, owner: KubeObject): Plan {
  const uid = owner.metadata.uid ?? '';
  const releases = view.ownedBy(uid).flatMap((dependent): readonly ObjectAction[] => {
    const kind = resourceOf(view, dependent.apiVersion, dependent.kind);
    return kind === undefined ? [] : [{ do: 'update', resource: kind, object: withoutOwners(dependent, new Set([uid])) }];
  });
  return { actions: [...releases, withoutFinalizer(resource, owner, ORPHAN_FINALIZER)] };
}

/** Dependents go first; the owner waits for those that say so. */
function deleteDependents(view: ClusterView, resource: GroupResource, owner: KubeObject): Plan {
  const uid = owner.metadata.uid ?? '';
  const dependents = view.ownedBy(uid);
  const isBlocking = (dependent: KubeObject): boolean =>
    dependent.metadata.ownerReferences?.some((reference) => reference.uid === uid && reference.blockOwnerDeletion === true) === true;
  // A dependent with another owner only forgets this one; it does not hold it either.
  const own = dependents.filter((dependent) => !hasOtherOwner(view, dependent, uid));
  const actions = dependents.filter((dependent) => !isLeaving(dependent)).flatMap((dependent) => keysToJudge(view, dependent));
  if (own.some(isBlocking)) return { actions };
  return { actions: [...actions, withoutFinalizer(resource, owner, FOREGROUND_FINALIZER)] };
}

function hasOtherOwner(view: ClusterView, dependent: KubeObject, uid: string): boolean {
  return (dependent.metadata.ownerReferences ?? []).some((reference) => {
    if (reference.uid === uid) return false;
    const owner = findOwner(view, dependent, reference);
    return owner.state === 'unknown' || (owner.state === 'present' && !isWaiting(owner.object));
  });
}

function keysToJudge(view: ClusterView, dependent: KubeObject): readonly ObjectAction[] {
  const resource = resourceOf(view, dependent.apiVersion, dependent.kind);
  return resource === undefined ? [] : judgeByOwners(view, resource, dependent).actions;
}

/** One owner that stays keeps the object; owners that are gone are forgotten; without any that stays the object goes. */
function judgeByOwners(view: ClusterView, resource: GroupResource, object: KubeObject): Plan {
  const solid: string[] = [];
  const gone = new Set<string>();
  let isAwaited = false;
  for (const reference of object.metadata.ownerReferences ?? []) {
    const owner = findOwner(view, object, reference);
    if (owner.state === 'unknown') solid.push(reference.uid);
    else if (owner.state === 'absent') gone.add(reference.uid);
    else if (isWaiting(owner.object)) {
      gone.add(reference.uid);
      isAwaited = true;
    } else solid.push(reference.uid);
  }
  if (solid.length > 0) {
    return { actions: gone.size === 0 ? [] : [{ do: 'update', resource, object: withoutOwners(object, gone) }] };
  }
  const { namespace, name = '', uid } = object.metadata;
  const ref = { group: resource.group, resource: resource.resource, namespace, name };
  const dependents = view.ownedBy(uid ?? '');
  const propagation = isAwaited && dependents.length > 0 ? 'Foreground' : 'Background';
  const unblocking = isAwaited && dependents.some(isWaiting) ? unblocked(resource, object) : [];
  return { actions: [...unblocking, { do: 'delete', ref, uid, propagation }] };
}

/** An object whose owner waits for it and whose dependent waits as well may be part of a circle: it stops holding its owners, or nobody would ever go. */
function unblocked(resource: GroupResource, object: KubeObject): readonly ObjectAction[] {
  const references = object.metadata.ownerReferences ?? [];
  if (!references.some((reference) => reference.blockOwnerDeletion === true)) return [];
  const ownerReferences = references.map((reference) => ({ ...reference, blockOwnerDeletion: false }));
  return [{ do: 'update', resource, object: { ...object, metadata: { ...object.metadata, ownerReferences } } }];
}

type Owner =
  | { readonly state: 'present'; readonly object: KubeObject; readonly resource: GroupResource }
  | { readonly state: 'absent' }
  /** A kind nobody knows, or a namespaced owner of a cluster-scoped object: nothing can be concluded. */
  | { readonly state: 'unknown' };

/** Owners are looked for in the dependent's own namespace, by uid: another object of the name is not the owner. */
function findOwner(view: ClusterView, dependent: KubeObject, reference: OwnerReference): Owner {
  const kind = resourceOf(view, reference.apiVersion, reference.kind);
  if (kind === undefined) return { state: 'unknown' };
  const namespace = dependent.metadata.namespace;
  if (kind.namespaced && namespace === undefined) return { state: 'unknown' };
  const object: KubeObject | undefined = view.get(kind, kind.namespaced ? namespace : undefined, reference.name);
  return object?.metadata.uid === reference.uid ? { state: 'present', object, resource: kind } : { state: 'absent' };
}

function resourceOf(view: ClusterView, apiVersion: string, kind: string): (GroupResource & { readonly namespaced: boolean }) | undefined {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const builtin = findByKind(apiVersion, kind);
  if (builtin !== undefined) return { group: builtin.group, resource: builtin.resource, namespaced: builtin.namespaced };
  const custom = view
    .list(resources.customResourceDefinitions)
    .find((definition) => definition.spec.group === group && definition.spec.names.kind === kind);
  if (custom === undefined) return undefined;
  return { group, resource: custom.spec.names.plural, namespaced: custom.spec.scope === 'Namespaced' };
}

function isLeaving(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Being deleted in the foreground: it does not keep its dependents, it waits for them. */
function isWaiting(object: KubeObject): boolean {
  return isLeaving(object) && (object.metadata.finalizers ?? []).includes(FOREGROUND_FINALIZER);
}

function withoutOwners(object: KubeObject, uids: ReadonlySet<string>): KubeObject {
  const ownerReferences = (object.metadata.ownerReferences ?? []).filter((reference) => !uids.has(reference.uid));
  return { ...object, metadata: { ...object.metadata, ownerReferences } };
}

function withoutFinalizer(resource: GroupResource, object: KubeObject, finalizer: string): ObjectAction {
  const finalizers = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
  return { do: 'update', resource, object: { ...object, metadata: { ...object.metadata, finalizers } } };
}
