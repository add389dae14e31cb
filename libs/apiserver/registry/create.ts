/** Creation: system metadata, admission, validation, then one compare-and-swap against "does not exist". */
import { validateCreate, type KubeObject } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { CachedObject, Revision } from '../../storage/index.js';
import { admit } from '../admission/admit.js';
import { alreadyExists, badRequest, invalid } from '../status.js';
import { withAllocation } from '../admission/allocation.js';
import { recordManagers } from './managed-fields.js';
import type { ApiContext, Operation } from './context.js';
import { withMetadata } from './object.js';
import { insert, keyOf, LostWrite, read, unwritten } from './object-store.js';
import { generationAtBirth, statusAtBirth } from './strategy.js';

/** Tries for a free name before `generateName` gives up; with 27^5 suffixes one retry is already rare. */
const GENERATED_NAME_TRIES = 8;
const SUFFIX_LENGTH = 5;
/** Room that a generated name leaves for its suffix in a 63 character label. */
const GENERATED_BASE_MAX = 58;

/** Creates an object of a storage kind, with its defaults already filled in. Throws StatusError. */
export async function createObject(context: ApiContext, operation: Operation, incoming: KubeObject): Promise<CachedObject> {
  if ((incoming.metadata.resourceVersion ?? '') !== '') throw badRequest('resourceVersion should not be set on objects to be created');
  const generated = (incoming.metadata.name ?? '') === '' && (incoming.metadata.generateName ?? '') !== '';
  for (let left = generated ? GENERATED_NAME_TRIES : 1; ; left--) {
    const named = newborn(context, operation, incoming, generated);
    try {
      return await withAllocation(context, operation, () => createNamed(context, operation, named));
    } catch (error) {
      if (!(error instanceof LostWrite)) throw error;
      if (left <= 1) throw alreadyExists(operation.kind, named.metadata.name ?? '');
    }
  }
}

async function createNamed(context: ApiContext, operation: Operation, named: KubeObject): Promise<CachedObject> {
  const { kind, namespace } = operation;
  await context.written.visible(context.cache);
  const admitted = admit(context, operation, { action: 'CREATE', object: named, old: undefined });
  const object = recordManagers(context, operation, undefined, statusAtBirth(kind, admitted));
  const errors = validateCreate(kind, object);
  if (errors.length > 0) throw invalid(kind, object.metadata.name ?? '', errors);
  const key = keyOf(kind, namespace, object.metadata.name ?? '');
  if (!operation.dryRun) return insert(context, key, object);
  const standing = await read(context, key);
  if (standing !== undefined) throw new LostWrite(standing);
  return unwritten(key, object, 0 as Revision);
}

function newborn(context: ApiContext, operation: Operation, incoming: KubeObject, generated: boolean): KubeObject {
  const { kind, namespace } = operation;
  const name = generated
    ? (incoming.metadata.generateName ?? '').slice(0, GENERATED_BASE_MAX) + context.ids.suffix(SUFFIX_LENGTH)
    : incoming.metadata.name;
  return withMetadata(incoming, {
    name,
    namespace: kind.namespaced ? namespace : undefined,
    uid: context.ids.uid(),
    creationTimestamp: formatTime(context.clock.now()),
    generation: generationAtBirth(kind),
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    selfLink: undefined,
    resourceVersion: undefined,
    managedFields: operation.isApply === true ? incoming.metadata.managedFields : undefined,
  });
}
