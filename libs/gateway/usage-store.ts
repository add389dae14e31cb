/** The newest usage of every node and pod, in memory only: what `metrics.k8s.io` and the autoscaler read. */
import type { NodeUsage, PodUsage, UsageSource } from '../apiserver/index.js';
import type { UsageReport } from './messages.js';

interface NodeSample {
  readonly node: NodeUsage;
  readonly pods: readonly PodUsage[];
}

export class UsageStore implements UsageSource {
  readonly #samples = new Map<string, NodeSample>();

  record(node: string, usage: UsageReport): void {
    const window = { at: usage.atMs, windowMs: usage.windowMs };
    this.#samples.set(node, {
      node: { name: node, ...window, cpuCores: usage.nodeCpuCores, memoryBytes: usage.nodeMemoryBytes },
      pods: usage.pods.map((pod) => ({ ...pod, ...window })),
    });
  }

  /** A node that is away has no usage, rather than an old one. */
  forget(node: string): void {
    this.#samples.delete(node);
  }

  nodes(): readonly NodeUsage[] {
    return [...this.#samples.values()].map((sample) => sample.node);
  }

  pods(namespace?: string): readonly PodUsage[] {
    const all = [...this.#samples.values()].flatMap((sample) => sample.pods);
    return namespace === undefined ? all : all.filter((pod) => pod.namespace === namespace);
  }
}
