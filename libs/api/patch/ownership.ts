/**
 * Fields of an object as paths that appliers own: which parts exist (`ownedPaths`), what a change touched (`compareObjects`),
 * merging an applied configuration, and removing what nobody wants any more. All walk the value along its schema.
 */
import { typeOf, type Field, type Ownership, type Shape } from '../schema/index.js';
import { getOwn, isRecord, jsonEqual, mergeOrder, setOwn, type JsonRecord } from './json-value.js';
import { emptySet, isEmptySet, leaf, pathSet, printElement, union, type PathSet } from './path-set.js';

/** The place of a value: its shape and how it is shared. */
export interface Slot {
  readonly shape: Shape;
  readonly ownership: Ownership;
  readonly keys: readonly string[];
  /** Whether the place exists in every object of the type, so that it is never "added". */
  readonly required: boolean;
}

interface Member {
  readonly element: string;
  readonly slot: Slot;
  readonly value: unknown;
}

const anySlot: Slot = { shape: { kind: 'any' }, ownership: 'atomic', keys: [], required: false };
/** Defaults of map keys: ports without a protocol are TCP ports. */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: 'TCP' };

/** A list member lacks a key or stands twice; the message starts with the path of the list. */
export class ListKeyError extends Error {}

/** The slot of a whole object of a generated type; without a type its top-level fields are owned whole. */
export function rootSlot(typeName: string | undefined): Slot {
  const shape: Shape = typeName === undefined ? { kind: 'map', values: { kind: 'any' } } : { kind: 'object', type: typeName };
  return { shape, ownership: 'granular', keys: [], required: true };
}

function slotOf(field: Field): Slot {
  return { shape: field.shape, ownership: field.ownership, keys: field.keys, required: field.required };
}

function innerSlot(shape: Shape): Slot {
  return { shape, ownership: shape.kind === 'list' ? 'atomic' : 'granular', keys: [], required: false };
}

/** Parts of a value that are owned one by one; `undefined` where the value is owned as a whole. */
function membersOf(slot: Slot, value: unknown): readonly Member[] | undefined {
  const { shape } = slot;
  switch (shape.kind) {
    case 'object': {
      const type = typeOf(shape.type);
      return type.atomic || !isRecord(value) ? undefined : fieldMembers(value, (name) => fieldSlot(type.fields.get(name)));
    }
    case 'map':
      return slot.ownership === 'atomic' || !isRecord(value) ? undefined : fieldMembers(value, () => innerSlot(shape.values));
    case 'list':
      return slot.ownership === 'atomic' || !Array.isArray(value) ? undefined : listMembers(slot, shape.items, value);
    default:
      return undefined;
  }
}

function fieldSlot(field: Field | undefined): Slot {
  return field === undefined ? anySlot : slotOf(field);
}

function fieldMembers(value: JsonRecord, slotFor: (name: string) => Slot): Member[] {
  return Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .map((name) => ({ element: `f:${name}`, slot: slotFor(name), value: value[name] }));
}

/** Members without a key or with a key that stood before are told apart by their place: live objects may have such. */
function listMembers(slot: Slot, items: Shape, value: readonly unknown[]): Member[] {
  const seen = new Set<string>();
  return value.map((item, index) => {
    const id = elementOf(slot, item);
    const element = id === undefined || seen.has(id) ? `i:${index}` : id;
    seen.add(element);
    return { element, slot: innerSlot(items), value: item };
  });
}

function elementOf(slot: Slot, item: unknown): string | undefined {
  if (slot.ownership === 'set') return `v:${JSON.stringify(item)}`;
  const parts: Record<string, unknown> = {};
  for (const key of [...slot.keys].sort()) {
    const value = getOwn(item, key) ?? keyDefaults[key];
    if (value !== undefined) parts[key] = value;
  }
  const first = slot.keys[0] ?? '';
  return parts[first] === undefined ? undefined : `k:${JSON.stringify(parts)}`;
}

/** Requires of a configuration that list members have their keys and none stands twice. Throws ListKeyError. */
export function requireListKeys(slot: Slot, value: unknown, path = ''): void {
  const members = membersOf(slot, value) ?? [];
  for (const member of members) {
    if (member.element.startsWith('i:')) throw keyProblem(slot, member, path);
    requireListKeys(member.slot, member.value, path + printElement(member.element));
  }
}

function keyProblem(slot: Slot, member: Member, path: string): ListKeyError {
  const id = elementOf(slot, member.value);
  if (id !== undefined) return new ListKeyError(`${path}: duplicate entries for key ${printElement(id)}`);
  const index = member.element.slice(2);
  return new ListKeyError(
    `${path}: element ${index}: associative list with keys has an element that omits key field "${slot.keys[0]}" (and doesn't have default value)`,
  );
}

