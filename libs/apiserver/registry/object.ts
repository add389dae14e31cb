/** Small words over objects whose kind the pipeline does not know. Objects are never mutated. */
import type { KubeObject, ObjectMeta } from '../../api/index.js';

export type Fields = Readonly<Record<string, unknown>>;

/** The object with some metadata fields replaced; `undefined` removes a field. */
export function withMetadata(object: KubeObject, fields: Partial<ObjectMeta>): KubeObject {
  return { ...object, metadata: withoutUndefined({ ...object.metadata, ...fields }) };
}

export function withoutUndefined<T extends object>(object: T): T {
  // Only keys whose value is undefined go, which the type allows to be absent.
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

/** The object without one top-level field. */
export function without(object: KubeObject, field: string): KubeObject {
  const { [field]: _dropped, ...rest } = object;
  return rest as KubeObject;
}

/** A nested record, or an empty one: `record(pod.spec)`. */
export function record(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function records(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(record) : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function integer(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export function isBeingDeleted(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Equality of plain JSON data, whatever the order of the keys; `undefined` equals absence. */
export function sameData(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && sameItems(a, b);
  return sameFields(record(a), record(b));
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, at) => sameData(item, b[at]));
}

function sameFields(a: Fields, b: Fields): boolean {
  for (const key of Object.keys(a)) if (!sameData(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
}
