/** Objects on top of the Store: keys, JSON texts with and without `resourceVersion`, compare-and-swap. No rules of any kind. */
import { storeKey, type KindInfo, type KubeObject } from '../../api/index.js';
import { spliceRevision, type CachedObject, type Revision, type StoreEntry } from '../../storage/index.js';
import type { ApiContext } from './context.js';

const NOTHING = 0 as Revision;

/** A compare-and-swap that lost; `current` is what stands there now. */
export class LostWrite extends Error {
  override readonly name = 'LostWrite';
  constructor(readonly current: CachedObject | undefined) {
    super('the object has changed since it was read');
  }
}

export function keyOf(kind: KindInfo, namespace: string | undefined, name: string): string {
  return storeKey(kind, kind.namespaced ? namespace : undefined, name);
}

/** The object as of the newest write of this process, or newer. */
export async function read(context: ApiContext, key: string): Promise<CachedObject | undefined> {
  await context.written.visible(context.cache);
  return context.cache.get(key);
}

/** Writes a new object; throws LostWrite when the name is taken. */
export function insert(context: ApiContext, key: string, object: KubeObject): Promise<CachedObject> {
  return put(context, key, object, NOTHING);
}

/** Writes over `base`; throws LostWrite when `base` is not the newest. */
export function replace(context: ApiContext, base: CachedObject, object: KubeObject): Promise<CachedObject> {
  return put(context, base.key, object, base.revision);
}

/** Deletes `base`; answers it with the revision of its deletion. Throws LostWrite as `replace` does. */
export async function remove(context: ApiContext, base: CachedObject): Promise<CachedObject> {
  const outcome = await context.store.write({ op: 'delete', key: base.key, expected: base.revision });
  if (!outcome.ok) throw new LostWrite(outcome.current && fromEntry(outcome.current));
  context.written.raise(outcome.revision);
  return fromEntry({ key: base.key, value: storedText(base.object), revision: outcome.revision });
}

async function put(context: ApiContext, key: string, object: KubeObject, expected: Revision): Promise<CachedObject> {
  const value = storedText(object);
  const outcome = await context.store.write({ op: 'put', key, value, expected });
  if (!outcome.ok) throw new LostWrite(outcome.current && fromEntry(outcome.current));
  context.written.raise(outcome.revision);
  return fromEntry({ key, value, revision: outcome.revision });
}

/** The text that the store keeps: kind, apiVersion and metadata first, and no resourceVersion (the revision is the truth). */
export function storedText(object: KubeObject): string {
  const { apiVersion, kind, metadata, ...rest } = object;
  const kept: Record<string, unknown> = { ...metadata, resourceVersion: undefined };
  for (const field of leftOutWhenEmpty) if (isEmpty(kept[field])) kept[field] = undefined;
  return JSON.stringify({ kind, apiVersion, metadata: kept, ...rest });
}

/** Metadata that is not there when nothing is in it, whoever took out the last element. */
const leftOutWhenEmpty = ['annotations', 'finalizers', 'labels', 'managedFields', 'ownerReferences'] as const;

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** A stored text as clients see it: with its resourceVersion, parsed only when somebody looks inside. */
export function fromEntry(entry: StoreEntry): CachedObject {
  const { key, revision } = entry;
  const json = revision === NOTHING ? entry.value : spliceRevision(entry.value, revision);
  let parsed: KubeObject | undefined;
  return {
    key,
    json,
    revision,
    get object(): KubeObject {
      parsed ??= JSON.parse(json) as KubeObject;
      return parsed;
    },
  };
}

/** An object that was not written (dry run, or nothing changed) in the shape of one that was. */
export function unwritten(key: string, object: KubeObject, revision: Revision): CachedObject {
  return fromEntry({ key, value: storedText(object), revision });
}
