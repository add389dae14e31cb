/** Required affinity and anti-affinity between pods, in both directions. */
import { selects } from '../model/counters.js';
import type { NodeState } from '../model/node-state.js';
import type { PodFacts } from '../model/pod-facts.js';
import type { Snapshot } from '../model/snapshot.js';
import type { FilterPlugin } from '../plugin.js';

const reasons = {
  affinity: "node(s) didn't match pod affinity rules",
  antiAffinity: "node(s) didn't match pod anti-affinity rules",
  existing: "node(s) didn't satisfy existing pods anti-affinity rules",
} as const;

type Rule = (node: NodeState) => boolean;

export const interPodAffinity: FilterPlugin = {
  name: 'InterPodAffinity',
  preemptible: true,
  prepare(pod, snapshot) {
    const rules: { readonly reason: string; readonly holds: Rule }[] = [];
    for (const holds of affinityRules(pod, snapshot)) rules.push({ reason: reasons.affinity, holds });
    for (const { topologyKey, selector } of pod.requiredAntiAffinity) {
      const domains = snapshot.counter(selector).domains(topologyKey);
      rules.push({ reason: reasons.antiAffinity, holds: (node) => !isIn(domains, node, topologyKey) });
    }
    for (const { term, counter } of snapshot.antiAffinityTerms.matching(pod)) {
      const domains = counter.domains(term.topologyKey);
      rules.push({ reason: reasons.existing, holds: (node) => !isIn(domains, node, term.topologyKey) });
    }
    if (rules.length === 0) return undefined;
    return {
      check: (node) => rules.every((rule) => rule.holds(node)),
      explain: (node) => [rules.find((rule) => !rule.holds(node))?.reason ?? reasons.affinity],
    };
  },
};

/** A pod that selects itself may be the first of its kind: then any node with the label will do. */
function affinityRules(pod: PodFacts, snapshot: Snapshot): readonly Rule[] {
  const terms = pod.requiredAffinity;
  const counters = terms.map((term) => snapshot.counter(term.selector));
  const isFirst = counters.every((counter) => counter.total === 0) && terms.every((term) => selects(term.selector, pod));
  return terms.map(({ topologyKey }, index) => {
    if (isFirst) return (node) => node.labels[topologyKey] !== undefined;
    const domains = counters[index]?.domains(topologyKey) ?? new Map<string, number>();
    return (node) => isIn(domains, node, topologyKey);
  });
}

function isIn(domains: ReadonlyMap<string, number>, node: NodeState, topologyKey: string): boolean {
  const value = node.labels[topologyKey];
  return value !== undefined && (domains.get(value) ?? 0) > 0;
}
