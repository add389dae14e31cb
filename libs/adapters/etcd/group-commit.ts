/**
 * Commits concurrent writes in groups: one etcd transaction whose operations are transactions of their own, each with its
 * compare. Throughput grows with load; every writer gets its own outcome.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IRequestOp, IResponseOp } from 'etcd3';
import { deferred, type Deferred } from '../../kit/index.js';
import { LAST_PLACE, StoreUnavailableError, composeRevision, groupOf } from '../../storage/index.js';
import type { StoreWrite, WriteOutcome } from '../../storage/index.js';
import type { EtcdConnection } from './connection.js';
import { decodeKeyValue, encodeValue, toEntry, type StoredValue } from './value.js';

const GROUP_WRITES_MAX = 128;
const GROUPS_IN_FLIGHT_MAX = 8;
/** How far a group looks into the queue for writes that fit it: a long row of deletes must not be walked for each of them. */
const LOOK_AHEAD = 1_024;
/** Keeps a group below etcd's request limit (`--max-request-bytes`, 1.5 MiB by default); one larger value goes alone. */
const GROUP_CHARS_MAX = 1_000_000;
/** How long a write with an unknown outcome is looked after before its caller is told that it is unknown. */
const RESOLVE_MS = 4_000;
const RESOLVE_RETRY_MS = 50;

interface Pending {
  readonly write: StoreWrite;
  readonly done: Deferred<WriteOutcome>;
  /** Marks of all attempts: a value with one of them is this write's own. */
  readonly marks: string[];
  readonly deadline: number;
}

interface Placed {
  readonly pending: Pending;
  readonly place: number;
}

export class GroupCommitter {
  private queue: Pending[] = [];
  private inFlight = 0;
  private groupCount = 0;
  private flushScheduled = false;

  /** `writer`: a mark of this process, unique among all that write to this etcd. */
  constructor(
    private readonly connection: EtcdConnection,
    private readonly writer: string,
  ) {}

  write(write: StoreWrite): Promise<WriteOutcome> {
    const done = deferred<WriteOutcome>();
    this.enqueue({ write, done, marks: [], deadline: Date.now() + RESOLVE_MS });
    return done.promise;
  }

  private enqueue(pending: Pending): void {
    this.queue.push(pending);
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    setImmediate(() => {
      this.flushScheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    while (this.inFlight < GROUPS_IN_FLIGHT_MAX && this.queue.length > 0) {
      const { group, rest } = takeGroup(this.queue);
      this.queue = rest;
      this.inFlight += 1;
      void this.commit(group).finally(() => {
        this.inFlight -= 1;
        this.flush();
      });
    }
  }

  /** Never rejects: every failure goes to the writers. */
  private async commit(group: readonly Placed[]): Promise<void> {
    this.groupCount += 1;
    const mark = `${this.writer}.${this.groupCount.toString(36)}`;
    const success = group.map(({ pending, place }) => ({ request_txn: operation(pending.write, place, mark) }));
    for (const { pending } of group) pending.marks.push(mark);
    try {
      const response = await this.connection.call('txn', { compare: [], success, failure: [] });
      const revision = Number(response.header.revision);
      for (const [index, placed] of group.entries()) settle(placed, revision, response.responses[index]);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) for (const { pending } of group) pending.done.reject(error);
      else await Promise.all(group.map(({ pending }) => this.resolve(pending, error)));
    }
  }

  /**
   * After a lost reply: reads back what stands there. Our own mark: it happened. Still the expected revision: it did not, and
   * repeating is exact, because that revision never comes back once replaced. Anything else stays unknown.
   */
  private async resolve(pending: Pending, cause: StoreUnavailableError): Promise<void> {
    const { write } = pending;
    const current = await this.readBack(pending);
    if (current === 'away') return pending.done.reject(cause);
    if (current !== undefined && pending.marks.includes(current.writer)) {
      return pending.done.resolve({ ok: true, revision: current.revision });
    }
    if (write.expected !== 0 && leaseOf(write) === undefined && current?.revision === write.expected) return this.enqueue(pending);
    pending.done.reject(
      new StoreUnavailableError(`the outcome of the write of ${write.key} is unknown: ${cause.message}; read it and try again`, { cause }),
    );
  }

  private async readBack(pending: Pending): Promise<StoredValue | undefined | 'away'> {
    while (Date.now() < pending.deadline) {
      try {
        const response = await this.connection.call('range', { key: Buffer.from(pending.write.key) }, 1_000);
        const kv = response.kvs[0];
        return kv === undefined ? undefined : decodeKeyValue(kv);
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) return 'away';
        await sleep(RESOLVE_RETRY_MS);
      }
    }
    return 'away';
  }
}

