/** Makes, limits, reads, kills and removes cgroups, the same way on v1, hybrid and v2. Paths are below the mounts: `/berth/c/n/podX`. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { errorCode, readTextSync } from '../process/files.js';
import { signalProcess } from '../process/process-identity.js';
import { CPU_PERIOD_US, weightOf } from './limits.js';
import type { CgroupLimits } from './limits.js';
import { detectHierarchy, directoriesOf, v1Directory } from './hierarchy.js';
import type { CgroupHierarchy } from './hierarchy.js';

export interface CgroupUsage {
  /** CPU time since the cgroup was made, nanoseconds. */
  readonly cpuNanos: number;
  /** Working set: usage without inactive file pages, as Kubernetes reports it. */
  readonly memoryBytes: number;
}

const LIMITING_CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids'] as const;
const REMOVE_ATTEMPTS_MAX = 40;
const REMOVE_RETRY_MS = 25;

/** The tree of this host. */
export function openCgroupTree(): CgroupTree {
  return new CgroupTree(detectHierarchy(readFileSync('/proc/self/mountinfo', 'utf8')));
}

export class CgroupTree {
  constructor(readonly hierarchy: CgroupHierarchy) {}

  /** Makes the cgroup and its parents, and sets the limits. May be called again with other limits. */
  ensure(path: string, limits: CgroupLimits): void {
    if (this.hierarchy.version === 2) this.#ensureV2(path, limits);
    else this.#ensureV1(path, limits);
  }

  /** Other limits for a cgroup with processes in it. Throws where the kernel cannot: memory below what is in use. */
  resize(path: string, limits: CgroupLimits): void {
    const { memoryBytes, ...rest } = limits;
    this.ensure(path, rest);
    if (memoryBytes !== undefined) this.#limitMemory(path, String(memoryBytes));
  }

  /** Neither CPU time nor memory are limited, so that cgroups below may grow. */
  loosen(path: string): void {
    this.ensure(path, {});
    this.#limitMemory(path, this.hierarchy.version === 2 ? 'max' : '-1');
  }

  /** Cumulative CPU and working set; `undefined` where the cgroup is gone. */
  usage(path: string): CgroupUsage | undefined {
    return this.hierarchy.version === 2 ? this.#usageV2(path) : this.#usageV1(path);
  }

  /** How many processes the kernel killed here for want of memory. */
  oomKills(path: string): number {
    const directory = this.#controller('memory', path);
    const file = this.hierarchy.version === 2 ? 'memory.events' : 'memory.oom_control';
    return numberAfter(readTextSync(`${directory}/${file}`) ?? '', 'oom_kill');
  }

