/**
 * The port to desired state. Implementations: `libs/storage/memory` (the executable model) and `libs/adapters/etcd`.
 * Both pass `libs/storage/contract/store.contract.ts`.
 *
 * Values are JSON texts. Keys are `/registry/...` (see libs/api `storeKey`). Every write is a compare-and-swap.
 */
import type { CancelSignal } from '../kit/index.js';

/**
 * Position of one change in the order of all changes; `resourceVersion` is its decimal text. It is composed of the etcd
 * revision and the change's place in its commit group (`revision * 1024 + place`), so it is unique, ordered, and safe in
 * a double. 0 means "before everything".
 */
export type Revision = number & { readonly __brand: 'Revision' };

export interface StoreEntry {
  readonly key: string;
  /** JSON text, without `metadata.resourceVersion`: the revision is authoritative and is spliced in by readers. */
  readonly value: string;
  readonly revision: Revision;
}

/** `expected`: the revision that the key must have now; 0 = must not exist. */
export type StoreWrite =
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly expected: Revision; readonly leaseId?: string | undefined }
  | { readonly op: 'delete'; readonly key: string; readonly expected: Revision };

/** A lost compare is an answer, not an exception: `current` is what stands there instead (absent = no such key). */
export type WriteOutcome =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly current: StoreEntry | undefined };

export interface ListPage {
  readonly entries: readonly StoreEntry[];
  /** The snapshot's revision: later pages and a watch continue from it. */
  readonly revision: Revision;
  /** Absent when the range is exhausted; otherwise pass it as `afterKey` with `atRevision: revision`. */
  readonly nextAfterKey?: string | undefined;
  /** How many entries follow this page. */
  readonly remaining: number;
}

export type StoreEvent =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: string;
      readonly revision: Revision;
      readonly previous?: StoreEntry | undefined;
    }
  | { readonly type: 'delete'; readonly key: string; readonly revision: Revision; readonly previous?: StoreEntry | undefined };

/** Events of one delivery, in order; `progress` says that nothing up to it is missing (also with no events). */
export interface WatchBatch {
  readonly events: readonly StoreEvent[];
  readonly progress: Revision;
}

/** A lease held by this process: keys written with its id live as long as it does. Disposing it revokes it, and its keys vanish. */
export interface StoreLease extends AsyncDisposable {
  readonly id: string;
  /** Fires once when the lease can no longer be proven: `ttlMs` went by without a confirmed keep-alive, or the store forgot it. */
  readonly lost: CancelSignal;
}

/** Leader lease: `lost` fires once when leadership can no longer be proven. Disposing it resigns. */
export interface Leadership extends AsyncDisposable {
  readonly lost: CancelSignal;
  /** Fencing revision: writes of an older leader carry a smaller one. */
  readonly term: Revision;
}

export interface Store {
  get(key: string): Promise<StoreEntry | undefined>;
  /**
   * Entries whose key starts with `prefix`, in key order. `limit` 0 = all. `atRevision` reads a past snapshot and throws
   * CompactedError when it is gone, FutureRevisionError when the store is not that far.
   */
  list(
    prefix: string,
    options?: { readonly limit?: number; readonly afterKey?: string; readonly atRevision?: Revision },
  ): Promise<ListPage>;
  /** One compare-and-swap. Concurrent calls are committed in groups; each has its own outcome. Throws StoreUnavailableError. */
  write(write: StoreWrite): Promise<WriteOutcome>;
  /**
   * Every change under `prefix` after `after`, once and in order. It survives lost connections and resumes without a gap;
   * it throws CompactedError when `after` is older than the history. Ends when `signal` aborts.
   */
  watch(prefix: string, after: Revision, signal: CancelSignal): AsyncIterable<WatchBatch>;
  /** The newest revision, linearizable. */
  revision(): Promise<Revision>;
  /** Forgets history up to and including `revision`; what stands at `revision` stays readable. Older than a former compaction: nothing happens. */
  compact(revision: Revision): Promise<void>;
  /** A key with this lease vanishes when the lease is not kept alive for `ttlMs`. Keep-alive is the store's business until disposed (= revoked). */
  lease(ttlMs: number): Promise<StoreLease>;
  /** Waits to become leader of `name`, also through failures of the store. Rejects with CampaignCancelledError when `signal` aborts. */
  campaign(name: string, candidate: string, signal: CancelSignal): Promise<Leadership>;
}

/** The store cannot be reached or did not answer in time; the outcome of a write is then unknown. Retrying is safe (compare-and-swap). */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

/** The asked revision has been compacted: list anew, then watch. Becomes 410 Expired. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError';
}

/** The asked revision does not exist yet: the client talked to a newer store. Becomes 504 Timeout, `Too large resource version`. */
export class FutureRevisionError extends Error {
  override readonly name = 'FutureRevisionError';
}

/** The signal of `campaign` fired before leadership was won. */
export class CampaignCancelledError extends Error {
  override readonly name = 'CampaignCancelledError';
}
