/** Scores by company: soft spread constraints, the default spread of a controller's pods, and preferred pod affinity. */
import type { NodeState } from '../model/node-state.js';
import type { ScorePlugin } from '../plugin.js';

const ZONE = 'topology.kubernetes.io/zone';

/**
 * Pods of one controller spread over nodes first, then zones. The weight lets it win over resources and images: three
 * replicas on three nodes are one each.
 */
export const defaultSpread: ScorePlugin = {
  name: 'PodTopologySpread',
  weight: 5,
  prepare(pod, snapshot) {
    const group = pod.spreadGroup;
    if (group === undefined) return undefined;
    const zones = snapshot.groupZones(group);
    return {
      normalize: 'lowest-is-best',
      score: (node) => 3 * (node.groups.get(group) ?? 0) + (zones?.get(node.labels[ZONE] ?? '') ?? 0),
    };
  },
};

/** Soft constraints: the fewer matching pods in the node's domain the better; a node without the label comes last. */
export const softSpread: ScorePlugin = {
  name: 'PodTopologySpread',
  weight: 2,
  prepare(pod, snapshot) {
    const soft = pod.spread.filter((constraint) => !constraint.hard);
    if (soft.length === 0) return undefined;
    const parts = soft.map(({ topologyKey, selector }) => {
      const domains = snapshot.counter(selector).domains(topologyKey);
      const worst = 1 + Math.max(0, ...domains.values());
      return (node: NodeState) => {
        const value = node.labels[topologyKey];
        return value === undefined ? worst : (domains.get(value) ?? 0);
      };
    });
    return { normalize: 'lowest-is-best', score: (node) => parts.reduce((sum, part) => sum + part(node), 0) };
  },
};

/** Preferred affinity (positive weights) and anti-affinity (negative) towards placed pods. */
export const preferredPodAffinity: ScorePlugin = {
  name: 'InterPodAffinity',
  weight: 2,
  prepare(pod, snapshot) {
    if (pod.preferredAffinity.length === 0) return undefined;
    const parts = pod.preferredAffinity.map(({ topologyKey, selector, weight }) => ({
      topologyKey,
      weight,
      domains: snapshot.counter(selector).domains(topologyKey),
    }));
    return {
      normalize: 'highest-is-best',
      score: (node) =>
        parts.reduce((sum, { topologyKey, weight, domains }) => {
          const value = node.labels[topologyKey];
          return value === undefined ? sum : sum + weight * (domains.get(value) ?? 0);
        }, 0),
    };
  },
};
