/** A watch cache without a store behind it, and an ObjectClient that writes to it: for tests of what reads and writes objects. */
import { StatusError, storeKey } from '../../api/index.js';
import type { GroupResource, KubeObject, ObjectRef } from '../../api/index.js';
import type { ObjectClient } from '../../reconciling/index.js';
import type { CacheEvent, CachedObject, Revision, WatchCache } from '../../storage/index.js';

export class FakeCache implements WatchCache {
  #revision = 0;
  readonly #objects = new Map<string, CachedObject>();
  readonly #listeners = new Set<{ readonly prefix: string; readonly listener: (event: CacheEvent) => void }>();

  get revision(): Revision {
    return this.#revision as Revision; // decode: revisions are plain counts here
  }
  get(key: string): CachedObject | undefined {
    return this.#objects.get(key);
  }
  list(prefix: string): readonly CachedObject[] {
    return [...this.#objects.values()].filter(({ key }) => key.startsWith(prefix)).sort((a, b) => (a.key < b.key ? -1 : 1));
  }
  reached(): Promise<void> {
    return Promise.resolve();
  }
  watch(): AsyncIterable<CacheEvent> {
    throw new Error('FakeCache has no watch: subscribe');
  }
  subscribe(prefix: string, listener: (event: CacheEvent) => void): Disposable {
    const entry = { prefix, listener };
    this.#listeners.add(entry);
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) };
  }
  ownedBy(): readonly CachedObject[] {
    return [];
  }

  put(resource: GroupResource, object: KubeObject): KubeObject {
    const key = storeKey(resource, object.metadata.namespace, object.metadata.name ?? '');
    this.#revision++;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#revision) } };
    const current = { key, json: JSON.stringify(stored), revision: this.revision, object: stored };
    const previous = this.#objects.get(key);
    this.#objects.set(key, current);
    this.#tell(key, { type: 'put', current, previous });
    return stored;
  }

  delete(resource: GroupResource, namespace: string | undefined, name: string): boolean {
    const key = storeKey(resource, namespace, name);
    const previous = this.#objects.get(key);
    if (previous === undefined) return false;
    this.#objects.delete(key);
    this.#revision++;
    this.#tell(key, { type: 'delete', revision: this.revision, previous });
    return true;
  }

  #tell(key: string, event: CacheEvent): void {
    for (const { prefix, listener } of this.#listeners) if (key.startsWith(prefix)) listener(event);
  }
}

/** Writes straight to a FakeCache with the compare-and-swap and the errors of the real pipeline. */
export class FakeObjectClient implements ObjectClient {
  writes = 0;
  #uids = 0;

  constructor(private readonly cache: FakeCache) {}

  async create(resource: GroupResource, object: KubeObject): Promise<KubeObject> {
    this.writes++;
    if (this.#get(resource, object) !== undefined) throw new StatusError('AlreadyExists', `${resource.resource} already exists`);
    return this.cache.put(resource, { ...object, metadata: { uid: `created-${++this.#uids}`, ...object.metadata } });
  }
  async update(resource: GroupResource, object: KubeObject): Promise<KubeObject> {
    const stored = this.#compared(resource, object);
    return this.cache.put(resource, { ...object, status: stored.status });
  }
  async updateStatus(resource: GroupResource, object: KubeObject): Promise<KubeObject> {
    const stored = this.#compared(resource, object);
    return this.cache.put(resource, { ...stored, status: object.status });
  }
  async delete(ref: ObjectRef, options?: { readonly uid?: string | undefined }): Promise<KubeObject | undefined> {
    this.writes++;
    const stored = this.cache.get(storeKey(ref, ref.namespace, ref.name));
    if (stored === undefined) throw new StatusError('NotFound', `${ref.resource} "${ref.name}" not found`);
    if (options?.uid !== undefined && stored.object.metadata.uid !== options.uid) throw new StatusError('Conflict', 'uid differs');
    this.cache.delete(ref, ref.namespace, ref.name);
    return undefined;
  }
  async bind(): Promise<KubeObject> {
    throw new Error('not used here');
  }
  async finalize(): Promise<KubeObject> {
    throw new Error('not used here');
  }

  #get(resource: GroupResource, object: KubeObject): CachedObject | undefined {
    return this.cache.get(storeKey(resource, object.metadata.namespace, object.metadata.name ?? ''));
  }
  #compared(resource: GroupResource, object: KubeObject): KubeObject {
    this.writes++;
    const stored = this.#get(resource, object);
    if (stored === undefined) throw new StatusError('NotFound', `${resource.resource} not found`);
    const asked = object.metadata.resourceVersion;
    if (asked !== undefined && asked !== stored.object.metadata.resourceVersion) {
      throw new StatusError('Conflict', 'the object has been modified; please apply your changes to the latest version and try again');
    }
    return stored.object;
  }
}
