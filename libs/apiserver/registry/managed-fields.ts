/**
 * `metadata.managedFields`. Ownership is tracked for what `kubectl apply` creates and from an object's first server-side
 * apply on; nobody asks for it elsewhere (pods, replica sets, events), and the first apply attributes what it finds there
 * to `before-first-apply`, as Kubernetes does for objects without a record.
 */
import { trackUpdate, type KubeObject } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { ApiContext, Operation } from './context.js';
import { withMetadata } from './object.js';

/** Client-side apply: kubectl moves its fields over when its user changes to server-side apply. */
const CLIENT_SIDE_APPLY = 'kubectl-client-side-apply';

/** The object as it is written: with its owners up to date where they are tracked, without the field elsewhere. */
export function recordManagers(context: ApiContext, operation: Operation, old: KubeObject | undefined, object: KubeObject): KubeObject {
  if (operation.isApply === true) return object; // apply has done it
  const isTracked = old === undefined ? operation.fieldManager === CLIENT_SIDE_APPLY : (old.metadata.managedFields ?? []).length > 0;
  if (!isTracked) return withMetadata(object, { managedFields: undefined });
  return trackUpdate(operation.kind, old, object, {
    manager: operation.fieldManager,
    now: formatTime(context.clock.now()),
    subresource: operation.subresource,
  });
}
