/** CPU rates from cumulative counters: two samples make one usage report. */
import type { UsageReport } from '../../gateway/index.js';
import type { UsageReader } from '../ports.js';

export interface UsageSample {
  readonly atMs: number;
  readonly node: Awaited<ReturnType<UsageReader['node']>>;
  readonly containers: Awaited<ReturnType<UsageReader['containers']>>;
}

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Containers that were not in the earlier sample started since: their whole use counts. Pods that `nameOf` does not know are left out. */
export function usageReport(
  before: UsageSample | undefined,
  now: UsageSample,
  nameOf: (podUid: string) => PodName | undefined,
): UsageReport {
  const windowMs = before === undefined ? 0 : now.atMs - before.atMs;
  const rate = (nanos: number, earlier: number): number => (windowMs <= 0 ? 0 : Math.max(0, nanos - earlier) / (windowMs * 1e6));
  const earlier = new Map(before?.containers.map((container) => [key(container), container.cpuNanos]));
  const pods = new Map<string, { readonly podUid: string; readonly containers: UsageReport['pods'][number]['containers'][number][] }>();
  for (const container of now.containers) {
    const pod = pods.get(container.podUid) ?? { podUid: container.podUid, containers: [] };
    pods.set(container.podUid, pod);
    // A restarted container counts from zero again.
    const since = Math.min(earlier.get(key(container)) ?? 0, container.cpuNanos);
    pod.containers.push({ name: container.name, cpuCores: rate(container.cpuNanos, since), memoryBytes: container.memoryBytes });
  }
  return {
    atMs: now.atMs,
    windowMs,
    nodeCpuCores: rate(now.node.cpuNanos, before?.node.cpuNanos ?? now.node.cpuNanos),
    nodeMemoryBytes: now.node.memoryBytes,
    pods: [...pods.values()].flatMap(({ podUid, containers }) => {
      const name = nameOf(podUid);
      return name === undefined ? [] : [{ ...name, uid: podUid, containers }];
    }),
  };
}

function key(container: { readonly podUid: string; readonly name: string }): string {
  return `${container.podUid} ${container.name}`;
}
