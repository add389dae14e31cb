/** A ClusterView over a plain collection of objects: for tests, and for asking "what if" on an edited copy of the cluster. */
import { findByKind, storeKey } from '../api/index.js';
import type { GroupResource, KubeObject, Stored } from '../api/index.js';
import type { ClusterView, TypedResource, WithMeta } from './plan.js';
import { controllerOf, resourceOfKey } from './view.js';

export class FixedView implements ClusterView {
  /** By store key, so that listings come in key order when sorted. */
  readonly #objects = new Map<string, KubeObject>();

  constructor(objects: readonly KubeObject[] = []) {
    for (const object of objects) this.put(object);
  }

  put(object: KubeObject): void {
    this.#objects.set(keyOfObject(object), object);
  }

  delete(object: KubeObject): void {
    this.#objects.delete(keyOfObject(object));
  }

  get<T extends WithMeta>(resource: TypedResource<T>, namespace: string | undefined, name: string): Stored<T> | undefined {
    const object = this.#objects.get(storeKey(resource, namespace, name));
    return object === undefined ? undefined : decode<T>(object);
  }

  list<T extends WithMeta>(resource: TypedResource<T>, namespace?: string): readonly Stored<T>[] {
    return this.#of(resource)
      .filter((object) => namespace === undefined || object.metadata.namespace === namespace)
      .map((object) => decode<T>(object));
  }

  ownedBy(uid: string): readonly KubeObject[] {
    return [...this.#objects.values()].filter((object) => object.metadata.ownerReferences?.some((owner) => owner.uid === uid));
  }

  ownedOf<T extends WithMeta>(resource: TypedResource<T>, uid: string): readonly Stored<T>[] {
    const owned = new Set(this.ownedBy(uid));
    return this.#of(resource)
      .filter((object) => owned.has(object))
      .map((object) => decode<T>(object));
  }

  orphans<T extends WithMeta>(resource: TypedResource<T>, namespace: string): readonly Stored<T>[] {
    return this.list(resource, namespace).filter((object) => controllerOf(object) === undefined);
  }

  #of(resource: GroupResource): readonly KubeObject[] {
    return [...this.#objects]
      .filter(([key]) => {
        const found = resourceOfKey(key);
        return found?.group === resource.group && found.resource === resource.resource;
      })
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }
}

function keyOfObject(object: KubeObject): string {
  const kind = findByKind(object.apiVersion, object.kind);
  if (kind === undefined) throw new Error(`unknown kind ${object.apiVersion} ${object.kind}`);
  return storeKey(kind, object.metadata.namespace, object.metadata.name ?? '');
}

/** Objects put here are trusted to have the form of their kind. */
function decode<T extends WithMeta>(object: KubeObject): Stored<T> {
  return object as unknown as Stored<T>;
}
