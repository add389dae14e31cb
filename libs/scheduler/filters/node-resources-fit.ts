/** What the pod requests must be free: allocatable minus the requests of the pods that are there. */
import type { NodeState } from '../model/node-state.js';
import type { PodFacts } from '../model/pod-facts.js';
import type { FilterPlugin } from '../plugin.js';

export const nodeResourcesFit: FilterPlugin = {
  name: 'NodeResourcesFit',
  preemptible: true,
  prepare(pod) {
    const { milliCpu, memoryBytes, ephemeralBytes, others } = pod.request;
    const hasOthers = others.size > 0;
    return {
      check(node) {
        if (node.pods.size >= node.allocatablePods) return false;
        if (milliCpu > 0 && milliCpu > node.allocatableMilliCpu - node.requestedMilliCpu) return false;
        if (memoryBytes > 0 && memoryBytes > node.allocatableMemoryBytes - node.requestedMemoryBytes) return false;
        if (ephemeralBytes > 0 && ephemeralBytes > node.allocatableEphemeralBytes - node.requestedEphemeralBytes) return false;
        return !hasOthers || lackingOthers(pod, node).length === 0;
      },
      explain: (node) => lacking(pod, node),
    };
  },
};

function lacking(pod: PodFacts, node: NodeState): readonly string[] {
  const { milliCpu, memoryBytes, ephemeralBytes } = pod.request;
  const reasons: string[] = [];
  if (node.pods.size >= node.allocatablePods) reasons.push('Too many pods');
  if (milliCpu > 0 && milliCpu > node.allocatableMilliCpu - node.requestedMilliCpu) reasons.push('Insufficient cpu');
  if (memoryBytes > 0 && memoryBytes > node.allocatableMemoryBytes - node.requestedMemoryBytes) reasons.push('Insufficient memory');
  if (ephemeralBytes > 0 && ephemeralBytes > node.allocatableEphemeralBytes - node.requestedEphemeralBytes) {
    reasons.push('Insufficient ephemeral-storage');
  }
  return [...reasons, ...lackingOthers(pod, node)];
}

function lackingOthers(pod: PodFacts, node: NodeState): readonly string[] {
  const reasons: string[] = [];
  for (const [name, amount] of pod.request.others) {
    const free = (node.allocatableOthers.get(name) ?? 0) - (node.requestedOthers.get(name) ?? 0);
    if (amount > 0 && amount > free) reasons.push(`Insufficient ${name}`);
  }
  return reasons;
}
