/**
 * Lists as bytes. An object is encoded once for all lists that show it, as long as it stays in the cache: joining and
 * encoding the texts of 2,000 pods anew costs four times as much as putting their buffers together.
 */
interface Item {
  readonly json: string;
}

/** Bytes of one generation of encoded objects; two generations are kept. */
const GENERATION_BYTES_MAX = 32 * 1024 * 1024;

let young = new WeakMap<Item, Buffer>();
let old = new WeakMap<Item, Buffer>();
let youngBytes = 0;

/** The whole list: `head`, the items' texts with commas between them, `tail`. */
export function listBytes(head: string, items: readonly Item[], tail: string): Buffer {
  const parts: Buffer[] = [Buffer.from(head)];
  for (const [at, item] of items.entries()) {
    const bytes = encoded(item);
    parts.push(at === 0 ? bytes.subarray(1) : bytes);
  }
  parts.push(Buffer.from(tail));
  return Buffer.concat(parts);
}

/** The object's text with a comma before it. */
function encoded(item: Item): Buffer {
  const known = young.get(item);
  if (known !== undefined) return known;
  const bytes = old.get(item) ?? Buffer.from(`,${item.json}`);
  if (youngBytes > GENERATION_BYTES_MAX) {
    old = young;
    young = new WeakMap();
    youngBytes = 0;
  }
  young.set(item, bytes);
  youngBytes += bytes.length;
  return bytes;
}
