/** The daemons of a cluster that runs on this machine: alive or not, and how much memory they hold. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConnection, type Connection } from '../client/kubeconfig.js';
import { Daemons, startTicksOf } from '../cluster/daemons.js';
import { layoutOf, loadOptions } from '../cluster/layout.js';

export interface DaemonRow {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resident, without what is shared with others; 0 when it does not run. */
  readonly memoryBytes: number;
  readonly uptimeMs: number;
}

/** Undefined where no cluster of `berth up` lives in the folder. */
export function localDaemons(dataDir: string): readonly DaemonRow[] | undefined {
  const options = loadOptions(dataDir);
  if (options === undefined) return undefined;
  const layout = layoutOf(options);
  const daemons = new Daemons(layout.runDir, layout.logDir);
  const names = [
    ...(layout.etcd.length === 0 ? ['etcd'] : []),
    ...(layout.redis === '' ? ['redis'] : []),
    'control-plane',
    ...layout.hosts.map(({ name }) => name),
  ];
  return names.map((name) => {
    const pid = daemons.pidOf(name);
    return pid === undefined
      ? { name, pid, memoryBytes: 0, uptimeMs: 0 }
      : { name, pid, memoryBytes: privateBytes(pid), uptimeMs: uptimeMs(pid) };
  });
}

/** Whether the connection leads to the cluster of that folder: they have the same authority. */
export function isClusterOf(dataDir: string, connection: Connection): boolean {
  const file = join(dataDir, 'admin.kubeconfig');
  return existsSync(file) && loadConnection(file).ca === connection.ca;
}

/** Proportional set size, where the kernel tells it; otherwise the resident size. */
function privateBytes(pid: number): number {
  const file = [`/proc/${pid}/smaps_rollup`, `/proc/${pid}/status`].find((path) => existsSync(path));
  try {
    const text = file === undefined ? '' : readFileSync(file, 'utf8');
    return Number(/^(?:Pss|VmRSS):\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1_024;
  } catch {
    return 0; // it has just ended
  }
}

const TICKS_PER_SECOND = 100;

function uptimeMs(pid: number): number {
  const [sinceBoot = '0'] = readFileSync('/proc/uptime', 'utf8').split(' ');
  return Math.max(0, Number(sinceBoot) - Number(startTicksOf(pid) ?? 0) / TICKS_PER_SECOND) * 1_000;
}
