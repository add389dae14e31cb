/**
 * Who must hear of a change: an index from resources to nodes, kept up to date from the watch cache's events. The work for an
 * event is proportional to the nodes that it concerns, never to the cluster.
 */
import { localVolumeNode } from '../api/light.js';
import type { CacheEvent, WatchCache } from '../storage/index.js';
import { asResource, boundVolume, decodeClaim, decodePod, decodeVolume, nodeOf, reducedNode } from './assignment.js';
import { cacheView, viewed } from './cache-view.js';
import type { AssignedResource } from './messages.js';
import type { GatewayView, ViewedObject } from './ports.js';
import {
  claimOfVolume,
  isFolderOf,
  parseResourceId,
  prefixOf,
  resourceId,
  resourcesUsedBy,
  SHARED_KINDS,
  USED_KINDS,
  volumeOfClaim,
} from './resources.js';
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
    this.#followVolumes();
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
    if (kind === 'volume') return this.#concernsVolume(node, object) ? asResource(kind, object) : undefined;
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
    for (const id of ids) {
      const volume = boundVolume(this.#view, id);
      if (volume !== undefined) ids.add(volume);
    }
    for (const volume of this.#view.list(prefixOf('volume')))
      if (isFolderOf(node, decodeVolume(volume))) ids.add(resourceId('volume', volume.key));
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
      if (count === 0) this.#tell(node, id);
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
    this.#tell(node, id);
  }

  #usedChanged(id: ResourceId): void {
    for (const node of this.#usersOf.get(id)?.keys() ?? []) this.#tell(node, id);
  }

  /** A claim brings its volume. */
  #tell(node: string, id: ResourceId): void {
    this.onChange(node, id);
    const volume = boundVolume(this.#view, id);
    if (volume !== undefined) this.onChange(node, volume);
  }

  #followVolumes(): void {
    const prefix = prefixOf('volume');
    const follow = (event: CacheEvent): void => {
      const forms = [event.previous, event.type === 'put' ? event.current : undefined].filter((form) => form !== undefined);
      for (const form of forms) this.#volumeChanged(viewed(prefix, form));
    };
    this.#subscriptions.push(this.cache.subscribe(prefix, follow));
    const claims = prefixOf('volume-claim');
    // A claim that lets its volume go (or is gone) no longer names it: the earlier form does.
    const unbound = (event: CacheEvent): void => {
      if (event.previous === undefined) return;
      const before = viewed(claims, event.previous);
      const volume = volumeOfClaim(decodeClaim(before));
      const users = this.#usersOf.get(resourceId('volume-claim', before.key))?.keys() ?? [];
      if (volume !== undefined) for (const node of users) this.onChange(node, volume);
    };
    this.#subscriptions.push(this.cache.subscribe(claims, unbound));
  }

  #volumeChanged(object: ViewedObject): void {
    const volume = decodeVolume(object);
    const id = resourceId('volume', object.key);
    const claim = claimOfVolume(volume);
    const nodes = new Set(claim === undefined ? [] : this.#usersOf.get(claim)?.keys());
    const folderOf = localVolumeNode(volume);
    if (folderOf !== undefined) nodes.add(folderOf);
    for (const node of nodes) this.onChange(node, id);
  }

  /** Claim and volume name each other, or it is a folder of the node. */
  #concernsVolume(node: string, object: ViewedObject): boolean {
    const volume = decodeVolume(object);
    if (isFolderOf(node, volume)) return true;
    const claim = claimOfVolume(volume);
    return (
      claim !== undefined &&
      this.#usersOf.get(claim)?.has(node) === true &&
      boundVolume(this.#view, claim) === resourceId('volume', object.key)
    );
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
