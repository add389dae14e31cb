/** What a builder that was killed left running: buildah detaches from its caller, and so do the containers of its steps. */
import { readFile, readdir } from 'node:fs/promises';
import { openCgroupTree } from '../cgroups/index.js';
import { processTree, signalAll } from './process-tree.js';

export interface Orphanage {
  /** buildah's `--root`: whose command line names it belongs to this builder. */
  readonly storage: string;
  /** Parent of the cgroups of its steps, below the mounts: `/berth/<cluster>/builds`. */
  readonly cgroup?: string | undefined;
}

/** SIGKILL to all of them. Only for a builder that builds nothing yet. */
export async function endOrphans({ storage, cgroup }: Orphanage): Promise<void> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids) if (await isOurs(pid, storage)) await signalAll(await processTree(pid), 'SIGKILL');
  // A step outlives its buildah when that died of its closed output.
  if (cgroup !== undefined) await openCgroupTree().remove(cgroup);
}

async function isOurs(pid: number, storage: string): Promise<boolean> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return words[0]?.endsWith('buildah') === true && words.includes(storage);
}
