/**
 * Strategic merge patch: a merge patch that knows which lists are merged, by which key, and understands directives
 * (`$patch`, `$retainKeys`, `$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>`). Kubernetes docs, "Update API
 * objects in place using kubectl patch".
 */
import { StatusError } from '../errors.js';
import { typeOf, type Field, type ObjectType, type Shape } from '../schema/index.js';
import { getOwn, isRecord, jsonEqual, mergeOrder, setOwn, type JsonRecord } from './json-value.js';

const PATCH = '$patch';
const RETAIN_KEYS = '$retainKeys';
const SET_ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';

/** The patched object; neither argument is changed. Throws StatusError (BadRequest) for a malformed patch. */
export function applyStrategicMerge(typeName: string, current: JsonRecord, patch: JsonRecord): JsonRecord {
  return mergeObject({ kind: 'object', type: typeName }, current, patch);
}

function bad(message: string): StatusError {
  return new StatusError('BadRequest', message);
}

function mergeObject(shape: Shape, current: JsonRecord, patch: JsonRecord): JsonRecord {
  const directive = patch[PATCH];
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw bad(`unknown patch type found in: ${JSON.stringify(patch)}`);
  const merged: Record<string, unknown> = retained(current, patch[RETAIN_KEYS]);
  const type = shape.kind === 'object' ? typeOf(shape.type) : undefined;
  applyListDeletions(merged, patch);
  for (const key of Object.keys(patch)) {
    if (key.startsWith('$')) continue;
    const value = patch[key];
    if (value === null) delete merged[key];
    else setOwn(merged, key, mergeMember({ shape, type, patch }, key, getOwn(merged, key), value));
  }
  applyOrders(type, merged, patch);
  return merged;
}

interface Context {
  readonly shape: Shape;
  readonly type: ObjectType | undefined;
  readonly patch: JsonRecord;
}

function mergeMember(context: Context, key: string, current: unknown, value: unknown): unknown {
  const field = context.type?.fields.get(key);
  const shape = field?.shape ?? (context.shape.kind === 'map' ? context.shape.values : { kind: 'any' });
  if (isRecord(value)) {
    const base = field?.patchStrategy === 'replace' || !isRecord(current) ? {} : current;
    return mergeObject(shape, base, value);
  }
  if (!Array.isArray(value)) return value;
  if (field?.patchKey === undefined || shape.kind !== 'list') return value.filter((item) => !isDirective(item)).map(clean);
  const live = Array.isArray(current) ? current : [];
  if (field.patchKey === '') return [...live, ...value.filter((item) => !live.some((known) => jsonEqual(known, item)))];
  return mergeList(field.patchKey, shape.items, live, value);
}

function mergeList(key: string, items: Shape, live: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const replace = patch.some((item) => getOwn(item, PATCH) === 'replace');
  const merged = replace ? [] : [...live];
  for (const item of patch) {
    if (!isRecord(item)) throw bad(`expected a list of objects merged by "${key}", found ${JSON.stringify(item)}`);
    if (item[PATCH] === 'replace' && item[key] === undefined) continue;
    if (item[key] === undefined) throw bad(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const at = merged.findIndex((known) => jsonEqual(getOwn(known, key), item[key]));
    if (item[PATCH] === 'delete') {
      if (at >= 0) merged.splice(at, 1);
      continue;
    }
    const base = at >= 0 ? merged[at] : undefined;
    const value = mergeObject(items, isRecord(base) ? base : {}, item);
    if (at >= 0) merged[at] = value;
    else merged.push(value);
  }
  return merged;
}

function isDirective(item: unknown): boolean {
  return isRecord(item) && item[PATCH] !== undefined && Object.keys(item).length === 1;
}

/** A replacing value without directives and without nulls. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  return isRecord(value) ? withoutDirectives(value) : value;
}

function withoutDirectives(patch: JsonRecord): JsonRecord {
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(patch)) {
    if (patch[key] !== null && !key.startsWith('$')) setOwn(kept, key, clean(patch[key]));
  }
  return kept;
}

/** `$retainKeys` names all members that may stay. */
function retained(current: JsonRecord, keys: unknown): Record<string, unknown> {
  if (keys === undefined) return { ...current };
  if (!Array.isArray(keys)) throw bad('invalid retainKeys: it must be a list of names');
  return Object.fromEntries(Object.entries(current).filter(([key]) => keys.includes(key)));
}

function applyListDeletions(merged: Record<string, unknown>, patch: JsonRecord): void {
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(DELETE_FROM)) continue;
    const list = key.slice(DELETE_FROM.length);
    const gone = patch[key];
    const live = getOwn(merged, list);
    if (!Array.isArray(gone)) throw bad(`${key} must be a list`);
    if (Array.isArray(live))
      setOwn(
        merged,
        list,
        live.filter((item) => !gone.some((other) => jsonEqual(item, other))),
      );
  }
}

function applyOrders(type: ObjectType | undefined, merged: Record<string, unknown>, patch: JsonRecord): void {
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(SET_ORDER)) continue;
    const name = key.slice(SET_ORDER.length);
    const order = patch[key];
    const list = getOwn(merged, name);
    const field = type?.fields.get(name);
    if (!Array.isArray(order)) throw bad(`${key} must be a list`);
    if (Array.isArray(list) && field !== undefined) setOwn(merged, name, ordered(field, list, order));
  }
}

function ordered(field: Field, list: readonly unknown[], order: readonly unknown[]): unknown[] {
  const idOf = (item: unknown): string => JSON.stringify(field.patchKey ? getOwn(item, field.patchKey) : item) ?? '';
  const byId = new Map(list.map((item) => [idOf(item), item]));
  const wanted = order.map(idOf).filter((id) => byId.has(id));
  return mergeOrder(list.map(idOf), [...new Set(wanted)]).map((id) => byId.get(id));
}
