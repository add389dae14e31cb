/** What controllers read from a pod's status, in one place and in Kubernetes' words (Pod lifecycle). */
import type { Pod, PodCondition, Stored } from '../../api/index.js';
import { parseTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';

export type StoredPod = Stored<Pod>;

export function isTerminating(object: { readonly metadata: { readonly deletionTimestamp?: string | undefined } }): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Succeeded or Failed: it will never run again. */
export function isFinished(pod: StoredPod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Counts as a replica: neither finished nor on its way out. */
export function isActive(pod: StoredPod): boolean {
  return !isFinished(pod) && !isTerminating(pod);
}

export function podCondition(pod: StoredPod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isReady(pod: StoredPod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** Since when the pod has been ready without a break. */
export function readySince(pod: StoredPod): Instant | undefined {
  const condition = podCondition(pod, 'Ready');
  return condition?.status === 'True' ? parseTime(condition.lastTransitionTime) : undefined;
}

/** Milliseconds until a ready pod counts as available (ready for `minReadySeconds`); 0 = it does; undefined = not ready. */
export function availableIn(pod: StoredPod, minReadySeconds: number, now: Instant): number | undefined {
  if (!isReady(pod)) return undefined;
  if (minReadySeconds <= 0) return 0;
  const since = readySince(pod);
  if (since === undefined) return undefined;
  return Math.max(0, since + minReadySeconds * 1000 - now);
}

export function isAvailable(pod: StoredPod, minReadySeconds: number, now: Instant): boolean {
  return availableIn(pod, minReadySeconds, now) === 0;
}

export function restartsOf(pod: StoredPod): number {
  return (pod.status?.containerStatuses ?? []).reduce((most, status) => Math.max(most, status.restartCount), 0);
}

/** Whether a change of a pod leaves alone all that its controller counts by: placement and other reports wake nobody. */
export function countsTheSame(pod: StoredPod, previous: StoredPod): boolean {
  if (pod.status?.phase !== previous.status?.phase) return false;
  if (pod.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp) return false;
  const ready = podCondition(pod, 'Ready');
  const before = podCondition(previous, 'Ready');
  if (ready?.status !== before?.status || ready?.lastTransitionTime !== before?.lastTransitionTime) return false;
  const meta = (each: StoredPod): string => JSON.stringify([each.metadata.labels, each.metadata.ownerReferences]);
  return meta(pod) === meta(previous);
}
