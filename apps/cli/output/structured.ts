/** Objects as JSON and YAML, the way kubectl prints them: keys sorted, managed fields left out unless asked for. */
import { stringify } from 'yaml';

/** Ends with a newline. */
export function toJson(value: unknown): string {
  return `${JSON.stringify(sorted(value), undefined, 4)}\n`;
}

/** Ends with a newline. */
export function toYaml(value: unknown): string {
  return stringify(sorted(value), { lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false, version: '1.1' });
}

/** A copy whose maps have their keys in alphabetical order, at every depth. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

interface HasMetadata {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly items?: readonly unknown[];
}

/** The object, and where it is a list its items, without `metadata.managedFields`. */
export function withoutManagedFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const object = value as HasMetadata;
  const items = Array.isArray(object.items) ? { items: object.items.map(withoutManagedFields) } : {};
  if (object.metadata?.['managedFields'] === undefined) return { ...object, ...items };
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, ...items, metadata };
}
