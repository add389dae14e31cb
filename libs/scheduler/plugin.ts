/** The two kinds of rules: filters say whether a node can take a pod, and why not; scores say how well it would. */
import type { NodeState } from './model/node-state.js';
import type { PodFacts } from './model/pod-facts.js';
import type { Snapshot } from './model/snapshot.js';

/** A filter made ready for one pod. `check` is on the hot path; `explain` runs only when no node is left. */
export interface NodeFilter {
  check(node: NodeState): boolean;
  /** Why `check` says no; each text is counted over the nodes in the pod's event. */
  explain(node: NodeState): readonly string[];
  /** The pod itself is at fault, whatever the node: told once, not counted over the nodes. */
  readonly forPod?: string | undefined;
}

export interface FilterPlugin {
  /** Kubernetes' name of the plugin. */
  readonly name: string;
  /** Whether making room (deleting pods) can turn its "no" into "yes". */
  readonly preemptible: boolean;
  /** `undefined`: the rule has nothing to say about this pod in this cluster, and costs nothing. */
  prepare(pod: PodFacts, snapshot: Snapshot): NodeFilter | undefined;
}

/** A score made ready for one pod: raw numbers, then brought to 0..100 over the candidates. */
export interface NodeScorer {
  score(node: NodeState): number;
  /** `reverse`: the highest raw number becomes 0. Absent: raw numbers are 0..100 already. */
  readonly normalize?: 'highest-is-best' | 'lowest-is-best' | undefined;
}

export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  prepare(pod: PodFacts, snapshot: Snapshot): NodeScorer | undefined;
}
