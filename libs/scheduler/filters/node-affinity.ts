/** `nodeSelector` and required node affinity. */
import type { NodeState } from '../model/node-state.js';
import type { PodFacts } from '../model/pod-facts.js';
import { matchesNodeTerm, parseNodeTerm } from '../node-terms.js';
import type { FilterPlugin } from '../plugin.js';

/** The predicate alone, also used by spreading (which counts only nodes that the pod could go to). `undefined` = every node. */
export function nodeAffinityOf(pod: PodFacts): ((node: NodeState) => boolean) | undefined {
  const selector = Object.entries(pod.nodeSelector ?? {});
  const terms = pod.requiredNodeTerms?.map(parseNodeTerm);
  if (selector.length === 0 && terms === undefined) return undefined;
  return (node) =>
    selector.every(([key, value]) => node.labels[key] === value) &&
    (terms === undefined || terms.some((term) => matchesNodeTerm(term, node)));
}

export const nodeAffinity: FilterPlugin = {
  name: 'NodeAffinity',
  preemptible: false,
  prepare(pod) {
    const check = nodeAffinityOf(pod);
    return check === undefined ? undefined : { check, explain: () => ["node(s) didn't match Pod's node affinity/selector"] };
  },
};
