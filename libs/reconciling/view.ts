/** ClusterView over the watch cache. It holds no copy; the only state is an index of objects without a controller. */
import { storeKey, storePrefix } from '../api/index.js';
import type { GroupResource, KubeObject, Stored } from '../api/index.js';
import type { CachedObject, CacheEvent, WatchCache } from '../storage/index.js';
import type { ClusterView, TypedResource, WithMeta } from './plan.js';

/** The cache holds what the API validated, so an object under a resource's prefix has the resource's type. */
function decode<T extends WithMeta>(object: KubeObject): Stored<T> {
  return object as unknown as Stored<T>;
}

/** The owner that manages the object, if any. */
export function controllerOf(object: WithMeta) {
  return object.metadata?.ownerReferences?.find((owner) => owner.controller === true);
}

/** What stands between `/registry/` and the namespace or name. */
export function resourceOfKey(key: string): GroupResource | undefined {
  const parts = key.split('/');
  const [, , first, second] = parts;
  if (first === undefined || second === undefined) return undefined;
  // `/registry/pods/ns/name` and `/registry/<group>/<resource>/name` have the same length: only groups of
  // cluster-scoped kinds meet there, and those all have a dot, which no resource name has.
  const grouped = parts.length === 6 || (parts.length === 5 && first.includes('.'));
  return grouped ? { group: first, resource: second } : { group: '', resource: first };
}

/** One index: objects of a resource, by namespace, that have no controller. */
class OrphanIndex {
  readonly #byNamespace = new Map<string, Map<string, KubeObject>>();

  put(cached: CachedObject): void {
    const namespace = cached.object.metadata.namespace ?? '';
    if (controllerOf(cached.object) !== undefined) {
      this.#byNamespace.get(namespace)?.delete(cached.key);
      return;
    }
    let objects = this.#byNamespace.get(namespace);
    if (objects === undefined) this.#byNamespace.set(namespace, (objects = new Map()));
    objects.set(cached.key, cached.object);
  }

  delete(cached: CachedObject): void {
    this.#byNamespace.get(cached.object.metadata.namespace ?? '')?.delete(cached.key);
  }

  list(namespace: string): KubeObject[] {
    return [...(this.#byNamespace.get(namespace)?.values() ?? [])];
  }
}

/** A view of the newest state. Dispose it to drop its subscriptions. */
export class CacheView implements ClusterView, Disposable {
  readonly #cache: WatchCache;
  readonly #orphans = new Map<string, OrphanIndex>();
  readonly #subscriptions: Disposable[] = [];

  constructor(cache: WatchCache) {
    this.#cache = cache;
  }

  get<T extends WithMeta>(resource: TypedResource<T>, namespace: string | undefined, name: string): Stored<T> | undefined {
    const cached = this.#cache.get(storeKey(resource, namespace, name));
    return cached === undefined ? undefined : decode<T>(cached.object);
  }

  list<T extends WithMeta>(resource: TypedResource<T>, namespace?: string): readonly Stored<T>[] {
    const prefix = storePrefix(resource) + (namespace === undefined ? '' : `${namespace}/`);
    return this.#cache.list(prefix).map((cached) => decode<T>(cached.object));
  }

  ownedBy(uid: string): readonly KubeObject[] {
    return this.#cache.ownedBy(uid).map((cached) => cached.object);
  }

  ownedOf<T extends WithMeta>(resource: TypedResource<T>, uid: string): readonly Stored<T>[] {
    const prefix = storePrefix(resource);
    const found: Stored<T>[] = [];
    for (const cached of this.#cache.ownedBy(uid)) if (cached.key.startsWith(prefix)) found.push(decode<T>(cached.object));
    return found;
  }

  orphans<T extends WithMeta>(resource: TypedResource<T>, namespace: string): readonly Stored<T>[] {
    const prefix = storePrefix(resource);
    let index = this.#orphans.get(prefix);
    if (index === undefined) {
      index = new OrphanIndex();
      this.#orphans.set(prefix, index);
      this.#follow(prefix, index);
    }
    return index.list(namespace).map((object) => decode<T>(object));
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
  }

  #follow(prefix: string, index: OrphanIndex): void {
    for (const cached of this.#cache.list(prefix)) index.put(cached);
    const onEvent = (event: CacheEvent): void => {
      if (event.type === 'put') index.put(event.current);
      else index.delete(event.previous);
    };
    this.#subscriptions.push(this.#cache.subscribe(prefix, onEvent));
  }
}
