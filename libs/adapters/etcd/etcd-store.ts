/** `Store` over etcd: wires group commit, ranges, watches, leases and election. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelSource, childOf, type CancelSignal, type Clock, type Logger } from '../../kit/index.js';
import { CompactedError, StoreUnavailableError, campaignOver, completeGroupOf, snapshotOf } from '../../storage/index.js';
import type {
  Leadership,
  ListPage,
  Revision,
  Store,
  StoreEntry,
  StoreLease,
  StoreWrite,
  WatchBatch,
  WriteOutcome,
} from '../../storage/index.js';
import { EtcdConnection, type EtcdAddress } from './connection.js';
import { GroupCommitter } from './group-commit.js';
import { openLease } from './lease.js';
import { readRange } from './range.js';
import { decodeKeyValue, toEntry } from './value.js';
import { watchStore, type WatchScope } from './watch.js';

const ELECTION_TTL_MS = 3_000;
/** Reads are repeated this often when etcd is away for a moment (a member restarts, a connection broke). */
const READ_ATTEMPTS = 3;
const READ_RETRY_MS = 100;

export interface EtcdStoreOptions extends EtcdAddress {
  readonly clock: Clock;
  readonly log: Logger;
  /** Time after which a dead leader is replaced; default 3,000. */
  readonly electionTtlMs?: number;
}

export class EtcdStore implements Store, AsyncDisposable {
  private readonly connection: EtcdConnection;
  private readonly committer: GroupCommitter;
  private readonly closing = new CancelSource();

  constructor(private readonly options: EtcdStoreOptions) {
    this.connection = new EtcdConnection(options);
    this.committer = new GroupCommitter(this.connection, randomBytes(6).toString('base64url'));
  }

  get(key: string): Promise<StoreEntry | undefined> {
    return patiently(async () => {
      const response = await this.connection.call('range', { key: Buffer.from(key) });
      const kv = response.kvs[0];
      return kv === undefined ? undefined : toEntry(decodeKeyValue(kv));
    });
  }

  list(
    prefix: string,
    options: { readonly limit?: number; readonly afterKey?: string; readonly atRevision?: Revision } = {},
  ): Promise<ListPage> {
    return patiently(() => readRange(this.connection, prefix, options));
  }

  write(write: StoreWrite): Promise<WriteOutcome> {
    return this.committer.write(write);
  }

  watch(prefix: string, after: Revision, signal: CancelSignal): AsyncIterable<WatchBatch> {
    return this.follow({ prefix, after }, signal);
  }

  revision(): Promise<Revision> {
    return patiently(async () => {
      const response = await this.connection.call('range', { key: Buffer.from([0]), count_only: true });
      return snapshotOf(Number(response.header.revision));
    });
  }

  async compact(revision: Revision): Promise<void> {
    const group = completeGroupOf(revision);
    if (group < 1) return;
    try {
      await this.connection.call('compact', { revision: group });
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error; // already further
    }
  }

  lease(ttlMs: number): Promise<StoreLease> {
    return openLease(this.connection, this.options.clock, ttlMs);
  }

  campaign(name: string, candidate: string, signal: CancelSignal): Promise<Leadership> {
    const ttlMs = this.options.electionTtlMs ?? ELECTION_TTL_MS;
    const store = {
      get: (key: string) => this.get(key),
      write: (write: StoreWrite) => this.write(write),
      lease: (leaseTtlMs: number) => this.lease(leaseTtlMs),
      untilDeleted: (key: string, after: Revision, until: CancelSignal) => this.untilDeleted(key, after, until),
    };
    return campaignOver(store, this.options.clock, { name, candidate, ttlMs, signal });
  }

  /** Name and version of the server, for `/readyz` and `berth status`. Throws StoreUnavailableError. */
  async version(): Promise<string> {
    const response = await this.connection.call('status', {}, 2_000);
    return response.version;
  }

  /** Ends the watches and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closing.abort();
    this.connection.close();
  }

  private async *follow(scope: WatchScope, signal: CancelSignal): AsyncGenerator<WatchBatch, void, undefined> {
    using either = childOf(signal, this.closing.signal);
    yield* watchStore({ ...this.options, connection: this.connection }, scope, either.signal);
  }

  private async untilDeleted(key: string, after: Revision, signal: CancelSignal): Promise<void> {
    for await (const batch of this.follow({ prefix: key, after, narrow: true }, signal)) {
      if (batch.events.some((event) => event.key === key && event.type === 'delete')) return;
    }
  }
}

async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      if (attempt === READ_ATTEMPTS || !(error instanceof StoreUnavailableError)) throw error;
      await sleep(READ_RETRY_MS);
    }
  }
}
