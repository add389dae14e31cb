/** When a pod must leave a node with NoExecute taints (Kubernetes docs, "Taint based evictions"). */
import type { Taint, Toleration } from '../../api/index.js';
import { parseTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import type { StoredPod } from '../workload/pod-facts.js';

/**
 * Milliseconds until the pod is to be deleted: 0 = now, undefined = it may stay. Each taint must be tolerated; the shortest
 * `tolerationSeconds` of the tolerations that match counts from when the taint came.
 */
export function evictionIn(pod: StoredPod, taints: readonly Taint[], now: Instant): number | undefined {
  let earliest: number | undefined;
  for (const taint of taints) {
    const matching = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 0;
    const seconds = matching.flatMap((toleration) => (toleration.tolerationSeconds === undefined ? [] : [toleration.tolerationSeconds]));
    if (seconds.length === 0) continue;
    const since = parseTime(taint.timeAdded) ?? now;
    const wait = Math.max(0, since + Math.max(0, Math.min(...seconds)) * 1000 - now);
    earliest = Math.min(earliest ?? wait, wait);
  }
  return earliest;
}

function tolerates(toleration: Toleration, taint: Taint): boolean {
  if ((toleration.effect ?? '') !== '' && toleration.effect !== taint.effect) return false;
  if ((toleration.key ?? '') === '') return toleration.operator === 'Exists';
  if (toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}
