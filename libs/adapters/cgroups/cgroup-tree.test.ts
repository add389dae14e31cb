import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CgroupTree } from './cgroup-tree.js';
import { detectHierarchy, directoriesOf } from './hierarchy.js';
import { machineUsage } from './usage-reader.js';

const V1 = `30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/lib/x,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`;
const V2 = '28 22 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot';

describe('detection', () => {
  test('knows v1 with co-mounted controllers and a v2 mount beside them', () => {
    const found = detectHierarchy(V1);
    expect(found.version).toBe(1);
    expect(found.v1Mounts.get('cpuacct')).toBe('/sys/fs/cgroup/cpu,cpuacct');
    expect(found.unified).toBe('/sys/fs/cgroup/unified');
    expect(directoriesOf(found, '/b')).toEqual([
      '/sys/fs/cgroup/cpu,cpuacct/b',
      '/sys/fs/cgroup/memory/b',
      '/sys/fs/cgroup/systemd/b',
      '/sys/fs/cgroup/unified/b',
    ]);
  });

  test('knows v2 alone', () => {
    expect(detectHierarchy(V2)).toMatchObject({ version: 2, unified: '/sys/fs/cgroup' });
  });

  test('tells where there is none', () => {
    expect(() => detectHierarchy('22 1 8:1 / / rw - ext4 /dev/sda rw')).toThrow('no cgroup file system is mounted');
  });
});

describe('a v2 tree', () => {
  let root: string;
  let tree: CgroupTree;
  beforeEach(() => {
    root = mkdtempSync('/tmp/berth-cgroup2-');
    tree = new CgroupTree({ version: 2, v1Mounts: new Map(), unified: root });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const file = (path: string): string => readFileSync(join(root, path), 'utf8');
  const record = (path: string, text: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };

  test('gets weight, quota, memory and pids, and hands the controllers down', () => {
    tree.ensure('/berth/pod1', { cpuShares: 1024, cpuQuotaUs: 50_000, memoryBytes: 1_000, pids: 64 });
    expect([file('berth/pod1/cpu.weight'), file('berth/pod1/cpu.max'), file('berth/pod1/memory.max'), file('berth/pod1/pids.max')]).toEqual(
      ['39', '50000 100000', '1000', '64'],
    );
    for (const parent of ['', 'berth', 'berth/pod1']) expect(file(join(parent, 'cgroup.subtree_control'))).toBe('+cpu +memory +pids');
  });

  test('is read: CPU in nanoseconds, working set without inactive files, kills for want of memory', () => {
    record('c/cpu.stat', 'usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nnr_periods 0\n');
    record('c/memory.current', '10485760\n');
    record('c/memory.stat', 'anon 4194304\nfile 6291456\ninactive_anon 0\ninactive_file 2097152\n');
    record('c/memory.events', 'low 0\nhigh 0\nmax 14\noom 2\noom_kill 1\noom_group_kill 0\n');
    expect(tree.usage('/c')).toEqual({ cpuNanos: 1_234_567_000, memoryBytes: 8_388_608 });
    expect(tree.oomKills('/c')).toBe(1);
  });

  test('that is gone has no usage, no kills and no processes', () => {
    expect(tree.usage('/gone')).toBeUndefined();
    expect(tree.oomKills('/gone')).toBe(0);
    expect(tree.pids('/gone')).toEqual([]);
  });
});

describe('the usage of the machine', () => {
  test('is busy time of all cores and memory that is not available', () => {
    const stat = 'cpu  100 20 30 4000 50 6 7 8 0 0\ncpu0 1 1 1 1\n';
    const meminfo = 'MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n';
    expect(machineUsage(stat, meminfo)).toEqual({ cpuNanos: 1_710_000_000, memoryBytes: 614_400 });
  });
});
