/** The façade: wires snapshot, history, fan-out, owner index and progress, and feeds them from one watch of the store. */
import { CancelSource, Channel, KeyedBackoff, onCancel, type CancelSignal, type Clock, type Logger } from '../../kit/index.js';
import type { CacheEvent, CacheWatch, CachedObject, WatchCache } from '../cache.js';
import { CompactedError, type Revision, type Store, type StoreEntry, type StoreEvent, type WatchBatch } from '../store.js';
import { ZERO, snapshotOf, groupOf } from '../revision.js';
import { LazyObject } from './cached-object.js';
import { EventHistory, revisionOf } from './event-history.js';
import { FanOut } from './fan-out.js';
import { OwnerIndex } from './owner-index.js';
import { Progress } from './progress.js';
import { SnapshotStore } from './snapshot-store.js';

/** Everything that Kubernetes objects live under. */
const ROOT = '/registry/';
/** Events kept for watches that begin in the past; older beginnings get CompactedError (410). */
const WATCH_HISTORY_EVENTS_MAX = 8_192;
/** Events that one watcher may be behind before it is cut with CompactedError. */
const WATCHER_QUEUE_EVENTS_MAX = 16_384;
const LIST_PAGE_ENTRIES = 1_000;
const REACHED_TIMEOUT_MS = 10_000;
const RETRY = { initialMs: 100, maxMs: 2_000 };

export interface WatchCacheOptions {
  readonly historyEventsMax?: number;
  readonly watcherEventsMax?: number;
}

export interface RunningWatchCache extends WatchCache, AsyncDisposable {
  watch(prefix: string, after: Revision, signal: CancelSignal): CacheWatch;
}

/**
 * Lists `/registry/`, then follows it until disposed. Resolves when the first list is in; retries while the store is away.
 * When the store has forgotten the revision that the cache stands at, it lists anew: subscribers get the differences as
 * events, open watches are cut with CompactedError (events between are unknown, so a client must list as well).
 */
export async function startWatchCache(
  store: Store,
  clock: Clock,
  log: Logger,
  options: WatchCacheOptions = {},
): Promise<RunningWatchCache> {
  const cache = new FollowingCache({ store, clock, log: log.child({ part: 'watch-cache' }) }, options);
  await cache.start();
  return cache;
}

interface Ports {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

class FollowingCache implements RunningWatchCache {
  private readonly snapshot = new SnapshotStore();
  private readonly owners = new OwnerIndex();
  private readonly fanOut: FanOut<CacheEvent>;
  private readonly history: EventHistory;
  private readonly progress: Progress;
  private readonly watchers = new Set<Channel<CacheEvent>>();
  private readonly stop = new CancelSource();
  private following: Promise<void> = Promise.resolve();

  constructor(
    private readonly ports: Ports,
    private readonly options: WatchCacheOptions,
  ) {
    this.fanOut = new FanOut((error) => ports.log.error('a cache listener failed', { error }));
    this.history = new EventHistory(ZERO, options.historyEventsMax ?? WATCH_HISTORY_EVENTS_MAX);
    this.progress = new Progress(ZERO, ports.clock);
  }

  get revision(): Revision {
    return this.progress.revision;
  }

  get(key: string): CachedObject | undefined {
    return this.snapshot.get(key);
  }

  list(prefix: string): readonly CachedObject[] {
    return this.snapshot.list(prefix);
  }

  ownedBy(uid: string): readonly CachedObject[] {
    return this.owners.ownedBy(uid);
  }

  reached(revision: Revision, timeoutMs = REACHED_TIMEOUT_MS): Promise<void> {
    return this.progress.reached(revision, timeoutMs);
  }

  subscribe(prefix: string, listener: (event: CacheEvent) => void): Disposable {
    return this.fanOut.add(prefix, listener);
  }

  watch(prefix: string, after: Revision, signal: CancelSignal): CacheWatch {
    const channel = new Channel<CacheEvent>(this.options.watcherEventsMax ?? WATCHER_QUEUE_EVENTS_MAX);
    // The past is not held against the limit of the queue: it is bounded by the history.
    const past = after === ZERO ? [] : this.history.since(after).filter((event) => keyOf(event).startsWith(prefix));
    const subscription = this.fanOut.add(prefix, (event) => {
      if (revisionOf(event) <= after || channel.push(event)) return;
      channel.cut(new CompactedError(`the watch of ${prefix} was cut: its reader is more than ${channel.capacity} events behind`));
      release();
    });
    const release = (): void => {
      subscription[Symbol.dispose]();
      this.watchers.delete(channel);
      cancel[Symbol.dispose]();
    };
    let cancel: Disposable = { [Symbol.dispose]: () => undefined };
    this.watchers.add(channel);
    cancel = onCancel(signal, () => {
      channel.drain();
      channel.end();
      release();
    });
    return new QueuedWatch(past, channel, release);
  }

