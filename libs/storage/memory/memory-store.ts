/** The executable model of `Store`: one connection to a `MemoryServer`, which tests and the simulator may cut. */
import { CancelSource, Waker, onCancel, type CancelSignal, type Clock } from '../../kit/index.js';
import { LEASE_DOUBT, campaignOver } from '../election.js';
import { StoreUnavailableError } from '../store.js';
import type { Leadership, ListPage, Revision, Store, StoreEntry, StoreLease, StoreWrite, WatchBatch, WriteOutcome } from '../store.js';
import { MemoryServer } from './memory-server.js';

/** A leader that dies is replaced after this time, unless told otherwise. */
const ELECTION_TTL_MS = 3_000;

export interface MemoryStoreOptions {
  /** Shared state, when several stores are to see the same data; default: a server of its own. */
  readonly server?: MemoryServer;
  readonly electionTtlMs?: number;
}

export class MemoryStore implements Store {
  readonly server: MemoryServer;
  private connected = true;
  private repliesToLose = 0;
  private readonly watchers = new Set<Waker>();

  constructor(
    private readonly clock: Clock,
    private readonly options: MemoryStoreOptions = {},
  ) {
    this.server = options.server ?? new MemoryServer(clock);
  }

  /** From now on calls fail, watches stand still, and leases are not kept alive. */
  cut(): void {
    this.setConnected(false);
  }

  /** Undoes `cut`: watches resume where they were. */
  restore(): void {
    this.setConnected(true);
  }

  /** The next `count` writes happen, but their callers get StoreUnavailableError: the unknown outcome. */
  loseReplies(count: number): void {
    this.repliesToLose += count;
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    this.checkConnected();
    return this.server.get(key);
  }

  async list(
    prefix: string,
    options: { readonly limit?: number; readonly afterKey?: string; readonly atRevision?: Revision } = {},
  ): Promise<ListPage> {
    this.checkConnected();
    const all = this.server.range(prefix, options.afterKey, options.atRevision);
    const limit = options.limit ?? 0;
    const entries = limit === 0 ? all : all.slice(0, limit);
    const remaining = all.length - entries.length;
    const revision = options.atRevision ?? this.server.revision;
    return { entries, revision, remaining, nextAfterKey: remaining === 0 ? undefined : entries.at(-1)?.key };
  }

  async write(write: StoreWrite): Promise<WriteOutcome> {
    this.checkConnected();
    const outcome = this.server.write(write);
    if (this.repliesToLose > 0) {
      this.repliesToLose -= 1;
      throw new StoreUnavailableError(`the reply to the write of ${write.key} was lost`);
    }
    return outcome;
  }

  async *watch(prefix: string, after: Revision, signal: CancelSignal): AsyncGenerator<WatchBatch, void, undefined> {
    let seen = after;
    const waker = new Waker();
    using _change = this.server.onChange(() => waker.wake());
    using _cancel = onCancel(signal, () => waker.wake());
    this.watchers.add(waker);
    try {
      for (; !signal.aborted; await waker.wait()) {
        if (!this.connected) continue;
        const events = this.server.eventsAfter(seen).filter((event) => event.key.startsWith(prefix));
        if (this.server.revision <= seen) continue;
        seen = this.server.revision;
        yield { events, progress: seen };
      }
    } finally {
      this.watchers.delete(waker);
    }
  }

  async revision(): Promise<Revision> {
    this.checkConnected();
    return this.server.revision;
  }

  async compact(revision: Revision): Promise<void> {
    this.checkConnected();
    this.server.compact(revision);
  }

  async lease(ttlMs: number): Promise<StoreLease> {
    this.checkConnected();
    const id = this.server.grant(ttlMs);
    const lost = new CancelSource();
    let confirmedAt = this.clock.now();
    let timer: Disposable | undefined;
    const tick = (): void => {
      if (this.connected) {
        if (!this.server.keepAlive(id)) return lost.abort();
        confirmedAt = this.clock.now();
      }
      if (this.clock.now() - confirmedAt >= ttlMs * LEASE_DOUBT) return lost.abort();
      timer = this.clock.schedule(ttlMs / 6, tick);
    };
    timer = this.clock.schedule(ttlMs / 6, tick);
    return {
      id,
      lost: lost.signal,
      [Symbol.asyncDispose]: async () => {
        timer?.[Symbol.dispose]();
        if (this.connected) this.server.revoke(id);
        lost.abort();
      },
    };
  }

  campaign(name: string, candidate: string, signal: CancelSignal): Promise<Leadership> {
    const ttlMs = this.options.electionTtlMs ?? ELECTION_TTL_MS;
    const store = {
      get: (key: string) => this.get(key),
      write: (write: StoreWrite) => this.write(write),
      lease: (leaseTtlMs: number) => this.lease(leaseTtlMs),
      untilDeleted: (key: string, after: Revision, until: CancelSignal) => this.untilDeleted(key, after, until),
    };
    return campaignOver(store, this.clock, { name, candidate, ttlMs, signal });
  }

  private async untilDeleted(key: string, after: Revision, signal: CancelSignal): Promise<void> {
    for await (const batch of this.watch(key, after, signal)) {
      if (batch.events.some((event) => event.key === key && event.type === 'delete')) return;
    }
  }

  private setConnected(connected: boolean): void {
    this.connected = connected;
    for (const waker of this.watchers) waker.wake();
  }

  private checkConnected(): void {
    if (!this.connected) throw new StoreUnavailableError('the store cannot be reached');
  }
}
