/**
 * The watch cache's face: every object of every resource in memory, with a bounded history, fed by ONE store watch over
 * `/registry/`. One number, `revision`, says how far it is.
 */
import type { CancelSignal } from '../kit/index.js';
import type { KubeObject } from '../api/index.js';
import type { Revision } from './store.js';

/** One object as cached: its JSON text with `metadata.resourceVersion` in it, and its parsed form (made on first use, never mutated). */
export interface CachedObject {
  readonly key: string;
  readonly json: string;
  readonly revision: Revision;
  readonly object: KubeObject;
}

/** `previous` is the state before the change, which selector-filtered watches need to tell ADDED from MODIFIED from DELETED. */
export type CacheEvent =
  | { readonly type: 'put'; readonly current: CachedObject; readonly previous: CachedObject | undefined }
  | { readonly type: 'delete'; readonly revision: Revision; readonly previous: CachedObject };

/** One reader's stream of events, as the real cache (`startWatchCache`) gives it. */
export interface CacheWatch extends AsyncIterable<CacheEvent> {
  /**
   * All events that wait, at least one; `undefined` at the end. Cheaper than iterating, and when it has been handled the
   * reader has seen everything up to the cache's `revision` as it was when the promise resolved (bookmarks).
   */
  nextBatch(): Promise<readonly CacheEvent[] | undefined>;
}

export interface WatchCache {
  /** Everything up to here is visible. */
  readonly revision: Revision;
  get(key: string): CachedObject | undefined;
  /** All objects under a prefix that ends with `/`, in key order. */
  list(prefix: string): readonly CachedObject[];
  /** Resolves when `revision` is visible (read your own writes). Rejects with StoreUnavailableError after `timeoutMs` (default 10,000). */
  reached(revision: Revision, timeoutMs?: number): Promise<void>;
  /**
   * Changes after `after` (0 = from now), in order, collected from this call on. Throws CompactedError at once when `after`
   * is older than the history kept. The iteration throws it when the reader is too slow or the store was listed anew; it
   * ends when `signal` fires.
   */
  watch(prefix: string, after: Revision, signal: CancelSignal): AsyncIterable<CacheEvent>;
  /** Calls `listener` synchronously for each change, in order; for controllers' queues. */
  subscribe(prefix: string, listener: (event: CacheEvent) => void): Disposable;
  /** Secondary index by owner uid, for garbage collection and controllers. */
  ownedBy(uid: string): readonly CachedObject[];
}
