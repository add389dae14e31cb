/** Why no node takes a pod, in the words that users search for: `0/3 nodes are available: 3 Insufficient cpu. preemption: ...`. */
import type { PreparedFilter } from './decide.js';
import type { NodeState } from './model/node-state.js';
import type { PodFacts } from './model/pod-facts.js';
import type { Snapshot } from './model/snapshot.js';

export interface Refusal {
  readonly node: string;
  /** Kubernetes' name of the filter that said no first. */
  readonly plugin: string;
  readonly reasons: readonly string[];
}

export interface Explanation {
  /** The text of the event and of the PodScheduled condition, without the preemption part. */
  readonly message: string;
  readonly refusals: readonly Refusal[];
  /** Nodes where deleting pods could help. */
  readonly preemptible: readonly NodeState[];
  /** The filters that were asked. */
  readonly prepared: readonly PreparedFilter[];
}

/** Asks every node again, each until its first "no". */
export function explain(snapshot: Snapshot, _pod: PodFacts, prepared: readonly PreparedFilter[]): Explanation {
  const refusals: Refusal[] = [];
  const preemptible: NodeState[] = [];
  for (const node of snapshot.nodes) {
    const first = prepared.find(({ filter }) => !filter.check(node));
    if (first === undefined) continue;
    refusals.push({ node: node.name, plugin: first.plugin.name, reasons: first.filter.explain(node) });
    if (first.plugin.preemptible) preemptible.push(node);
  }
  const forPod = prepared.find(({ filter }) => filter.forPod !== undefined)?.filter.forPod;
  return { message: summary(snapshot.nodes.length, refusals, forPod), refusals, preemptible, prepared };
}

function summary(nodeCount: number, refusals: readonly Refusal[], forPod: string | undefined): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods';
  if (forPod !== undefined) return `0/${nodeCount} nodes are available: ${forPod}.`;
  const counts = new Map<string, number>();
  for (const refusal of refusals) for (const reason of refusal.reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return `0/${nodeCount} nodes are available: ${countedReasons(counts)}.`;
}

/** `1 a, 2 b`, sorted as texts. */
export function countedReasons(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .toSorted()
    .join(', ');
}
