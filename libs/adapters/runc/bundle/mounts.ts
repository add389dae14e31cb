/** The mounts of a container in the order in which runc makes them. Pure. */
import type { OciMount } from './oci.js';

export interface MountPlan {
  /** Overlay options name layers by short links in the bundle, so that 128 layers fit into the kernel's 4096 bytes. */
  readonly layerCount: number;
  readonly isPrivileged: boolean;
  readonly isHostIpc: boolean;
  readonly isHostPid: boolean;
  readonly shmPath?: string | undefined;
  readonly readOnlyRoot: boolean;
  /** Host files of the pod: /etc/hosts, /etc/hostname, /etc/resolv.conf, by container path. */
  readonly podFiles: ReadonlyMap<string, string>;
  readonly terminationLog: { readonly hostPath: string; readonly containerPath: string };
  readonly volumes: readonly {
    readonly hostPath: string;
    readonly containerPath: string;
    readonly readOnly: boolean;
    readonly propagation: 'private' | 'rslave' | 'rshared';
  }[];
}

export function planMounts(plan: MountPlan): readonly OciMount[] {
  const volumePaths = new Set(plan.volumes.map((volume) => trimSlash(volume.containerPath)));
  const podFiles = [...plan.podFiles].filter(([path]) => !volumePaths.has(path));
  return [
    rootOverlay(plan.layerCount),
    ...systemMounts(plan).filter((mount) => !volumePaths.has(mount.destination)),
    ...podFiles.map(([path, host]) => bind(path, host, [plan.readOnlyRoot ? 'ro' : 'rw', 'rprivate'])),
    bind(plan.terminationLog.containerPath, plan.terminationLog.hostPath, ['rw', 'rprivate']),
    // Parents before children, whatever the order in the pod.
    ...plan.volumes
      .toSorted((a, b) => depth(a.containerPath) - depth(b.containerPath))
      .map((v) => bind(v.containerPath, v.hostPath, [v.readOnly ? 'ro' : 'rw', v.propagation === 'private' ? 'rprivate' : v.propagation])),
  ];
}

/** The image's file system, mounted by runc inside the container's own mount namespace: it vanishes with the container. */
function rootOverlay(layerCount: number): OciMount {
  const lower = Array.from({ length: layerCount }, (_, index) => `../l/${index}`).join(':');
  return { destination: '/', type: 'overlay', source: 'overlay', options: [`lowerdir=${lower}`, 'upperdir=../upper', 'workdir=../work'] };
}

function systemMounts(plan: MountPlan): readonly OciMount[] {
  const access = plan.isPrivileged ? 'rw' : 'ro';
  const common = ['nosuid', 'noexec', 'nodev'];
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: common },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...common, access] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...common, 'relatime', access] },
    // A queue file system is that of the IPC namespace, the host's too; not every host has it mounted.
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: common },
    ...shm(plan, common),
  ];
}

function shm(plan: MountPlan, common: readonly string[]): readonly OciMount[] {
  if (plan.isHostIpc) return [bind('/dev/shm', '/dev/shm', ['rw', ...common])];
  return plan.shmPath === undefined ? [] : [bind('/dev/shm', plan.shmPath, ['rw', ...common])];
}

function bind(destination: string, source: string, options: readonly string[]): OciMount {
  return { destination, type: 'bind', source, options: ['rbind', ...options] };
}

function depth(path: string): number {
  return trimSlash(path).split('/').length;
}

function trimSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
