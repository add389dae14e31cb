/** Ends a cluster on this machine and removes everything that it made, except its data (unless asked to). */
import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { progress, type Io } from '../io.js';
import { Daemons } from './daemons.js';
import { localHosts } from './hosts.js';
import { unmountBelow } from './mounts.js';
import type { ClusterLayout } from './layout.js';

const CONTAINER_GRACE_MS = 5_000;
const REMOVE_ATTEMPTS_MAX = 50;
/** Monitors of containers, holders of process namespaces, and builds whose control plane was killed. */
const DETACHED = ['conmon', 'unshare', 'buildah'];

export async function stopCluster(layout: ClusterLayout, io: Io, options: { readonly purge: boolean }): Promise<void> {
  const daemons = new Daemons(layout.runDir, layout.logDir);
  // First: else it would take the hosts for lost while they end, and delete their pods.
  await progress(io, 'control plane', () => daemons.stop('control-plane'));
  await progress(io, 'agents, Redis, etcd', async () => {
    await Promise.all(['redis', 'etcd', ...layout.hosts.map((host) => host.name)].map((name) => daemons.stop(name)));
  });
  await progress(io, 'containers', async (note) => note(`${await endContainers(layout)} processes`));
  await progress(io, 'mounts, cgroups and network', async () => {
    unmountBelow(layout.runDir);
    unmountBelow(layout.dataDir);
    removeCgroups(`berth/${layout.name}`);
    const hosts = localHosts(layout);
    for (const host of layout.hosts) await hosts.destroyHost(host.name);
    await hosts.destroyBridge();
    rmSync(layout.runDir, { recursive: true, force: true });
  });
  if (options.purge) await progress(io, 'data', async () => rmSync(layout.dataDir, { recursive: true, force: true }));
}

/** SIGTERM to everything in the cluster's cgroups and to what is detached, SIGKILL after the grace. Answers how many there were. */
async function endContainers(layout: ClusterLayout): Promise<number> {
  const pids = clusterPids(layout);
  signalAll(pids, 'SIGTERM');
  for (let waitedMs = 0; waitedMs < CONTAINER_GRACE_MS && clusterPids(layout).length > 0; waitedMs += 50) await sleep(50);
  const left = (): readonly number[] => [...clusterPids(layout), ...strayPids(layout)];
  for (let attempt = 0; attempt < REMOVE_ATTEMPTS_MAX && left().length > 0; attempt++) {
    signalAll(left(), 'SIGKILL');
    await sleep(50);
  }
  return pids.length;
}

function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended already.
    }
  }
}

function cgroupFolders(path: string): readonly string[] {
  const controllers = ['', ...(existsSync('/sys/fs/cgroup') ? readdirSync('/sys/fs/cgroup') : [])];
  return [...new Set(controllers.map((controller) => join('/sys/fs/cgroup', controller, path)))].filter((folder) => existsSync(folder));
}

/** A cgroup and all below it, deepest first; what a builder removes meanwhile is left out. */
function withChildren(folder: string): readonly string[] {
  try {
    const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...children.flatMap((entry) => withChildren(join(folder, entry.name))), folder];
  } catch {
    return [];
  }
}

function processesIn(folder: string): readonly string[] {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n');
  } catch {
    return [];
  }
}

function clusterPids(layout: ClusterLayout): readonly number[] {
  const pids = cgroupFolders(`berth/${layout.name}`)
    .flatMap(withChildren)
    .flatMap(processesIn)
    .filter((line) => line !== '')
    .map(Number);
  return [...new Set(pids)];
}

/** Processes outside of the cluster's cgroups that detach from who started them carry its folders in their command line. */
function strayPids(layout: ClusterLayout): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return (
          DETACHED.some((program) => words[0]?.endsWith(program) === true) &&
          words.some((word) => word.includes(`${layout.runDir}/`) || word.includes(`${layout.dataDir}/`))
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

function removeCgroups(path: string): void {
  for (const folder of cgroupFolders(path).flatMap(withChildren)) rmdirQuietly(folder);
  for (const parent of cgroupFolders('berth')) if (withChildren(parent).length === 1) rmdirQuietly(parent);
}

/** A cgroup that another process has just entered stays; `berth down` may be repeated. */
function rmdirQuietly(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Busy or gone.
  }
}
