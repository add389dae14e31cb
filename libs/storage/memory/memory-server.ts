/**
 * The state that stands behind memory stores: what etcd is to the etcd adapter. One write is one group. Several
 * `MemoryStore`s (replicas of the control plane, each with its own connection) may share one server.
 */
import type { Clock } from '../../kit/index.js';
import { LAST_PLACE, completeGroupOf, composeRevision, snapshotOf } from '../revision.js';
import { endOfPrefix, firstAtOrAfter } from '../sorted-keys.js';
import { CompactedError, FutureRevisionError, StoreUnavailableError } from '../store.js';
import type { Revision, StoreEntry, StoreEvent, StoreWrite, WriteOutcome } from '../store.js';

interface Held extends StoreEntry {
  readonly leaseId: string | undefined;
}

interface ServerLease {
  readonly ttlMs: number;
  readonly keys: Set<string>;
  timer: Disposable;
}

export class MemoryServer {
  /** Like etcd, an empty store is at revision 1. */
  private group = 1;
  private compacted = 0;
  private leaseCount = 0;
  private readonly entries = new Map<string, Held>();
  private keys: string[] = [];
  private history: StoreEvent[] = [];
  private readonly leases = new Map<string, ServerLease>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  get revision(): Revision {
    return snapshotOf(this.group);
  }

  get(key: string): StoreEntry | undefined {
    return plain(this.entries.get(key));
  }

  write(write: StoreWrite): WriteOutcome {
    const previous = this.entries.get(write.key);
    const missing = write.op === 'delete' && previous === undefined;
    if (missing || (previous?.revision ?? 0) !== write.expected) return { ok: false, current: plain(previous) };
    if (write.op === 'delete') return { ok: true, revision: this.remove(write.key, previous) };
    if (write.leaseId !== undefined && !this.leases.has(write.leaseId)) throw new StoreUnavailableError(`lease ${write.leaseId} is gone`);
    this.group += 1;
    const revision = composeRevision(this.group, 0);
    const entry: Held = { key: write.key, value: write.value, revision, leaseId: write.leaseId };
    this.attach(entry, previous);
    this.append({ type: 'put', key: write.key, value: write.value, revision, previous: plain(previous) });
    return { ok: true, revision };
  }

  /** State at `at` of the keys under `prefix` after `afterKey`, in key order: today's state with later changes undone. */
  range(prefix: string, afterKey: string | undefined, at: Revision | undefined): StoreEntry[] {
    if (at !== undefined) this.checkReadable(at);
    const wanted = (key: string): boolean => key.startsWith(prefix) && (afterKey === undefined || key > afterKey);
    const today = this.today(prefix).filter((entry) => wanted(entry.key));
    if (at === undefined || at >= this.revision) return today;
    const state = new Map(today.map((entry) => [entry.key, entry]));
    for (let index = this.history.length - 1; index >= 0; index -= 1) {
      const event = this.history[index];
      if (event === undefined || event.revision <= at) break;
      if (!wanted(event.key)) continue;
      if (event.previous === undefined) state.delete(event.key);
      else state.set(event.key, event.previous);
    }
    return [...state.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Events after `after`, in order. Throws CompactedError. */
  eventsAfter(after: Revision): StoreEvent[] {
    this.checkKept(after);
    let low = 0;
    let high = this.history.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.history[middle]?.revision ?? 0) > after) high = middle;
      else low = middle + 1;
    }
    return this.history.slice(low);
  }

  /** Calls `listener` after each change. */
  onChange(listener: () => void): Disposable {
    this.listeners.add(listener);
    return { [Symbol.dispose]: () => void this.listeners.delete(listener) };
  }

  compact(revision: Revision): void {
    if (completeGroupOf(revision) > this.group)
      throw new FutureRevisionError(`cannot compact at ${revision}: the store is at ${this.revision}`);
    this.compacted = Math.max(this.compacted, completeGroupOf(revision));
    const horizon = snapshotOf(this.compacted);
    this.history = this.history.filter((event) => event.revision > horizon);
  }

  grant(ttlMs: number): string {
    this.leaseCount += 1;
    const id = String(this.leaseCount);
    this.leases.set(id, { ttlMs, keys: new Set(), timer: this.expiry(id, ttlMs) });
    return id;
  }

  /** False when the lease is gone. */
  keepAlive(id: string): boolean {
    const lease = this.leases.get(id);
    if (lease === undefined) return false;
    lease.timer[Symbol.dispose]();
    lease.timer = this.expiry(id, lease.ttlMs);
    return true;
  }

  revoke(id: string): void {
    const lease = this.leases.get(id);
    if (lease === undefined) return;
    this.leases.delete(id);
    lease.timer[Symbol.dispose]();
    for (const key of [...lease.keys].toSorted()) {
      const entry = this.entries.get(key);
      if (entry !== undefined) this.remove(key, entry);
    }
  }

  private expiry(id: string, ttlMs: number): Disposable {
    return this.clock.schedule(ttlMs, () => this.revoke(id));
  }

  private checkReadable(at: Revision): void {
    if (at > this.revision) throw new FutureRevisionError(`revision ${at} is not there yet: the store is at ${this.revision}`);
    this.checkKept(at);
  }

  private checkKept(revision: Revision): void {
    if (Math.max(1, completeGroupOf(revision)) >= this.compacted) return;
    throw new CompactedError(`revision ${revision} has been compacted: list anew, then watch`);
  }

  private today(prefix: string): StoreEntry[] {
    const found: StoreEntry[] = [];
    const end = prefix === '' ? undefined : endOfPrefix(prefix);
    for (let index = firstAtOrAfter(this.keys, prefix, (key) => key); index < this.keys.length; index += 1) {
      const key = this.keys[index] ?? '';
      if (end !== undefined && key >= end) break;
      const entry = plain(this.entries.get(key));
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }

  private attach(entry: Held, previous: Held | undefined): void {
    if (previous === undefined)
      this.keys.splice(
        firstAtOrAfter(this.keys, entry.key, (key) => key),
        0,
        entry.key,
      );
    this.detachLease(previous);
    this.entries.set(entry.key, entry);
    if (entry.leaseId !== undefined) this.leases.get(entry.leaseId)?.keys.add(entry.key);
  }

  private remove(key: string, previous: Held | undefined): Revision {
    this.group += 1;
    const revision = composeRevision(this.group, LAST_PLACE);
    this.keys.splice(
      firstAtOrAfter(this.keys, key, (item) => item),
      1,
    );
    this.detachLease(previous);
    this.entries.delete(key);
    this.append({ type: 'delete', key, revision, previous: plain(previous) });
    return revision;
  }

  private detachLease(entry: Held | undefined): void {
    if (entry?.leaseId !== undefined) this.leases.get(entry.leaseId)?.keys.delete(entry.key);
  }

  private append(event: StoreEvent): void {
    this.history.push(event);
    for (const listener of this.listeners) listener();
  }
}

function plain(held: Held | undefined): StoreEntry | undefined {
  return held === undefined ? undefined : { key: held.key, value: held.value, revision: held.revision };
}
