/**
 * A watch that survives lost connections. It reads the whole key space and filters here, so that every change of the store,
 * wherever it is, moves `progress` (etcd 3.4 may send its progress notifications ahead of events, so they are not used).
 */
import type { Logger } from '../../kit/index.js';
import { backoffMs, onCancel, type CancelSignal, type Clock } from '../../kit/index.js';
import type { IEvent, IWatchCreateRequest, IWatchResponse } from 'etcd3';
import { CompactedError, LAST_PLACE, completeGroupOf, composeRevision, groupOf, snapshotOf } from '../../storage/index.js';
import type { Revision, StoreEvent, WatchBatch } from '../../storage/index.js';
import type { EtcdConnection } from './connection.js';
import { decodeKeyValue, rangeEnd, toEntry } from './value.js';

const RECONNECT = { initialMs: 50, maxMs: 1_000 };

export interface WatchPorts {
  readonly connection: EtcdConnection;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface WatchScope {
  readonly prefix: string;
  readonly after: Revision;
  /** Asks etcd for this prefix only: less traffic, but `progress` moves with its own changes only. */
  readonly narrow?: boolean;
}

export async function* watchStore(ports: WatchPorts, scope: WatchScope, signal: CancelSignal): AsyncGenerator<WatchBatch, void, undefined> {
  let seen = scope.after;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      for await (const batch of openWatch(ports, { ...scope, after: seen }, signal)) {
        failures = 0;
        seen = batch.progress;
        yield batch;
      }
    } catch (error) {
      if (error instanceof CompactedError) throw error;
      ports.log.debug('the watch of etcd broke and is opened again', { error: ports.connection.translate(error), after: seen });
    }
    if (!signal.aborted) await ports.clock.sleep(backoffMs(RECONNECT, failures), signal);
  }
}

/** One stream. Ends when etcd ends it; throws when it breaks. */
async function* openWatch(ports: WatchPorts, scope: WatchScope, signal: CancelSignal): AsyncGenerator<WatchBatch, void, undefined> {
  const stream = ports.connection.watch();
  using _cancel = onCancel(signal, () => stream.cancel());
  stream.on('error', () => undefined); // the iteration throws it; a late one after the end must not end the process
  try {
    stream.write({ create_request: createRequest(scope) });
    let { after } = scope;
    for await (const item of stream) {
      const response = item as IWatchResponse; // grpc-js types the iteration of its streams as unknown
      if (response.canceled) {
        if (Number(response.compact_revision) > 0) throw new CompactedError(`revision ${after} has been compacted: list anew, then watch`);
        return;
      }
      const batch = toBatch(response, scope.prefix, after);
      if (batch === undefined) continue;
      after = batch.progress;
      yield batch;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stream.cancel();
  }
}

/**
 * Begins at the newest group that the reader has seen as a whole (its events are skipped below): etcd refuses a beginning
 * before its compaction, and so nothing between that group and the next can have been forgotten.
 */
function createRequest(scope: WatchScope): IWatchCreateRequest {
  const all = Buffer.from([0]);
  return {
    key: scope.narrow === true ? Buffer.from(scope.prefix) : all,
    range_end: scope.narrow === true ? rangeEnd(scope.prefix) : all,
    start_revision: Math.max(1, completeGroupOf(scope.after)),
    prev_kv: true,
    fragment: true,
  };
}

function toBatch(response: IWatchResponse, prefix: string, after: Revision): WatchBatch | undefined {
  const last = response.events.at(-1);
  if (last === undefined) return undefined;
  const events: StoreEvent[] = [];
  let newest = after;
  for (const [index, event] of response.events.entries()) {
    const decoded = decodeEvent(event, deletesFollowing(response.events, index));
    if (decoded.revision <= after) continue;
    newest = decoded.revision;
    if (decoded.key.startsWith(prefix)) events.push(decoded);
  }
  // A fragment may end within a group; otherwise a response holds its groups as a whole.
  const progress = response.fragment ? newest : snapshotOf(groupOf(newest));
  return progress <= after ? undefined : { events, progress };
}

/** How many deletes of the same etcd revision follow: none in our own groups, some when a lease with several keys ended. */
function deletesFollowing(events: readonly IEvent[], index: number): number {
  const event = events[index];
  if (event === undefined || isPut(event)) return 0;
  let count = 0;
  while (events[index + 1 + count]?.kv.mod_revision === event.kv.mod_revision) count += 1;
  return count;
}

function decodeEvent(event: IEvent, following: number): StoreEvent {
  const previous = isPresent(event.prev_kv) ? toEntry(decodeKeyValue(event.prev_kv)) : undefined;
  if (isPut(event)) return { type: 'put', ...toEntry(decodeKeyValue(event.kv)), previous };
  const revision = composeRevision(Number(event.kv.mod_revision), LAST_PLACE - following);
  return { type: 'delete', key: event.kv.key.toString(), revision, previous };
}

/** etcd3's types spell `Put`, its proto file `PUT`. */
function isPut(event: IEvent): boolean {
  return event.type.toUpperCase() === 'PUT';
}

/** proto-loader gives null for an absent message. */
function isPresent<T>(message: T | null | undefined): message is T {
  return message !== null && message !== undefined;
}