  /** Processes in the cgroup and below it. */
  pids(path: string): readonly number[] {
    return descend(this.#controller('pids', path)).flatMap((directory) =>
      (readTextSync(`${directory}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number),
    );
  }

  /** SIGKILL to every process in the cgroup and below it. Returns how many were there. */
  kill(path: string): number {
    const pids = this.pids(path);
    for (const pid of pids) if (pid > 0) signalProcess(pid, 'SIGKILL');
    return pids.length;
  }

  /** Kills what is left and removes the cgroup with its children in every hierarchy. Idempotent. Throws where the kernel keeps one. */
  async remove(path: string): Promise<void> {
    for (const directory of directoriesOf(this.hierarchy, path)) {
      for (const child of descend(directory).toReversed()) await this.#removeDirectory(child, path);
    }
  }

  /** Names of the child cgroups of `path`. */
  children(path: string): readonly string[] {
    return childDirectories(this.#controller('memory', path)) ?? [];
  }

  async #removeDirectory(directory: string, path: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await rmdir(directory);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return;
        if (attempt === REMOVE_ATTEMPTS_MAX) throw error;
        // EBUSY: a killed process has not been reaped yet.
        this.kill(path);
        await new Promise((resolve) => setTimeout(resolve, REMOVE_RETRY_MS));
      }
    }
  }

  #controller(name: string, path: string): string {
    if (this.hierarchy.version === 2) return `${this.hierarchy.unified}${path}`;
    return v1Directory(this.hierarchy, name, path) ?? v1Directory(this.hierarchy, 'memory', path) ?? '/nonexistent';
  }

  #ensureV1(path: string, limits: CgroupLimits): void {
    for (const controller of LIMITING_CONTROLLERS) {
      const directory = v1Directory(this.hierarchy, controller, path);
      if (directory !== undefined) mkdirSync(directory, { recursive: true });
    }
    const cpu = this.#controller('cpu', path);
    const memory = this.#controller('memory', path);
    if (limits.cpuShares !== undefined) writeFileSync(`${cpu}/cpu.shares`, String(limits.cpuShares));
    writeFileSync(`${cpu}/cpu.cfs_quota_us`, String(limits.cpuQuotaUs ?? -1));
    if (limits.memoryBytes !== undefined) writeFileSync(`${memory}/memory.limit_in_bytes`, String(limits.memoryBytes));
    if (limits.pids !== undefined) writeFileSync(`${this.#controller('pids', path)}/pids.max`, String(limits.pids));
  }

  /** v1 counts memory and swap in a second file that may never be the smaller of the two: which goes first depends on the direction. */
  #limitMemory(path: string, amount: string): void {
    const directory = this.#controller('memory', path);
    if (this.hierarchy.version === 2) return writeFileSync(`${directory}/memory.max`, amount);
    const [memory, withSwap] = [`${directory}/memory.limit_in_bytes`, `${directory}/memory.memsw.limit_in_bytes`];
    const files = readTextSync(withSwap) === undefined ? [memory] : [memory, withSwap];
    try {
      for (const file of files) writeFileSync(file, amount);
    } catch (error) {
      if (errorCode(error) !== 'EINVAL') throw error;
      for (const file of files.toReversed()) writeFileSync(file, amount);
    }
  }

  #ensureV2(path: string, limits: CgroupLimits): void {
    const directory = `${this.hierarchy.unified}${path}`;
    mkdirSync(directory, { recursive: true });
    this.#delegateV2(path);
    if (limits.cpuShares !== undefined) writeFileSync(`${directory}/cpu.weight`, String(weightOf(limits.cpuShares)));
    writeFileSync(`${directory}/cpu.max`, `${limits.cpuQuotaUs ?? 'max'} ${CPU_PERIOD_US}`);
    if (limits.memoryBytes !== undefined) writeFileSync(`${directory}/memory.max`, String(limits.memoryBytes));
    if (limits.pids !== undefined) writeFileSync(`${directory}/pids.max`, String(limits.pids));
  }

  /** v2 hands a controller to a child only where each parent says so, from the root down. */
  #delegateV2(path: string): void {
    let directory = this.hierarchy.unified ?? '';
    for (const name of path.split('/')) {
      if (name !== '') directory += `/${name}`;
      writeFileSync(`${directory}/cgroup.subtree_control`, '+cpu +memory +pids');
    }
  }

  #usageV1(path: string): CgroupUsage | undefined {
    const cpu = readTextSync(`${this.#controller('cpuacct', path)}/cpuacct.usage`);
    const memory = this.#controller('memory', path);
    const used = readTextSync(`${memory}/memory.usage_in_bytes`);
    if (cpu === undefined || used === undefined) return undefined;
    const inactive = numberAfter(readTextSync(`${memory}/memory.stat`) ?? '', 'total_inactive_file');
    return { cpuNanos: Number(cpu), memoryBytes: Math.max(0, Number(used) - inactive) };
  }

  #usageV2(path: string): CgroupUsage | undefined {
    const directory = `${this.hierarchy.unified}${path}`;
    const cpu = readTextSync(`${directory}/cpu.stat`);
    const used = readTextSync(`${directory}/memory.current`);
    if (cpu === undefined || used === undefined) return undefined;
    const inactive = numberAfter(readTextSync(`${directory}/memory.stat`) ?? '', 'inactive_file');
    return { cpuNanos: numberAfter(cpu, 'usage_usec') * 1000, memoryBytes: Math.max(0, Number(used) - inactive) };
  }
}

/** The directory and all below it, parents first; empty where it does not exist. */
function descend(directory: string): readonly string[] {
  const children = childDirectories(directory);
  return children === undefined ? [] : [directory, ...children.flatMap((name) => descend(`${directory}/${name}`))];
}

/** `undefined` where the directory is gone: another removal of the same cgroup may run at the same time. */
function childDirectories(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENODEV') return undefined;
    throw error;
  }
}

/** Value of the line `key value` of a flat keyed file; 0 where there is none. */
export function numberAfter(text: string, key: string): number {
  const match = new RegExp(`^${key} (\\d+)`, 'm').exec(text);
  return match === null ? 0 : Number(match[1]);
}
