/** The newest state of every object, listable by prefix in key order. Kept in one sorted array a resource family. */
import { endOfPrefix, firstAtOrAfter } from '../sorted-keys.js';
import type { LazyObject } from './cached-object.js';

const keyOf = (object: LazyObject): string => object.key;

export class SnapshotStore {
  private readonly byKey = new Map<string, LazyObject>();
  /** By the first segment after `/registry/`: `pods`, `apps`, ... Each array is sorted by key. */
  private readonly families = new Map<string, LazyObject[]>();

  get size(): number {
    return this.byKey.size;
  }

  get(key: string): LazyObject | undefined {
    return this.byKey.get(key);
  }

  keys(): IterableIterator<string> {
    return this.byKey.keys();
  }

  /** Answers what stood there before. */
  put(object: LazyObject): LazyObject | undefined {
    const previous = this.byKey.get(object.key);
    this.byKey.set(object.key, object);
    const family = this.familyOf(object.key);
    const last = family.at(-1);
    if (last === undefined || last.key < object.key) {
      family.push(object); // the initial list comes in order
      return previous;
    }
    family.splice(firstAtOrAfter(family, object.key, keyOf), previous === undefined ? 0 : 1, object);
    return previous;
  }

  /** Answers what stood there. */
  delete(key: string): LazyObject | undefined {
    const previous = this.byKey.get(key);
    if (previous === undefined) return undefined;
    this.byKey.delete(key);
    const family = this.familyOf(key);
    family.splice(firstAtOrAfter(family, key, keyOf), 1);
    return previous;
  }

  list(prefix: string): readonly LazyObject[] {
    const name = familyName(prefix);
    if (name === undefined) return [...this.byKey.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
    const family = this.families.get(name) ?? [];
    return family.slice(firstAtOrAfter(family, prefix, keyOf), firstAtOrAfter(family, endOfPrefix(prefix), keyOf));
  }

  private familyOf(key: string): LazyObject[] {
    const name = familyName(key) ?? '';
    let family = this.families.get(name);
    if (family === undefined) this.families.set(name, (family = []));
    return family;
  }
}

/** `/registry/pods/default/a` -> `pods`; `undefined` when the text does not reach beyond the family. */
function familyName(key: string): string | undefined {
  const start = key.indexOf('/', 1) + 1;
  const end = key.indexOf('/', start);
  return start === 0 || end === -1 ? undefined : key.slice(start, end);
}
