/** berth describe for every other kind: all its fields, readable, and its events. */
import type { EventJson } from '../client/events.js';
import { Indented } from '../output/indented.js';
import { annotationLines, describeEvents, mapLines } from './parts.js';

type Fields = Readonly<Record<string, unknown>>;

export interface GenericObject extends Fields {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Fields & {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

const shownApart: ReadonlySet<string> = new Set(['name', 'namespace', 'labels', 'annotations', 'managedFields']);

export function describeGeneric(object: GenericObject, events: readonly EventJson[]): string {
  const out = new Indented();
  const { apiVersion = '', kind = '', metadata, ...rest } = object;
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  out.field(0, 'Labels', mapLines(metadata.labels));
  out.field(0, 'Annotations', annotationLines(metadata.annotations));
  out.field(0, 'API Version', apiVersion);
  out.field(0, 'Kind', kind);
  const shown = kind === 'Secret' ? { ...rest, data: sizesOf(rest['data']) } : rest;
  fields(out, { metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => !shownApart.has(key))), ...shown }, 0);
  describeEvents(out, events);
  return out.text();
}

/** Contents of Secrets are not shown on a screen. */
function sizesOf(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, `${Buffer.from(String(value), 'base64').length} bytes`]));
}

function fields(out: Indented, object: Fields, level: number): void {
  for (const [key, value] of Object.entries(object).toSorted(([left], [right]) => (left < right ? -1 : 1)))
    field(out, title(key), value, level);
}

function field(out: Indented, name: string, value: unknown, level: number): void {
  if (Array.isArray(value)) items(out, name, value, level);
  else if (typeof value === 'object' && value !== null) {
    out.row(level, `${name}:`);
    fields(out, value as Fields, level + 1);
  } else if (typeof value === 'string' && value.includes('\n')) {
    out.row(level, `${name}:`);
    for (const line of value.trimEnd().split('\n')) out.row(level + 1, line.replaceAll('\t', '  '));
  } else out.row(level, `${name}:`, textOf(value));
}

function items(out: Indented, name: string, list: readonly unknown[], level: number): void {
  if (list.length === 0) return out.row(level, `${name}:`, '<none>');
  out.row(level, `${name}:`);
  for (const item of list) {
    if (typeof item === 'object' && item !== null && !Array.isArray(item)) fields(out, item as Fields, level + 1);
    else out.row(level + 1, textOf(item));
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `clusterIPs` -> `Cluster I Ps` would be silly: runs of capitals stay together. Keys that are no identifiers stay as they are. */
function title(key: string): string {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(key)) return key;
  const words = key.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