/**
 * The next group and what stays queued, both in order of arrival: no two writes of one key, at most one delete (its watch
 * event cannot carry a place, so it takes the last), and a leased write alone (a dead lease fails its whole transaction).
 */
export function takeGroup(queue: readonly Pending[]): { group: Placed[]; rest: Pending[] } {
  const puts: Pending[] = [];
  const rest: Pending[] = [];
  const keys = new Set<string>();
  let removal: Pending | undefined;
  let chars = 0;
  for (const [index, pending] of queue.entries()) {
    const { write } = pending;
    const size = write.op === 'put' ? write.value.length + write.key.length : write.key.length;
    const taken = keys.size;
    const isLeased = leaseOf(write) !== undefined;
    const isFull = taken >= GROUP_WRITES_MAX || index >= LOOK_AHEAD || (taken > 0 && chars + size > GROUP_CHARS_MAX);
    if (isFull || (isLeased && taken > 0)) {
      rest.push(...queue.slice(index));
      break;
    }
    if (keys.has(write.key) || (write.op === 'delete' && removal !== undefined)) {
      rest.push(pending);
      continue;
    }
    keys.add(write.key);
    chars += size;
    if (write.op === 'delete') removal = pending;
    else puts.push(pending);
    if (isLeased) {
      rest.push(...queue.slice(index + 1));
      break;
    }
  }
  const group = puts.map((pending, place): Placed => ({ pending, place }));
  if (removal !== undefined) group.push({ pending: removal, place: LAST_PLACE });
  return { group, rest };
}

function leaseOf(write: StoreWrite): string | undefined {
  return write.op === 'put' ? write.leaseId : undefined;
}

function operation(write: StoreWrite, place: number, mark: string): NonNullable<IRequestOp['request_txn']> {
  const key = Buffer.from(write.key);
  const apply: IRequestOp =
    write.op === 'put'
      ? { request_put: { key, value: encodeValue(place, mark, write.value), lease: write.leaseId ?? 0 } }
      : { request_delete_range: { key } };
  return {
    compare: [{ result: 'Equal', target: 'Mod', key, mod_revision: groupOf(write.expected) }],
    success: [apply],
    failure: [{ request_range: { key } }],
  };
}

function settle({ pending, place }: Placed, revision: number, response: IResponseOp | undefined): void {
  const inner = response?.response_txn;
  if (inner === undefined) return pending.done.reject(new Error(`etcd gave no answer for the write of ${pending.write.key}`));
  const kv = inner.responses[0]?.response_range?.kvs[0];
  const current = kv === undefined ? undefined : decodeKeyValue(kv);
  const missing = pending.write.op === 'delete' && pending.write.expected === 0;
  if (inner.succeeded && !missing) return pending.done.resolve({ ok: true, revision: composeRevision(revision, place) });
  if (current !== undefined && pending.marks.includes(current.writer)) {
    return pending.done.resolve({ ok: true, revision: current.revision }); // an earlier attempt arrived after all
  }
  if (pending.marks.length > 1) {
    return pending.done.reject(
      new StoreUnavailableError(`the outcome of the write of ${pending.write.key} is unknown: read it and try again`),
    );
  }
  pending.done.resolve({ ok: false, current: current === undefined ? undefined : toEntry(current) });
}
