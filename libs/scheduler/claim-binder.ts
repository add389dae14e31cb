/** Has the claims of a placed pod bound on its node, and waits for that: the binder makes or finds the volumes. */
import { storeKey, storePrefix } from '../api/index.js';
import type { Stored, PersistentVolumeClaim } from '../api/index.js';
import { deferred } from '../kit/index.js';
import type { Clock, Deferred } from '../kit/index.js';
import { resources } from '../reconciling/index.js';
import type { ObjectClient } from '../reconciling/index.js';
import type { WatchCache } from '../storage/index.js';
import type { PodFacts } from './model/pod-facts.js';
import { isBound, podVolumes } from './model/volumes.js';
import type { VolumeView } from './model/volumes.js';

const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
/** Kubernetes' bindTimeoutSeconds. */
export const CLAIMS_TIMEOUT_MS = 600_000;

export interface ClaimBinderOptions {
  readonly cache: WatchCache;
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly view: VolumeView;
}

export class ClaimBinder implements Disposable {
  readonly #with: ClaimBinderOptions;
  readonly #waiting = new Map<string, Deferred<void>>();

  constructor(options: ClaimBinderOptions) {
    this.#with = options;
  }

  /** Pods whose volumes are not there yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves at once for a pod whose claims are bound. Throws after `CLAIMS_TIMEOUT_MS`, or when cancelled. */
  async bind(pod: PodFacts, node: string): Promise<void> {
    const unbound = this.#unbound(pod);
    if (unbound.length === 0) return;
    const { cache, clock } = this.#with;
    const done = deferred();
    this.#waiting.set(pod.uid, done);
    const check = (): void => {
      if (this.#unbound(pod).length === 0) done.resolve();
    };
    using _following = cache.subscribe(`${storePrefix(resources.persistentVolumeClaims)}${pod.namespace}/`, check);
    using _timer = clock.schedule(CLAIMS_TIMEOUT_MS, () => done.reject(new Error('timed out waiting for the condition')));
    try {
      for (const claim of unbound) await this.#select(claim, node);
      check();
      await done.promise;
    } finally {
      this.#waiting.delete(pod.uid);
    }
  }

  /** The pod is gone: nobody waits for its volumes any more. */
  cancel(uid: string): void {
    this.#waiting.get(uid)?.reject(new Error('the pod is gone'));
  }

  [Symbol.dispose](): void {
    for (const uid of this.#waiting.keys()) this.cancel(uid);
  }

  #unbound(pod: PodFacts): readonly Stored<PersistentVolumeClaim>[] {
    const wanted = podVolumes(pod, this.#with.view);
    if (wanted?.kind === 'refused') throw new Error(wanted.reason);
    return (wanted?.unbound ?? []).filter((claim) => !isBound(claim));
  }

  async #select(claim: Stored<PersistentVolumeClaim>, node: string): Promise<void> {
    if (claim.metadata.annotations?.[SELECTED_NODE] === node) return;
    const annotations = { ...claim.metadata.annotations, [SELECTED_NODE]: node };
    await this.#with.client.update(resources.persistentVolumeClaims, { ...claim, metadata: { ...claim.metadata, annotations } });
  }
}

/** The cache holds what the API validated under each resource's prefix. */
export function cacheVolumes(cache: WatchCache): VolumeView {
  const get = <T>(key: string): T | undefined => cache.get(key)?.object as unknown as T | undefined; // decode: as above
  return {
    claim: (namespace, name) => get(storeKey(resources.persistentVolumeClaims, namespace, name)),
    volume: (name) => get(storeKey(resources.persistentVolumes, undefined, name)),
    volumes: () =>
      cache
        .list(storePrefix(resources.persistentVolumes))
        .map(({ object }) => object as unknown as ReturnType<VolumeView['volumes']>[number]), // decode: as above
    storageClass: (name) => get(storeKey(resources.storageClasses, undefined, name)),
  };
}