/** Whether list members or map entries (and not declared fields) are members of a set themselves. */
function isCollection(slot: Slot): boolean {
  return slot.shape.kind === 'list' || slot.shape.kind === 'map';
}

/** All fields that a configuration states. */
export function ownedPaths(slot: Slot, value: unknown): PathSet {
  const members = membersOf(slot, value);
  if (members === undefined) return leaf;
  const children = new Map<string, PathSet>();
  for (const member of members) {
    const below = ownedPaths(member.slot, member.value);
    const self = isCollection(slot) || isEmptySet(below);
    children.set(member.element, self ? pathSet(true, below.children) : below);
  }
  return pathSet(false, children);
}

export interface Comparison {
  /** Fields that were added or have another value. */
  readonly changed: PathSet;
  readonly removed: PathSet;
}
const noChange: Comparison = { changed: emptySet, removed: emptySet };

/** What differs between two objects of one type. Members of lists are matched by key, whatever their order. */
export function compareObjects(slot: Slot, before: unknown, after: unknown): Comparison {
  if (before === after) return noChange;
  const old = before === undefined ? [] : membersOf(slot, before);
  const now = after === undefined ? [] : membersOf(slot, after);
  if (old === undefined || now === undefined) return jsonEqual(before, after) ? noChange : { changed: leaf, removed: emptySet };
  const changed = new Map<string, PathSet>();
  const removed = new Map<string, PathSet>();
  const oldByElement = new Map(old.map((member) => [member.element, member]));
  for (const member of now) {
    const previous = oldByElement.get(member.element);
    oldByElement.delete(member.element);
    const below =
      previous === undefined
        ? { changed: addedPaths(slot, member), removed: emptySet }
        : compareObjects(member.slot, previous.value, member.value);
    if (!isEmptySet(below.changed)) changed.set(member.element, below.changed);
    if (!isEmptySet(below.removed)) removed.set(member.element, below.removed);
  }
  for (const [element, member] of oldByElement) removed.set(element, union(leaf, ownedPaths(member.slot, member.value)));
  return { changed: pathSet(false, changed), removed: pathSet(false, removed) };
}

/** A new member is itself an addition where it is an optional collection, or a member of a collection. */
function addedPaths(parent: Slot, member: Member): PathSet {
  const members = membersOf(member.slot, member.value) ?? [];
  const below = new Map(members.map((inner) => [inner.element, addedPaths(member.slot, inner)]));
  const self = below.size === 0 || isCollection(parent) || (isCollection(member.slot) && !member.slot.required);
  return pathSet(self, below);
}

/** The live value with an applied configuration laid over it. */
export function mergeApplied(slot: Slot, live: unknown, applied: unknown): unknown {
  if (live === undefined) return applied;
  const wanted = membersOf(slot, applied);
  const current = membersOf(slot, live);
  if (wanted === undefined || current === undefined) return applied;
  if (Array.isArray(applied)) {
    const liveByElement = new Map(current.map((member) => [member.element, member.value]));
    const wantedByElement = new Map(wanted.map((member) => [member.element, member]));
    const order = mergeOrder([...liveByElement.keys()], [...wantedByElement.keys()]);
    return order.map((element) => {
      const member = wantedByElement.get(element);
      const value = liveByElement.get(element);
      return member === undefined ? value : mergeApplied(member.slot, value, member.value);
    });
  }
  const merged: Record<string, unknown> = isRecord(live) ? { ...live } : {};
  for (const member of wanted) {
    const name = member.element.slice(2);
    setOwn(merged, name, mergeApplied(member.slot, getOwn(live, name), member.value));
  }
  return merged;
}

/** Removes what stands in `gone` and has nothing that `kept` owns in it. */
export function removePaths(slot: Slot, value: unknown, gone: PathSet, kept: PathSet): unknown {
  const members = membersOf(slot, value);
  if (members === undefined) return value;
  const rest: Member[] = [];
  for (const member of members) {
    const goneBelow = gone.children.get(member.element);
    const keptBelow = kept.children.get(member.element);
    if (goneBelow === undefined) rest.push(member);
    else if (keptBelow !== undefined) rest.push({ ...member, value: removePaths(member.slot, member.value, goneBelow, keptBelow) });
  }
  if (Array.isArray(value)) return rest.map((member) => member.value);
  const out: Record<string, unknown> = {};
  for (const member of rest) setOwn(out, member.element.slice(2), member.value);
  return out;
}
