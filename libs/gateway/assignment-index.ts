/**
 * Who must hear of a change: an index from resources to nodes, kept up to date from the watch cache's events. The work for an
 * event is proportional to the nodes that it concerns, never to the cluster.
 */
import type { CacheEvent, WatchCache } from '../storage/index.js';
import { asResource, decodePod, nodeOf, reducedNode } from './assignment.js';
import { cacheView, viewed } from './cache-view.js';
import type { AssignedResource } from './messages.js';
import type { GatewayView, ViewedObject } from './ports.js';
import { parseResourceId, prefixOf, resourceId, resourcesUsedBy, SHARED_KINDS, USED_KINDS } from './resources.js';
import type { ResourceId } from './resources.js';

/** Told which resource of which node changed; `node` undefined = of every node. */
export type ChangeListener = (node: string | undefined, id: ResourceId) => void;

export class AssignmentIndex implements Disposable {
  readonly #view: GatewayView;
  readonly #subscriptions: Disposable[] = [];
  /** Keys of the pods bound to a node. */
  readonly #podsOf = new Map<string, Set<string>>();
  /** For each used resource, how many pods of each node use it. */
  readonly #usersOf = new Map<ResourceId, Map<string, number>>();

  constructor(
    private readonly cache: WatchCache,
    private readonly onChange: ChangeListener,
  ) {
    this.#view = cacheView(cache);
  }

  /** Reads the cache once, then follows it. Call it when the cache is filled or filling; events before and after are both seen. */
  start(): void {
    const pods = prefixOf('pod');
    this.#subscriptions.push(this.cache.subscribe(pods, (event) => this.#podChanged(event)));
    for (const cached of this.cache.list(pods)) this.#addPod(viewed(pods, cached));
    for (const kind of USED_KINDS) {
      const prefix = prefixOf(kind);
      this.#subscriptions.push(
        this.cache.subscribe(prefix, (event) => this.#usedChanged(resourceId(kind, keyOf(event).slice(prefix.length)))),
      );
    }
    for (const kind of SHARED_KINDS) {
      const prefix = prefixOf(kind);
      this.#subscriptions.push(
        this.cache.subscribe(prefix, (event) => {
          if (kind === 'node' && !isPeerChange(event)) return;
          this.onChange(undefined, resourceId(kind, keyOf(event).slice(prefix.length)));
        }),
      );
    }
  }

  /** The resource as `node` should have it now; `undefined` = it should not have it. */
  current(node: string, id: ResourceId): AssignedResource | undefined {
    const { kind, key } = parseResourceId(id);
    const object = this.#view.get(prefixOf(kind), key);
    if (object === undefined) return undefined;
    if (kind === 'pod' && nodeOf(decodePod(object)) !== node) return undefined;
    const isUsed = (SHARED_KINDS as readonly string[]).includes(kind) || kind === 'pod' || this.#usersOf.get(id)?.has(node) === true;
    return isUsed ? asResource(kind, object) : undefined;
  }

  /** The same answer as `assignmentFor`, from the index. */
  all(node: string): readonly AssignedResource[] {
    const ids = new Set<ResourceId>();
    for (const key of this.#podsOf.get(node) ?? []) {
      ids.add(resourceId('pod', key));
      const pod = this.#view.get(prefixOf('pod'), key);
      if (pod !== undefined) for (const id of resourcesUsedBy(decodePod(pod))) ids.add(id);
    }
    const shared = SHARED_KINDS.flatMap((kind) => this.#view.list(prefixOf(kind)).map((object) => asResource(kind, object)));
    return [...[...ids].map((id) => this.current(node, id)).filter((resource) => resource !== undefined), ...shared];
  }

  /** Keys (`namespace/name`) of the pods bound to `node`. */
  podsOf(node: string): ReadonlySet<string> {
    return this.#podsOf.get(node) ?? new Set();
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
  }

  #podChanged(event: CacheEvent): void {
    const prefix = prefixOf('pod');
    // The new form is counted before the old one is taken off, so that what both use is never let go in between.
    const added = event.type === 'put' ? this.#addPod(viewed(prefix, event.current)) : undefined;
    if (event.previous !== undefined) this.#removePod(viewed(prefix, event.previous), added);
  }

  #addPod(object: ViewedObject): string | undefined {
    const pod = decodePod(object);
    const node = nodeOf(pod);
    if (node === undefined) return undefined;
    const pods = this.#podsOf.get(node) ?? new Set<string>();
    this.#podsOf.set(node, pods.add(object.key));
    for (const id of resourcesUsedBy(pod)) {
      const users = this.#usersOf.get(id) ?? new Map<string, number>();
      const count = users.get(node) ?? 0;
      this.#usersOf.set(id, users.set(node, count + 1));
      if (count === 0) this.onChange(node, id);
    }
    this.onChange(node, resourceId('pod', object.key));
    return node;
  }

  #removePod(object: ViewedObject, keptOn: string | undefined): void {
    const pod = decodePod(object);
    const node = nodeOf(pod);
    if (node === undefined) return;
    if (keptOn !== node) {
      const pods = this.#podsOf.get(node);
      pods?.delete(object.key);
      if (pods?.size === 0) this.#podsOf.delete(node);
      this.onChange(node, resourceId('pod', object.key));
    }
    for (const id of resourcesUsedBy(pod)) this.#release(id, node);
  }

  #release(id: ResourceId, node: string): void {
    const users = this.#usersOf.get(id);
    const count = users?.get(node) ?? 0;
    if (count > 1) return void users?.set(node, count - 1);
    users?.delete(node);
    if (users?.size === 0) this.#usersOf.delete(id);
    this.onChange(node, id);
  }

  #usedChanged(id: ResourceId): void {
    for (const node of this.#usersOf.get(id)?.keys() ?? []) this.onChange(node, id);
  }
}

function keyOf(event: CacheEvent): string {
  return event.type === 'put' ? event.current.key : event.previous.key;
}

/** Nodes renew their status all the time; peers care about addresses, labels and pod CIDRs only. */
function isPeerChange(event: CacheEvent): boolean {
  if (event.type === 'delete' || event.previous === undefined) return true;
  const prefix = prefixOf('node');
  return reducedNode(viewed(prefix, event.current)) !== reducedNode(viewed(prefix, event.previous));
}
