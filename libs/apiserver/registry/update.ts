/** Updates of every form (put, patch, status, scale, finalize) as one loop: read, change, admit, validate, compare-and-swap. */
import { validateStatusUpdate, validateUpdate, type KubeObject, type ObjectMeta } from '../../api/index.js';
import type { CachedObject } from '../../storage/index.js';
import { admit } from '../admission/admit.js';
import { withAllocation } from '../admission/allocation.js';
import { conflict, invalid, modifiedConflict, notFound } from '../status.js';
import type { ApiContext, Operation } from './context.js';
import { recordManagers } from './managed-fields.js';
import { isBeingDeleted, record, sameData, texts, withMetadata, without } from './object.js';
import { keyOf, LostWrite, read, remove, replace, unwritten } from './object-store.js';
import { hasStatus, nextGeneration, specIsKept, statusMetadata } from './strategy.js';

/** Lost races before an update without resourceVersion gives up; each one means that another writer got through. */
const RACES_MAX = 20;

/** Computes the wanted object from the live one. May be called again after a lost race. */
export type Change = (live: KubeObject) => KubeObject | Promise<KubeObject>;

/**
 * Changes an object of a storage kind. A `resourceVersion` in the wanted object that is not the live one is a conflict;
 * without one the change is applied to whatever is newest. Writes nothing when nothing changes. Throws StatusError.
 */
export async function updateObject(context: ApiContext, operation: Operation, name: string, change: Change): Promise<CachedObject> {
  const key = keyOf(operation.kind, operation.namespace, name);
  let live = await read(context, key);
  for (let race = 0; race < RACES_MAX; race++) {
    if (live === undefined) throw notFound(operation.kind, name);
    const base = live;
    const wanted = await change(base.object);
    checkPreconditions(operation, base, wanted.metadata);
    try {
      return await withAllocation(context, operation, () => writeChange(context, operation, base, wanted));
    } catch (error) {
      if (!(error instanceof LostWrite)) throw error;
      live = error.current;
    }
  }
  throw modifiedConflict(operation.kind, name);
}

function checkPreconditions(operation: Operation, live: CachedObject, wanted: ObjectMeta): void {
  const name = live.object.metadata.name ?? '';
  const version = wanted.resourceVersion ?? '';
  if (version !== '' && version !== '0' && version !== String(live.revision)) throw modifiedConflict(operation.kind, name);
  const uid = live.object.metadata.uid;
  if (wanted.uid !== undefined && wanted.uid !== '' && wanted.uid !== uid) {
    throw conflict(operation.kind, name, `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`);
  }
}

async function writeChange(context: ApiContext, operation: Operation, live: CachedObject, wanted: KubeObject): Promise<CachedObject> {
  const { kind } = operation;
  const old = live.object;
  const scoped = keepSystemFields(old, onlyWritablePart(operation, old, wanted));
  const admitted = admit(context, operation, { action: 'UPDATE', object: scoped, old });
  // A placement is the scheduler's decision, not a wish of the pod's author.
  const generation = operation.subresource === 'binding' ? old.metadata.generation : nextGeneration(kind, old, admitted);
  const counted = withMetadata(admitted, { generation });
  const errors = judgesWhole(operation)
    ? validateUpdate(kind, counted, old, operation.subresource)
    : validateStatusUpdate(kind, counted, old);
  if (errors.length > 0) throw invalid(kind, old.metadata.name ?? '', errors);
  const object = recordManagers(context, operation, old, counted);
  if (sameData(withoutVersion(object), withoutVersion(old)) && !isFinished(operation, object)) return live;
  if (operation.dryRun) return unwritten(live.key, object, live.revision);
  return isFinished(operation, object) ? remove(context, { ...live, object }) : replace(context, live, object);
}

/** Writes to the status, a binding or a finalizer leave the specification as it was judged before. */
function judgesWhole({ subresource }: Operation): boolean {
  return subresource === undefined || !['status', 'approval', 'binding', 'finalize'].includes(subresource);
}

function withoutVersion(object: KubeObject): KubeObject {
  return withMetadata(object, { resourceVersion: undefined });
}

/** The part that the request may change; the rest is taken from the live object. */
function onlyWritablePart(operation: Operation, old: KubeObject, wanted: KubeObject): KubeObject {
  switch (operation.subresource) {
    case undefined:
      return keepOldParts(operation, old, wanted);
    case 'status':
    case 'approval':
      return { ...old, metadata: statusMetadata(operation.kind, old.metadata, wanted.metadata), status: wanted['status'] };
    case 'binding':
      return wanted; // made here, from the live pod: its node and the condition that says so
    case 'finalize':
      return { ...old, spec: { ...record(old['spec']), finalizers: record(wanted['spec'])['finalizers'] } };
    default:
      return keepPart(old, wanted, 'status');
  }
}

function keepOldParts(operation: Operation, old: KubeObject, wanted: KubeObject): KubeObject {
  if (!hasStatus(operation.kind)) return wanted;
  const withStatus = keepPart(old, keepNamespaceFinalizers(operation, old, wanted), 'status');
  return specIsKept(operation.kind) ? keepPart(old, withStatus, 'spec') : withStatus;
}

function keepPart(old: KubeObject, wanted: KubeObject, field: string): KubeObject {
  return old[field] === undefined ? without(wanted, field) : { ...wanted, [field]: old[field] };
}

/** `spec.finalizers` of a namespace change by `finalize` only. */
function keepNamespaceFinalizers(operation: Operation, old: KubeObject, wanted: KubeObject): KubeObject {
  if (operation.kind.resource !== 'namespaces') return wanted;
  return { ...wanted, spec: { ...record(wanted['spec']), finalizers: record(old['spec'])['finalizers'] } };
}

function keepSystemFields(old: KubeObject, wanted: KubeObject): KubeObject {
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, generateName, namespace, name } = old.metadata;
  const kept = withMetadata(wanted, {
    uid,
    name,
    namespace,
    generateName,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    selfLink: undefined,
    resourceVersion: undefined,
  });
  return { ...kept, apiVersion: old.apiVersion, kind: old.kind };
}

/** True when the last thing that held a deleted object back is gone. */
function isFinished(operation: Operation, object: KubeObject): boolean {
  if (!isBeingDeleted(object) || (object.metadata.finalizers ?? []).length > 0) return false;
  if (operation.kind.resource === 'namespaces') return texts(record(object['spec'])['finalizers']).length === 0;
  return (object.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}
