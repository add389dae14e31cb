/** Hard spread constraints: a domain may be at most maxSkew pods above the emptiest one (Kubernetes docs, Pod topology spread constraints). */
import { selects } from '../model/counters.js';
import type { NodeState } from '../model/node-state.js';
import type { PodFacts, SpreadConstraint } from '../model/pod-facts.js';
import type { Snapshot } from '../model/snapshot.js';
import type { FilterPlugin } from '../plugin.js';
import { untolerated } from '../tolerations.js';
import { nodeAffinityOf } from './node-affinity.js';

const reasons = {
  skew: "node(s) didn't match pod topology spread constraints",
  label: "node(s) didn't match pod topology spread constraints (missing required label)",
} as const;

interface Prepared {
  readonly topologyKey: string;
  readonly counts: ReadonlyMap<string, number>;
  /** Highest count that a domain may have before the pod joins it. */
  readonly highest: number;
}

export const podTopologySpread: FilterPlugin = {
  name: 'PodTopologySpread',
  preemptible: true,
  prepare(pod, snapshot) {
    const hard = pod.spread.filter((constraint) => constraint.hard);
    if (hard.length === 0) return undefined;
    const prepared = hard.map((constraint) => prepareConstraint(pod, constraint, snapshot));
    return {
      check: (node) => prepared.every((constraint) => failure(constraint, node) === undefined),
      explain: (node) => [prepared.map((constraint) => failure(constraint, node)).find((reason) => reason !== undefined) ?? reasons.skew],
    };
  },
};

function failure(constraint: Prepared, node: NodeState): string | undefined {
  const value = node.labels[constraint.topologyKey];
  if (value === undefined) return reasons.label;
  return (constraint.counts.get(value) ?? 0) > constraint.highest ? reasons.skew : undefined;
}

function prepareConstraint(pod: PodFacts, constraint: SpreadConstraint, snapshot: Snapshot): Prepared {
  const { topologyKey, maxSkew } = constraint;
  const counts = snapshot.counter(constraint.selector).domains(topologyKey);
  const { count, lowest } = lowestOf(pod, constraint, snapshot, counts);
  const self = selects(constraint.selector, pod) ? 1 : 0;
  return { topologyKey, counts, highest: (count < constraint.minDomains ? 0 : lowest) + maxSkew - self };
}

interface Lowest {
  /** Domains that count. */
  readonly count: number;
  /** Pods in the emptiest of them. */
  readonly lowest: number;
}

/** Only domains of nodes that the pod could go to count: an empty domain that it may not enter sets no minimum. */
function lowestOf(pod: PodFacts, constraint: SpreadConstraint, snapshot: Snapshot, counts: ReadonlyMap<string, number>): Lowest {
  const affinity = constraint.honorsAffinity ? nodeAffinityOf(pod) : undefined;
  if (affinity === undefined && !constraint.honorsTaints) return lowestOfAll(snapshot.domains(constraint.topologyKey), counts);
  const domains = new Map<string, number>();
  for (const node of snapshot.nodes) {
    const value = node.labels[constraint.topologyKey];
    if (value === undefined || domains.has(value) || (affinity !== undefined && !affinity(node))) continue;
    if (constraint.honorsTaints && untolerated(pod.tolerations, node.taints) !== undefined) continue;
    domains.set(value, counts.get(value) ?? 0);
  }
  return { count: domains.size, lowest: domains.size === 0 ? 0 : Math.min(...domains.values()) };
}

/** All domains count, so one that has no pods at all shows in the numbers alone. */
function lowestOfAll(domains: ReadonlySet<string>, counts: ReadonlyMap<string, number>): Lowest {
  if (counts.size < domains.size) return { count: domains.size, lowest: 0 };
  let lowest = Number.POSITIVE_INFINITY;
  for (const count of counts.values()) if (count < lowest) lowest = count;
  return { count: domains.size, lowest: Number.isFinite(lowest) ? lowest : 0 };
}
