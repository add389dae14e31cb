/**
 * `metadata.managedFields`. Ownership is tracked from an object's first server-side apply on; until then nobody asks for
 * it, and the first apply attributes what it finds to `before-first-apply`, as Kubernetes does for objects without a record.
 */
import { trackUpdate, type KubeObject } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { ApiContext, Operation } from './context.js';
import { withMetadata } from './object.js';

/** The object as it is written: with its owners up to date where they are tracked, without the field elsewhere. */
export function recordManagers(context: ApiContext, operation: Operation, old: KubeObject | undefined, object: KubeObject): KubeObject {
  if (operation.isApply === true) return object; // apply has done it
  if ((old?.metadata.managedFields ?? []).length === 0) return withMetadata(object, { managedFields: undefined });
  return trackUpdate(operation.kind, old, object, {
    manager: operation.fieldManager,
    now: formatTime(context.clock.now()),
    subresource: operation.subresource,
  });
}
