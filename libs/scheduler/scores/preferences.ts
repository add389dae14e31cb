/** Scores by the pod's own preferences: node affinity, and taints that would rather not have it. */
import { matchesNodeTerm, parseNodeTerm } from '../node-terms.js';
import type { ScorePlugin } from '../plugin.js';
import { tolerates } from '../tolerations.js';

export const preferredNodeAffinity: ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  prepare(pod) {
    const preferred = pod.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    const terms = preferred.map(({ weight, preference }) => ({ weight, term: parseNodeTerm(preference) }));
    return {
      normalize: 'highest-is-best',
      score: (node) => terms.reduce((sum, { weight, term }) => sum + (matchesNodeTerm(term, node) ? weight : 0), 0),
    };
  },
};

export const taintPreference: ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  prepare(pod, snapshot) {
    if (snapshot.avoidedNodes === 0) return undefined;
    return {
      normalize: 'lowest-is-best',
      score: (node) => node.softTaints.filter((taint) => !pod.tolerations.some((each) => tolerates(each, taint))).length,
    };
  },
};
