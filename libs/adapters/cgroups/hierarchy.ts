/** Finds out how this host mounts its cgroups: v1, v1 with a v2 mount beside it ("hybrid"), or v2 alone. */

export interface CgroupHierarchy {
  /** Which version holds the controllers that limit (cpu, memory, pids). */
  readonly version: 1 | 2;
  /** Controller (`memory`, `name=systemd`) to its mount point; empty for version 2. Co-mounted controllers share one. */
  readonly v1Mounts: ReadonlyMap<string, string>;
  /** Mount point of the v2 tree. */
  readonly unified?: string | undefined;
}

/** Reads `/proc/self/mountinfo`. Throws where no cgroup is mounted. */
export function detectHierarchy(mountinfo: string): CgroupHierarchy {
  const v1Mounts = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const point = before?.split(' ')[4];
    const [type, , options] = after?.split(' ') ?? [];
    if (point === undefined) continue;
    if (type === 'cgroup2') unified ??= point;
    if (type === 'cgroup')
      for (const controller of controllersOf(options ?? '')) if (!v1Mounts.has(controller)) v1Mounts.set(controller, point);
  }
  if (v1Mounts.has('memory') || v1Mounts.has('cpu')) return { version: 1, v1Mounts, unified };
  if (unified === undefined) throw new Error('no cgroup file system is mounted: mount cgroup2 on /sys/fs/cgroup');
  return { version: 2, v1Mounts: new Map(), unified };
}

const SUPERBLOCK_FLAGS = new Set(['rw', 'ro', 'relatime', 'noprefix', 'clone_children', 'xattr', 'none', 'cpuset_v2_mode']);

function controllersOf(superOptions: string): readonly string[] {
  return superOptions.split(',').filter((word) => !SUPERBLOCK_FLAGS.has(word) && !word.startsWith('release_agent='));
}

/** Every directory that a cgroup path has: one a mount point. */
export function directoriesOf(hierarchy: CgroupHierarchy, path: string): readonly string[] {
  const roots = new Set(hierarchy.v1Mounts.values());
  if (hierarchy.unified !== undefined) roots.add(hierarchy.unified);
  return [...roots].map((root) => `${root}${path}`);
}

/** The directory whose files a v1 controller answers from. */
export function v1Directory(hierarchy: CgroupHierarchy, controller: string, path: string): string | undefined {
  const root = hierarchy.v1Mounts.get(controller);
  return root === undefined ? undefined : `${root}${path}`;
}
