/** Where everything of the runtime lies on disk. What must outlive a reboot is below `dataDir`, what must not is below `runDir`. */
import { join } from 'node:path';
import type { ContainerId, PodUid } from '../../agent/index.js';

export interface RuntimeDirectories {
  /** Persistent: container records, writable layers, logs. */
  readonly dataDir: string;
  /** Until reboot: pinned namespaces, runc's state, exit files. */
  readonly runDir: string;
}

export class RuntimePaths {
  readonly containers: string;
  readonly logs: string;
  readonly pods: string;
  readonly runcRoot: string;
  readonly exits: string;
  readonly sockets: string;

  constructor(directories: RuntimeDirectories) {
    this.containers = join(directories.dataDir, 'containers');
    this.logs = join(directories.dataDir, 'logs');
    this.pods = join(directories.runDir, 'pods');
    this.runcRoot = join(directories.runDir, 'runc');
    this.exits = join(directories.runDir, 'exits');
    this.sockets = join(directories.runDir, 'sockets');
  }

  pod(uid: PodUid): PodPaths {
    const root = join(this.pods, uid);
    const ns = join(root, 'ns');
    return {
      root,
      record: join(root, 'sandbox.json'),
      net: join(ns, 'net'),
      ipc: join(ns, 'ipc'),
      uts: join(ns, 'uts'),
      pid: join(ns, 'pid'),
      ns,
      shm: join(root, 'shm'),
      hosts: join(root, 'hosts'),
      hostname: join(root, 'hostname'),
      resolvConf: join(root, 'resolv.conf'),
      logs: join(this.logs, uid),
    };
  }

  container(id: ContainerId): ContainerPaths {
    const root = join(this.containers, id);
    const bundle = join(root, 'bundle');
    return {
      root,
      bundle,
      record: join(root, 'record.json'),
      config: join(bundle, 'config.json'),
      rootfs: join(bundle, 'rootfs'),
      links: join(bundle, 'l'),
      upper: join(bundle, 'upper'),
      work: join(bundle, 'work'),
      pidFile: join(bundle, 'pid'),
      conmonPidFile: join(bundle, 'conmon.pid'),
      control: join(bundle, 'ctl'),
      persist: join(root, 'persist'),
      terminationLog: join(root, 'termination-log'),
      subPaths: join(root, 'subpath'),
      exitFile: join(this.exits, id),
      state: join(this.runcRoot, id),
      startFifo: join(this.runcRoot, id, 'exec.fifo'),
    };
  }
}

export interface PodPaths {
  readonly root: string;
  readonly record: string;
  readonly ns: string;
  readonly net: string;
  readonly ipc: string;
  readonly uts: string;
  readonly pid: string;
  readonly shm: string;
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
  readonly logs: string;
}

export interface ContainerPaths {
  readonly root: string;
  readonly bundle: string;
  readonly record: string;
  readonly config: string;
  readonly rootfs: string;
  /** Short links to the image's layers, named 0, 1, ...; overlay options are limited to one page. */
  readonly links: string;
  readonly upper: string;
  readonly work: string;
  readonly pidFile: string;
  readonly conmonPidFile: string;
  /** conmon's control pipe: terminal size, log rotation. */
  readonly control: string;
  readonly persist: string;
  readonly terminationLog: string;
  /** Bind mounts of subPath volumes. */
  readonly subPaths: string;
  readonly exitFile: string;
  readonly state: string;
  /** runc's init waits for a reader of this pipe before it becomes the container's program. */
  readonly startFifo: string;
}
