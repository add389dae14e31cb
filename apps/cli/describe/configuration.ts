/** berth describe configmap and secret: the keys, and of ConfigMaps the values. */
import type { ConfigMap, Secret } from '../../../libs/api/index.js';
import type { EventJson } from '../client/events.js';
import { Indented } from '../output/indented.js';
import { annotationLines, describeEvents, mapLines } from './parts.js';

function heading(out: Indented, { metadata }: Pick<ConfigMap, 'metadata'>): void {
  out.field(0, 'Name', metadata?.name ?? '');
  out.field(0, 'Namespace', metadata?.namespace ?? '');
  out.field(0, 'Labels', mapLines(metadata?.labels));
  out.field(0, 'Annotations', annotationLines(metadata?.annotations));
}

function bytesOf(base64: string): number {
  return Buffer.from(base64, 'base64').length;
}

export function describeConfigMap(map: ConfigMap, events: readonly EventJson[]): string {
  const out = new Indented();
  heading(out, map);
  out.lines('', 'Data', '====');
  for (const [key, value] of sortedEntries(map.data)) out.lines(`${key}:`, '----', ...value.split('\n'), '');
  out.lines('', 'BinaryData', '====');
  for (const [key, value] of sortedEntries(map.binaryData)) out.lines(`${key}: ${bytesOf(value)} bytes`);
  out.lines('');
  describeEvents(out, events);
  return out.text();
}

/** Sizes instead of contents: screens are seen by others. */
export function describeSecret(secret: Secret, events: readonly EventJson[]): string {
  const out = new Indented();
  heading(out, secret);
  out.lines('');
  out.field(0, 'Type', secret.type ?? '');
  out.lines('', 'Data', '====');
  for (const [key, value] of sortedEntries(secret.data)) out.row(0, `${key}:`, `${bytesOf(value)} bytes`);
  if (events.length > 0) describeEvents(out, events);
  return out.text();
}

function sortedEntries(map: Readonly<Record<string, string>> | undefined): readonly (readonly [string, string])[] {
  return Object.entries(map ?? {}).toSorted(([left], [right]) => (left < right ? -1 : 1));
}