  async start(): Promise<void> {
    await this.patiently('list', () => this.load());
    this.following = this.follow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    for (const watcher of this.watchers) watcher.end();
    await this.following;
  }

  /** Runs `work` until it succeeds or the cache is stopped. */
  private async patiently(what: string, work: () => Promise<void>): Promise<void> {
    const backoff = new KeyedBackoff<string>(RETRY);
    while (!this.stop.signal.aborted) {
      try {
        return await work();
      } catch (error) {
        const delayMs = backoff.fail(what, this.ports.clock.now());
        this.ports.log.warn('the store did not answer the watch cache', { what, error, retryMs: delayMs });
        await this.ports.clock.sleep(delayMs, this.stop.signal);
      }
    }
  }

  private async follow(): Promise<void> {
    while (!this.stop.signal.aborted) {
      await this.patiently('watch', async () => {
        try {
          for await (const batch of this.ports.store.watch(ROOT, this.revision, this.stop.signal)) this.apply(batch);
        } catch (error) {
          if (!(error instanceof CompactedError)) throw error;
          this.ports.log.warn('the store has compacted what the watch cache had not seen: listing anew', { revision: this.revision });
          await this.patiently('list', () => this.load());
        }
      });
    }
  }

  private apply(batch: WatchBatch): void {
    for (const event of batch.events) this.applyEvent(event);
    this.progress.advance(batch.progress);
  }

  private applyEvent(event: StoreEvent): void {
    const change = event.type === 'put' ? this.put(event) : this.remove(event.key, event.revision);
    if (change === undefined) return;
    this.history.push(change);
    this.progress.advance(event.revision);
    this.fanOut.publish(event.key, change);
  }

  private put(entry: StoreEntry): CacheEvent {
    const current = new LazyObject(entry);
    const previous = this.snapshot.put(current);
    this.owners.replace(previous, current);
    return { type: 'put', current, previous };
  }

  private remove(key: string, revision: Revision): CacheEvent | undefined {
    const previous = this.snapshot.delete(key);
    if (previous === undefined) return undefined;
    this.owners.replace(previous, undefined);
    return { type: 'delete', revision, previous };
  }

  /** Takes over a complete list, and tells subscribers how it differs from what the cache had. */
  private async load(): Promise<void> {
    const { entries, revision } = await this.listAll();
    for (const watcher of this.watchers) watcher.cut(new CompactedError('the watch was cut: the store was listed anew'));
    this.watchers.clear();
    this.history.reset(revision);
    const kept = new Set(entries.map((entry) => entry.key));
    const gone = [...this.snapshot.keys()].filter((key) => !kept.has(key));
    const changed = entries.filter((entry) => this.snapshot.get(entry.key)?.revision !== entry.revision);
    const events: [string, CacheEvent][] = [];
    for (const key of gone) {
      const event = this.remove(key, revision);
      if (event !== undefined) events.push([key, event]);
    }
    for (const entry of changed) events.push([entry.key, this.put(entry)]);
    this.progress.advance(revision);
    for (const [key, event] of events) this.fanOut.publish(key, event);
  }

  private async listAll(): Promise<{ entries: StoreEntry[]; revision: Revision }> {
    const first = await this.ports.store.list(ROOT, { limit: LIST_PAGE_ENTRIES });
    const entries = [...first.entries];
    let afterKey = first.nextAfterKey;
    while (afterKey !== undefined) {
      const page = await this.ports.store.list(ROOT, { limit: LIST_PAGE_ENTRIES, afterKey, atRevision: first.revision });
      entries.push(...page.entries);
      afterKey = page.nextAfterKey;
    }
    return { entries, revision: snapshotOf(groupOf(first.revision)) };
  }
}

/** One watcher's view: first the past, then what the fan-out queued. */
class QueuedWatch implements CacheWatch {
  constructor(
    private past: readonly CacheEvent[],
    private readonly channel: Channel<CacheEvent>,
    private readonly release: () => void,
  ) {}

  async nextBatch(): Promise<readonly CacheEvent[] | undefined> {
    if (this.past.length > 0) {
      const past = this.past;
      this.past = [];
      if (!this.channel.isClosed) return past;
    }
    return this.channel.nextBatch();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CacheEvent, void, undefined> {
    try {
      for (let batch = await this.nextBatch(); batch !== undefined; batch = await this.nextBatch()) yield* batch;
    } finally {
      this.release();
    }
  }
}

function keyOf(event: CacheEvent): string {
  return event.type === 'put' ? event.current.key : event.previous.key;
}
