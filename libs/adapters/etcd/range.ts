/** Reads of etcd: large ranges in pages, and the state at any single change, also in the middle of a commit group. */
import type { IKeyValue } from 'etcd3';
import { LAST_PLACE, groupOf, placeOf, snapshotOf } from '../../storage/index.js';
import type { ListPage, Revision, StoreEntry } from '../../storage/index.js';
import type { EtcdConnection } from './connection.js';
import { decodeKeyValue, rangeEnd, toEntry } from './value.js';

const PAGE_KEYS_MAX = 1_000;

export interface RangeOptions {
  readonly limit?: number | undefined;
  readonly afterKey?: string | undefined;
  readonly atRevision?: Revision | undefined;
}

export async function readRange(connection: EtcdConnection, prefix: string, options: RangeOptions): Promise<ListPage> {
  const { atRevision } = options;
  if (atRevision !== undefined && placeOf(atRevision) !== LAST_PLACE) return readMidGroup(connection, prefix, { ...options, atRevision });
  const group = atRevision === undefined ? 0 : Math.max(1, groupOf(atRevision));
  const read = await readPages(connection, prefix, { ...options, group });
  return page(
    read.kvs.map((kv) => toEntry(decodeKeyValue(kv))),
    read.count - read.kvs.length,
    snapshotOf(read.group),
  );
}

/** The state within group `g` up to a place: what `g` left, except for its later changes, where `g - 1` still stands. Rare: history only. */
async function readMidGroup(
  connection: EtcdConnection,
  prefix: string,
  options: RangeOptions & { readonly atRevision: Revision },
): Promise<ListPage> {
  const { atRevision, limit = 0 } = options;
  const group = groupOf(atRevision);
  const older = await readPages(connection, prefix, { afterKey: options.afterKey, group: Math.max(1, group - 1) });
  const newer = await readPages(connection, prefix, { afterKey: options.afterKey, group: Math.max(1, group) });
  const state = new Map<string, StoreEntry>();
  const left = new Set(newer.kvs.map((kv) => kv.key.toString()));
  for (const entry of older.kvs.map(decodeKeyValue)) {
    if (group > 1) state.set(entry.key, toEntry(entry));
  }
  for (const entry of newer.kvs.map(decodeKeyValue)) {
    if (entry.revision <= atRevision) state.set(entry.key, toEntry(entry));
  }
  // A key that is in `older` and not in `left` was deleted by this group; a delete is last, so it still stands here.
  const entries = [...state.values()].filter((entry) => left.has(entry.key) || groupOf(entry.revision) < group).toSorted(byKey);
  const shown = limit === 0 ? entries : entries.slice(0, limit);
  return page(shown, entries.length - shown.length, atRevision);
}

async function readPages(
  connection: EtcdConnection,
  prefix: string,
  options: { readonly limit?: number | undefined; readonly afterKey?: string | undefined; readonly group: number },
): Promise<{ kvs: IKeyValue[]; count: number; group: number }> {
  const end = prefix === '' ? Buffer.from([0]) : rangeEnd(prefix);
  const wanted = options.limit === undefined || options.limit === 0 ? Number.POSITIVE_INFINITY : options.limit;
  const kvs: IKeyValue[] = [];
  let start = options.afterKey === undefined ? Buffer.from(prefix === '' ? '\0' : prefix) : justAfter(Buffer.from(options.afterKey));
  let count: number | undefined;
  let group = options.group;
  for (;;) {
    const limit = Math.min(PAGE_KEYS_MAX, wanted - kvs.length);
    const response = await connection.call('range', { key: start, range_end: end, limit, revision: group });
    if (group === 0) group = Number(response.header.revision);
    count ??= Number(response.count);
    kvs.push(...response.kvs);
    const last = response.kvs.at(-1);
    if (!response.more || last === undefined || kvs.length >= wanted) return { kvs, count, group };
    start = justAfter(last.key);
  }
}

function page(entries: StoreEntry[], remaining: number, revision: Revision): ListPage {
  return { entries, revision, remaining, nextAfterKey: remaining > 0 ? entries.at(-1)?.key : undefined };
}

/** The smallest key after `key`. */
function justAfter(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.from([0])]);
}

function byKey(a: StoreEntry, b: StoreEntry): number {
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
}
