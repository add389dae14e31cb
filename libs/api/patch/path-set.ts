/**
 * Sets of field paths, as `managedFields` record them (FieldsV1). Path elements are FieldsV1 keys: `f:<name>` a field,
 * `k:<json>` a list member by its keys, `v:<json>` a member of a set, `i:<n>` a list index; `.` marks a node itself as a member.
 */
import { isRecord } from './json-value.js';

export interface PathSet {
  /** Whether the path that leads here is in the set (not only paths below it). */
  readonly self: boolean;
  readonly children: ReadonlyMap<string, PathSet>;
}

const none: ReadonlyMap<string, PathSet> = new Map();
export const emptySet: PathSet = { self: false, children: none };
export const leaf: PathSet = { self: true, children: none };

export function isEmptySet(set: PathSet): boolean {
  return !set.self && set.children.size === 0;
}

export function pathSet(self: boolean, children: ReadonlyMap<string, PathSet>): PathSet {
  if (children.size === 0) return self ? leaf : emptySet;
  return { self, children };
}

export function union(a: PathSet, b: PathSet): PathSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  const children = new Map(a.children);
  for (const [key, child] of b.children) {
    const mine = children.get(key);
    children.set(key, mine === undefined ? child : union(mine, child));
  }
  return pathSet(a.self || b.self, children);
}

/** Members of `a` that are not members of `b`. */
export function difference(a: PathSet, b: PathSet): PathSet {
  if (isEmptySet(b)) return a;
  const children = new Map<string, PathSet>();
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    const rest = other === undefined ? child : difference(child, other);
    if (!isEmptySet(rest)) children.set(key, rest);
  }
  return pathSet(a.self && !b.self, children);
}

/** As `difference`, but a member of `b` takes everything below it along: for subtrees that are gone. */
export function withoutSubtrees(a: PathSet, b: PathSet): PathSet {
  if (isEmptySet(b)) return a;
  if (b.self) return emptySet;
  const children = new Map<string, PathSet>();
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    const rest = other === undefined ? child : withoutSubtrees(child, other);
    if (!isEmptySet(rest)) children.set(key, rest);
  }
  return pathSet(a.self, children);
}

export function intersection(a: PathSet, b: PathSet): PathSet {
  const children = new Map<string, PathSet>();
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    const both = other === undefined ? emptySet : intersection(child, other);
    if (!isEmptySet(both)) children.set(key, both);
  }
  return pathSet(a.self && b.self, children);
}

export function equalSets(a: PathSet, b: PathSet): boolean {
  if (a === b) return true;
  if (a.self !== b.self || a.children.size !== b.children.size) return false;
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    if (other === undefined || !equalSets(child, other)) return false;
  }
  return true;
}

/** Only what is below one of the given first elements, or all but that. */
export function restrict(set: PathSet, keep: (firstElement: string) => boolean): PathSet {
  return pathSet(set.self, new Map([...set.children].filter(([key]) => keep(key))));
}

/** `{"f:metadata":{"f:labels":{".":{},"f:app":{}}}}`, members in order. */
export function toFieldsV1(set: PathSet): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (set.self && set.children.size > 0) out['.'] = {};
  for (const key of [...set.children.keys()].sort()) out[key] = toFieldsV1(set.children.get(key) ?? emptySet);
  return out;
}

/** Reads FieldsV1; unreadable parts are skipped. */
export function fromFieldsV1(fields: unknown): PathSet {
  if (!isRecord(fields)) return emptySet;
  const children = new Map<string, PathSet>();
  for (const key of Object.keys(fields)) {
    if (key === '.') continue;
    const child = fields[key];
    children.set(key, isRecord(child) && Object.keys(child).length > 0 ? fromFieldsV1(child) : leaf);
  }
  return pathSet(fields['.'] !== undefined, children);
}

/** Every member as text, in order: `.spec.template.spec.containers[name="web"].image`. */
export function printPaths(set: PathSet, prefix = ''): string[] {
  const own = set.self && prefix !== '' ? [prefix] : [];
  return [
    ...own,
    ...[...set.children.keys()].sort().flatMap((key) => printPaths(set.children.get(key) ?? emptySet, prefix + printElement(key))),
  ];
}

/** One element as text: `.spec`, `[name="web"]`, `[="a"]`, `[0]`. */
export function printElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('i:')) return `[${text}]`;
  if (element.startsWith('v:')) return `[=${text}]`;
  const keys: unknown = JSON.parse(text);
  const pairs = isRecord(keys) ? Object.keys(keys).map((key) => `${key}=${JSON.stringify(keys[key])}`) : [];
  return `[${pairs.join(',')}]`;
}
