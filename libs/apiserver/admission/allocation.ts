/**
 * Writes that take something out of a shared pool (cluster IPs, node ports, quota) go one after the other, so that each
 * sees what the one before it took.
 */
import { qualifiedResource, type KindInfo } from '../../api/index.js';

const pooled: ReadonlySet<string> = new Set(['services']);
let last: Promise<unknown> = Promise.resolve();

export function withAllocation<T>(kind: KindInfo, work: () => Promise<T>): Promise<T> {
  if (!pooled.has(qualifiedResource(kind))) return work();
  const result = last.then(work, work);
  last = result.catch(() => undefined);
  return result;
}
