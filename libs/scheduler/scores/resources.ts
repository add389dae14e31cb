/** Scores by free resources: prefer the emptier node, and the one whose CPU and memory fill up evenly. */
import type { ScorePlugin } from '../plugin.js';

export const leastAllocated: ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  prepare: (pod) => ({
    score: (node) =>
      (freeShare(node.allocatableMilliCpu, node.scoredMilliCpu + pod.scoredMilliCpu) +
        freeShare(node.allocatableMemoryBytes, node.scoredMemoryBytes + pod.scoredMemoryBytes)) /
      2,
  }),
};

export const balancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  prepare: (pod) => ({
    score(node) {
      const cpu = usedShare(node.allocatableMilliCpu, node.requestedMilliCpu + pod.request.milliCpu);
      const memory = usedShare(node.allocatableMemoryBytes, node.requestedMemoryBytes + pod.request.memoryBytes);
      // Two values: their standard deviation is half of their distance.
      return (1 - Math.abs(cpu - memory) / 2) * 100;
    },
  }),
};

function freeShare(allocatable: number, requested: number): number {
  return allocatable <= 0 || requested > allocatable ? 0 : ((allocatable - requested) * 100) / allocatable;
}

function usedShare(allocatable: number, requested: number): number {
  return allocatable <= 0 ? 1 : Math.min(1, requested / allocatable);
}
