/** What is remembered of a sandbox, so that a restarted agent finds it again. Written once its namespaces are pinned. */
import { readTextSync } from '../process/files.js';
import type { ProcessIdentity } from '../process/process-identity.js';
import type { PodUid } from '../../agent/index.js';

export interface SandboxRecord {
  readonly podUid: PodUid;
  readonly hostname: string;
  readonly hostNetwork: boolean;
  readonly hostIpc: boolean;
  /** Parent of the container cgroups. */
  readonly cgroupPath: string;
  /** Share of the burstable cgroup, milli-CPUs. */
  readonly cpuRequestMilli: number;
  readonly qos: string;
  /** The first process of a shared PID namespace. */
  readonly pidHolder?: ProcessIdentity | undefined;
}

/** `undefined` where the file is missing or was cut short: the sandbox is then made anew. */
export function decodeSandboxRecord(path: string): SandboxRecord | undefined {
  const text = readTextSync(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as SandboxRecord;
  } catch {
    return undefined;
  }
}
