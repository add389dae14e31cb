/** Which pods go first when a replica set shrinks: a table of comparisons, the first that tells two pods apart decides. */
import { isReady, readySince, restartsOf } from '../workload/pod-facts.js';
import type { StoredPod } from '../workload/pod-facts.js';
import { parseTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';

export const POD_DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';

const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

interface Surroundings {
  readonly coLocated: ReadonlyMap<string, number>;
  readonly now: Instant;
}

type Compare = (a: StoredPod, b: StoredPod, around: Surroundings) => number;

/** Negative: `a` goes before `b`. Order and meaning: Kubernetes docs, ReplicaSet, "Scaling a ReplicaSet". */
const rules: readonly Compare[] = [
  // Not yet placed: nothing is lost.
  (a, b) => Number(isAssigned(a)) - Number(isAssigned(b)),
  // Not yet running.
  (a, b) => phaseOrder(a) - phaseOrder(b),
  // Serves nobody.
  (a, b) => Number(isReady(a)) - Number(isReady(b)),
  // The user's own word.
  (a, b) => deletionCost(a) - deletionCost(b),
  // From the node that holds most of them: what stays is spread.
  (a, b, around) => countBeside(b, around) - countBeside(a, around),
  // Ready for a shorter time.
  (a, b, around) => ageClass(readySince(a), around.now) - ageClass(readySince(b), around.now),
  // Restarted more often.
  (a, b) => restartsOf(b) - restartsOf(a),
  // Newer.
  (a, b, around) => ageClass(createdAt(a), around.now) - ageClass(createdAt(b), around.now),
  // Any order, but always the same.
  (a, b) => (a.metadata.uid < b.metadata.uid ? -1 : 1),
];

/** `count` pods to delete of `active`; `related` are all active pods of the same Deployment, for spreading. */
export function podsToDelete(
  active: readonly StoredPod[],
  related: readonly StoredPod[],
  count: number,
  now: Instant,
): readonly StoredPod[] {
  if (count >= active.length) return active;
  const coLocated = new Map<string, number>();
  for (const pod of related) coLocated.set(nodeOf(pod), (coLocated.get(nodeOf(pod)) ?? 0) + 1);
  return active.toSorted((a, b) => compare(a, b, { coLocated, now })).slice(0, count);
}

function compare(a: StoredPod, b: StoredPod, around: Surroundings): number {
  for (const rule of rules) {
    const order = rule(a, b, around);
    if (order !== 0) return order;
  }
  return 0;
}

function nodeOf(pod: StoredPod): string {
  return pod.spec?.nodeName ?? '';
}

function isAssigned(pod: StoredPod): boolean {
  return nodeOf(pod) !== '';
}

function countBeside(pod: StoredPod, around: Surroundings): number {
  return around.coLocated.get(nodeOf(pod)) ?? 0;
}

function phaseOrder(pod: StoredPod): number {
  return PHASE_ORDER[pod.status?.phase ?? 'Pending'] ?? 0;
}

function deletionCost(pod: StoredPod): number {
  const cost = Number(pod.metadata.annotations?.[POD_DELETION_COST_ANNOTATION] ?? 0);
  return Number.isInteger(cost) ? cost : 0;
}

function createdAt(pod: StoredPod): Instant | undefined {
  return parseTime(pod.metadata.creationTimestamp);
}

/** Ages in powers of two: a second's difference between old pods decides nothing. */
function ageClass(at: Instant | undefined, now: Instant): number {
  if (at === undefined) return -1;
  return Math.floor(Math.log2(Math.max(1, (now - at) / 1000)));
}
