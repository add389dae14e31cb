/** `metadata.managedFields`: who owns which fields. Reads and writes the entries, and keeps them true through updates. */
import type { ManagedFieldsEntry } from '../generated/types.js';
import { apiVersionOf } from '../kinds.js';
import type { KubeObject } from '../object.js';
import type { DecodeTarget } from '../schema/index.js';
import { compareObjects, ownedPaths, rootSlot } from './ownership.js';
import {
  difference,
  equalSets,
  fromFieldsV1,
  isEmptySet,
  leaf,
  pathSet,
  restrict,
  toFieldsV1,
  union,
  withoutSubtrees,
  type PathSet,
} from './path-set.js';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: PathSet;
}

export interface TrackOptions {
  /** Name of the writing client: `fieldManager`, else the start of its User-Agent. */
  readonly manager: string;
  /** RFC 3339, as `formatTime` of kit gives it. */
  readonly now: string;
  readonly subresource?: string | undefined;
}

/** Entries of plain updates that an object keeps; older ones are joined into `ancient-changes`. As in Kubernetes. */
const UPDATE_MANAGERS_MAX = 10;
const ANCIENT = 'ancient-changes';

/** Identity and bookkeeping: nobody owns these. */
const untracked: readonly string[] = ['f:apiVersion', 'f:kind'];
const untrackedMeta: readonly string[] = [
  'f:name',
  'f:namespace',
  'f:creationTimestamp',
  'f:selfLink',
  'f:uid',
  'f:clusterName',
  'f:generation',
  'f:managedFields',
  'f:resourceVersion',
];

/** The fields that cannot be owned, as a set: pruning must never take them along with what stood beside them. */
export const identityFields: PathSet = pathSet(
  false,
  new Map([
    ...untracked.map((key) => [key, leaf] as const),
    ['f:metadata', pathSet(false, new Map(untrackedMeta.map((key) => [key, leaf])))],
  ]),
);

/** Without the fields that cannot be owned; `metadata` itself is owned by nobody either. */
export function withoutUntracked(set: PathSet): PathSet {
  const meta = set.children.get('f:metadata');
  const rest = new Map([...set.children].filter(([key]) => !untracked.includes(key)));
  if (meta !== undefined) {
    const kept = restrict(pathSet(false, meta.children), (key) => !untrackedMeta.includes(key));
    if (isEmptySet(kept)) rest.delete('f:metadata');
    else rest.set('f:metadata', kept);
  }
  return pathSet(false, rest);
}

export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Manager[] {
  return (entries ?? [])
    .filter((entry) => entry.operation === 'Apply' || entry.operation === 'Update')
    .map((entry) => ({
      name: entry.manager ?? '',
      operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion: entry.apiVersion ?? '',
      subresource: entry.subresource ?? '',
      time: entry.time,
      fields: fromFieldsV1(entry.fieldsV1),
    }));
}

/** Appliers first, then by time and name. Managers that own nothing are dropped. */
export function writeManagers(managers: readonly Manager[]): ManagedFieldsEntry[] {
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...managers]
    .filter((manager) => !isEmptySet(manager.fields))
    .sort(
      (a, b) =>
        compare(a.operation, b.operation) ||
        compare(a.time ?? '', b.time ?? '') ||
        compare(a.name, b.name) ||
        compare(a.subresource, b.subresource),
    )
    .map((manager) => ({
      apiVersion: manager.apiVersion,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(manager.fields),
      manager: manager.name,
      operation: manager.operation,
      ...(manager.subresource === '' ? {} : { subresource: manager.subresource }),
      ...(manager.time === undefined ? {} : { time: manager.time }),
    }));
}

/** The object with these managers recorded. */
export function withManagers(object: KubeObject, managers: readonly Manager[]): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  const entries = writeManagers(managers);
  return { ...object, metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries } };
}

/** Managers after `writer` changed and removed fields: others lose what was changed, everybody what is gone. */
function afterUpdate(managers: readonly Manager[], writer: Manager, changed: PathSet, removed: PathSet): Manager[] {
  const isWriter = (m: Manager): boolean =>
    m.operation === 'Update' && m.name === writer.name && m.apiVersion === writer.apiVersion && m.subresource === writer.subresource;
  const known = managers.find(isWriter);
  const before = known?.fields ?? writer.fields;
  const fields = withoutSubtrees(union(before, changed), removed);
  const time = known !== undefined && equalSets(before, fields) ? known.time : writer.time;
  const others = managers
    .filter((m) => m !== known)
    .map((m) => ({ ...m, fields: withoutSubtrees(difference(m.fields, changed), removed) }));
  return joinAncient([...others, { ...writer, time, fields }]);
}

function joinAncient(managers: readonly Manager[]): Manager[] {
  const updates = managers.filter((m) => m.operation === 'Update' && !isEmptySet(m.fields));
  if (updates.length <= UPDATE_MANAGERS_MAX) return [...managers];
  const oldestFirst = [...updates].sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? -1 : 1));
  const ancient = oldestFirst.slice(0, updates.length - UPDATE_MANAGERS_MAX + 1);
  const kept = managers.filter((m) => !ancient.includes(m));
  const newest = ancient.at(-1);
  if (newest === undefined) return kept;
  return [...kept, { ...newest, name: ANCIENT, subresource: '', fields: ancient.map((m) => m.fields).reduce(union) }];
}

/**
 * `updated` with its `managedFields` brought up to date for a write that is no apply (create, update, other patches).
 * `live` is absent for a create. A client that sends `managedFields: [{}]` clears them; one that sends none keeps the live ones.
 */
export function trackUpdate(kind: DecodeTarget, live: KubeObject | undefined, updated: KubeObject, options: TrackOptions): KubeObject {
  const sent = updated.metadata.managedFields;
  const managers = readManagers(sent !== undefined && sent.length > 0 ? sent : live?.metadata.managedFields);
  const wantsReset = sent !== undefined && sent.length > 0 && managers.length === 0;
  if (wantsReset) return withManagers(updated, []);
  const { changed, removed } = compareObjects(rootSlot(kind.schema), live ?? {}, updated);
  const writer: Manager = {
    name: options.manager,
    operation: 'Update',
    apiVersion: apiVersionOf(kind),
    subresource: options.subresource ?? '',
    time: options.now,
    fields: pathSet(false, new Map()),
  };
  const tracked = withoutUntracked(changed);
  const gone = withoutUntracked(removed);
  if (isEmptySet(tracked) && isEmptySet(gone)) return withManagers(updated, managers);
  return withManagers(updated, afterUpdate(managers, writer, tracked, gone));
}

/** Everything that an object states, as one set. */
export function fieldsOf(kind: DecodeTarget, object: unknown): PathSet {
  return withoutUntracked(ownedPaths(rootSlot(kind.schema), object));
}
