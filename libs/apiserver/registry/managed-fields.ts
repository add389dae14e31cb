/**
 * `metadata.managedFields`. Ownership is tracked from the request that creates an object on. What components of this process
 * make, and pods and other kinds of which there are very many, are not, until the first server-side apply, which attributes what it finds
 * there to `before-first-apply`, as Kubernetes does for objects without a record.
 */
import { qualifiedResource, trackUpdate, type KubeObject } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { ApiContext, Operation } from './context.js';
import { withMetadata } from './object.js';

/** Client-side apply: kubectl moves its fields over when its user changes to server-side apply. */
const CLIENT_SIDE_APPLY = 'kubectl-client-side-apply';

/** Kinds that there are by the thousand and that hardly anybody applies: owners would double the size of their lists. */
const trackedWhenApplied: ReadonlySet<string> = new Set([
  'endpoints',
  'events',
  'nodes',
  'pods',
  'endpointslices.discovery.k8s.io',
  'events.events.k8s.io',
  'leases.coordination.k8s.io',
]);

/** The object as it is written: with its owners up to date where they are tracked, without the field elsewhere. */
export function recordManagers(context: ApiContext, operation: Operation, old: KubeObject | undefined, object: KubeObject): KubeObject {
  if (operation.isApply === true) return object; // apply has done it
  const standing = old?.metadata.managedFields ?? [];
  // A component's own status fields are owned by nobody, so its status writes leave the record as it is.
  if (old !== undefined && operation.isInternal === true && operation.subresource === 'status')
    return withMetadata(object, { managedFields: standing.length === 0 ? undefined : standing });
  const isTracked = old === undefined ? isTrackedAtBirth(operation) : standing.length > 0;
  if (!isTracked) return withMetadata(object, { managedFields: undefined });
  return trackUpdate(operation.kind, old, object, {
    manager: operation.fieldManager,
    now: formatTime(context.clock.now()),
    subresource: operation.subresource,
  });
}

function isTrackedAtBirth({ kind, fieldManager, isInternal }: Operation): boolean {
  if (fieldManager === CLIENT_SIDE_APPLY) return true;
  return isInternal !== true && !trackedWhenApplied.has(qualifiedResource(kind));
}
