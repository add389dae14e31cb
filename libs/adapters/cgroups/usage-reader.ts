/** UsageReader over the cgroup tree: the source of `kubectl top` and of the autoscaler. */
import { readFileSync } from 'node:fs';
import type { PodUid, UsageReader } from '../../agent/index.js';
import type { CgroupTree } from './cgroup-tree.js';

/** Where a running container's cgroup is. */
export interface MeasuredContainer {
  readonly podUid: PodUid;
  readonly name: string;
  readonly cgroupPath: string;
}

export interface UsageReaderOptions {
  readonly tree: CgroupTree;
  /** Running containers at this moment. */
  readonly running: () => readonly MeasuredContainer[];
  /** Measures the node as this cgroup instead of the machine, for hosts that share one machine. */
  readonly nodeCgroup?: string | undefined;
}

const NANOS_PER_TICK = 10_000_000;

export function createUsageReader(options: UsageReaderOptions): UsageReader {
  return {
    async node() {
      if (options.nodeCgroup !== undefined) return options.tree.usage(options.nodeCgroup) ?? { cpuNanos: 0, memoryBytes: 0 };
      return machineUsage(readFileSync('/proc/stat', 'utf8'), readFileSync('/proc/meminfo', 'utf8'));
    },
    async containers() {
      const { tree } = options;
      return options.running().flatMap(({ podUid, name, cgroupPath }) => {
        const usage = tree.usage(cgroupPath);
        return usage === undefined ? [] : [{ podUid, name, ...usage }];
      });
    },
  };
}

/** Busy time of all cores, and memory that is not available, from /proc/stat and /proc/meminfo. */
export function machineUsage(stat: string, meminfo: string): { readonly cpuNanos: number; readonly memoryBytes: number } {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = (stat.split('\n')[0] ?? '')
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const kib = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0);
  return {
    cpuNanos: (user + nice + system + irq + softIrq + steal) * NANOS_PER_TICK,
    memoryBytes: (kib('MemTotal') - kib('MemAvailable')) * 1024,
  };
}
