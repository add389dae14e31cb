/**
 * What is stored in etcd: `<place> <writer>\n<json>`. The place in the commit group makes revisions unique within one etcd
 * revision; the writer's mark tells, after a lost reply, whether the value that stands there is one's own.
 */
import type { IKeyValue } from 'etcd3';
import { composeRevision, type StoreEntry } from '../../storage/index.js';

const NEWLINE = 10;
const HEADER_BYTES_MAX = 64;

export interface StoredValue extends StoreEntry {
  readonly writer: string;
}

export function encodeValue(place: number, writer: string, json: string): Buffer {
  return Buffer.from(`${place} ${writer}\n${json}`);
}

/** A value without a header (written by other tools) has place 0 and no writer. */
export function decodeKeyValue(kv: IKeyValue): StoredValue {
  const { value } = kv;
  const key = kv.key.toString();
  const first = value[0] ?? 0;
  const end = first >= 48 && first <= 57 ? value.subarray(0, HEADER_BYTES_MAX).indexOf(NEWLINE) : -1;
  const header = end === -1 ? null : /^(\d{1,4}) (\S+)$/.exec(value.toString('latin1', 0, end));
  const place = Number(header?.[1] ?? 0);
  return {
    key,
    value: header === null ? value.toString() : value.toString('utf8', end + 1),
    revision: composeRevision(Number(kv.mod_revision), place),
    writer: header?.[2] ?? '',
  };
}

/** Without the writer: what the store's callers get. */
export function toEntry(stored: StoredValue): StoreEntry {
  return { key: stored.key, value: stored.value, revision: stored.revision };
}

/** End of the range of all keys with this prefix, in etcd's order (bytes). */
export function rangeEnd(prefix: string): Buffer {
  const bytes = Buffer.from(prefix);
  const last = bytes.length - 1;
  bytes.writeUInt8((bytes[last] ?? 0) + 1, last); // UTF-8 has no byte 0xff, so this never overflows
  return bytes;
}
