/** Deletion: grace, propagation, finalizers, preconditions. */
import type { KubeObject } from '../../api/index.js';
import { formatTime, instant } from '../../kit/index.js';
import type { CachedObject } from '../../storage/index.js';
import { admit } from '../admission/admit.js';
import { conflict, modifiedConflict, notFound } from '../status.js';
import type { ApiContext, Operation } from './context.js';
import { integer, isBeingDeleted, record, text, texts, withMetadata } from './object.js';
import { keyOf, LostWrite, read, remove, replace } from './object-store.js';

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: string | undefined;
  /** What holds where neither the request nor the object's finalizers say; `Background` where absent. */
  readonly propagationDefault?: 'Background' | 'Orphan' | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface Deleted {
  /** The last state: marked, or gone. */
  readonly object: CachedObject;
  readonly gone: boolean;
}

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';
const RACES_MAX = 20;
const POD_GRACE_DEFAULT_SECONDS = 30;

/** Deletes, or marks for deletion what graceful termination or finalizers hold back. Throws StatusError. */
export async function deleteObject(context: ApiContext, operation: Operation, name: string, options: DeleteOptions): Promise<Deleted> {
  let live = await read(context, keyOf(operation.kind, operation.namespace, name));
  for (let race = 0; race < RACES_MAX; race++) {
    if (live === undefined) throw notFound(operation.kind, name);
    checkPreconditions(operation, live, options);
    admit(context, operation, { action: 'DELETE', object: undefined, old: live.object });
    try {
      return await deleteOnce(context, operation, live, options);
    } catch (error) {
      if (!(error instanceof LostWrite)) throw error;
      live = error.current;
    }
  }
  throw modifiedConflict(operation.kind, name);
}

function checkPreconditions(operation: Operation, live: CachedObject, options: DeleteOptions): void {
  const { uid, name = '' } = live.object.metadata;
  if (options.uid !== undefined && options.uid !== uid) {
    throw conflict(operation.kind, name, `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== String(live.revision)) {
    const versions = `ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${live.revision}`;
    throw conflict(operation.kind, name, `Precondition failed: ${versions}`);
  }
}

async function deleteOnce(context: ApiContext, operation: Operation, live: CachedObject, options: DeleteOptions): Promise<Deleted> {
  const grace = graceSeconds(operation, live.object, options.gracePeriodSeconds);
  const finalizers = finalizersAfter(live.object, options);
  const held = grace > 0 || finalizers.length > 0 || holdsNamespace(operation, live.object);
  if (!held) {
    if (operation.dryRun) return { object: live, gone: true };
    return { object: await remove(context, live), gone: true };
  }
  const marked = mark(context, operation, live.object, { grace, finalizers });
  const changed = marked !== live.object && !operation.dryRun;
  return { object: changed ? await replace(context, live, marked) : live, gone: false };
}

/** Kubernetes docs, "Termination of Pods": unscheduled and finished pods go at once, a second delete may only shorten the time. */
function graceSeconds(operation: Operation, object: KubeObject, asked: number | undefined): number {
  if (operation.kind.group !== '' || operation.kind.resource !== 'pods') return 0;
  const spec = record(object['spec']);
  const phase = text(record(object['status'])['phase']);
  if ((text(spec['nodeName']) ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
  const wanted = asked ?? integer(spec['terminationGracePeriodSeconds']) ?? POD_GRACE_DEFAULT_SECONDS;
  const seconds = wanted < 0 ? 1 : wanted;
  const current = object.metadata.deletionGracePeriodSeconds;
  return isBeingDeleted(object) && current !== undefined ? Math.min(seconds, current) : seconds;
}

function finalizersAfter(object: KubeObject, options: DeleteOptions): readonly string[] {
  const current = object.metadata.finalizers ?? [];
  const isDecided = current.includes(FOREGROUND) || current.includes(ORPHAN);
  const policy = options.propagationPolicy ?? (isDecided ? undefined : options.propagationDefault);
  if (policy === undefined) return current;
  const others = current.filter((name) => name !== FOREGROUND && name !== ORPHAN);
  if (policy === 'Foreground') return [...others, FOREGROUND];
  return policy === 'Orphan' ? [...others, ORPHAN] : others;
}

function holdsNamespace(operation: Operation, object: KubeObject): boolean {
  return operation.kind.resource === 'namespaces' && texts(record(object['spec'])['finalizers']).length > 0;
}

function mark(
  context: ApiContext,
  operation: Operation,
  object: KubeObject,
  held: { readonly grace: number; readonly finalizers: readonly string[] },
): KubeObject {
  const before = object.metadata;
  const sameFinalizers = (before.finalizers ?? []).join() === held.finalizers.join();
  if (isBeingDeleted(object) && before.deletionGracePeriodSeconds === held.grace && sameFinalizers) return object;
  const marked = withMetadata(object, {
    deletionTimestamp: formatTime(instant(context.clock.now() + held.grace * 1000)),
    deletionGracePeriodSeconds: held.grace,
    finalizers: held.finalizers.length === 0 ? undefined : held.finalizers,
    // Controllers compare generations, and "is being deleted" is a wish like any other.
    generation: before.generation === undefined || isBeingDeleted(object) ? before.generation : before.generation + 1,
  });
  if (operation.kind.resource !== 'namespaces') return marked;
  return { ...marked, status: { ...record(object['status']), phase: 'Terminating' } };
}
