/**
 * Writes that take something out of a shared pool (cluster IPs, node ports, quota) go one after the other, so that each
 * sees what the one before it took.
 */
import { qualifiedResource } from '../../api/index.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { quotasOf } from './quota.js';

const pooled: ReadonlySet<string> = new Set(['services']);
const tails = new WeakMap<ApiContext, Promise<unknown>>();

export function withAllocation<T>(context: ApiContext, operation: Operation, work: () => Promise<T>): Promise<T> {
  const isShared = pooled.has(qualifiedResource(operation.kind)) || quotasOf(context, operation.namespace).length > 0;
  if (!isShared) return work();
  const result = (tails.get(context) ?? Promise.resolve()).then(work, work);
  tails.set(
    context,
    result.catch(() => undefined),
  );
  return result;
}
