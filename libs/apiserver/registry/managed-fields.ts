/**
 * `metadata.managedFields`. Ownership is tracked from an object's first server-side apply on; until then nobody asks for
 * it, and the first apply attributes what it finds to `before-first-apply`, as Kubernetes does for objects without a record.
 */
import type { KubeObject } from '../../api/index.js';
import type { ApiContext, Operation } from './context.js';

export function recordCreate(_context: ApiContext, _operation: Operation, object: KubeObject): KubeObject {
  return object;
}

export function recordUpdate(_context: ApiContext, _operation: Operation, _old: KubeObject, object: KubeObject): KubeObject {
  return object;
}
