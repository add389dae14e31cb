import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ContainerSpec } from '../../../agent/index.js';
import type { Container, PodSpec } from '../../../api/index.js';
import { resolveUser } from './accounts.js';
import { containerCapabilities, DEFAULT_CAPABILITIES, heldCapabilities } from './capabilities.js';
import { ociConfig } from './config.js';
import type { BundleFacts } from './config.js';
import { findInImage, readFromImage } from './image-files.js';
import { runs32Bit } from './runs-32-bit.js';
import { defaultSeccomp } from './seccomp.js';

const held = heldCapabilities('CapBnd:\t000001ffffffffff\n');

function facts(overrides: Partial<BundleFacts> = {}): BundleFacts {
  return {
    user: { uid: 0, gid: 0, additionalGids: [0], home: '/root' },
    hostname: 'web-0',
    cgroupPath: '/berth/pod1/main-0',
    namespaces: { network: '/ns/net', ipc: '/ns/ipc', uts: '/ns/uts' },
    podFiles: new Map([['/etc/hosts', '/pod/hosts']]),
    shmPath: '/pod/shm',
    terminationLogPath: '/c/termination-log',
    heldCapabilities: held,
    ownOomScoreAdj: 0,
    memoryCapacityBytes: 2 ** 34,
    hostDevices: [],
    cgroupVersion: 1,
    hasSwapAccounting: true,
    processor: { architecture: 'x64', runs32Bit: false },
    ...overrides,
  };
}

function spec(container: Partial<Container> = {}, pod: Partial<PodSpec> = {}, more: Partial<ContainerSpec> = {}): ContainerSpec {
  const definition: Container = { name: 'main', ...container };
  return {
    id: 'u_main_0',
    pod: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web-0', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { containers: [definition], ...pod },
    },
    container: definition,
    attempt: 0,
    image: {
      reference: 'i',
      id: 'sha256:1',
      sizeBytes: 1,
      layers: ['/a', '/b'],
      config: { entrypoint: [], cmd: [], env: [], workingDir: '', user: '', volumes: [] },
    },
    specHash: 'h',
    args: ['/bin/app'],
    env: [{ name: 'A', value: '1' }],
    workingDir: '',
    user: { supplementalGroups: [] },
    mounts: [],
    ...more,
  };
}

describe('the OCI configuration', () => {
  test('mounts the layers top first, by short names', () => {
    expect(ociConfig(spec(), facts()).mounts[0]).toEqual({
      destination: '/',
      type: 'overlay',
      source: 'overlay',
      options: ['lowerdir=../l/0:../l/1', 'upperdir=../upper', 'workdir=../work'],
    });
  });

  test("fills PATH, HOME and HOSTNAME where the pod is silent, and lets the pod's values win", () => {
    const { env, cwd } = ociConfig(spec({}, {}, { env: [{ name: 'HOME', value: '/x' }] }), facts()).process;
    expect(env).toEqual(['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOSTNAME=web-0', 'HOME=/x']);
    expect(cwd).toBe('/');
  });

  test('turns limits into quota, shares and memory without swap', () => {
    const config = ociConfig(spec({ resources: { requests: { cpu: '100m' }, limits: { cpu: '500m', memory: '64Mi' } } }), facts());
    expect(config.linux.resources).toMatchObject({
      cpu: { shares: 102, quota: 50_000, period: 100_000 },
      memory: { limit: 67_108_864, swap: 67_108_864 },
    });
  });

  test('takes away new privileges only where asked for', () => {
    expect(ociConfig(spec(), facts()).process.noNewPrivileges).toBe(false);
    expect(ociConfig(spec({ securityContext: { allowPrivilegeEscalation: false } }), facts()).process.noNewPrivileges).toBe(true);
  });

  test('gives a privileged container every capability, no filter and nothing masked', () => {
    const { process, linux } = ociConfig(spec({ securityContext: { privileged: true } }), facts());
    expect(process.capabilities.effective).toHaveLength(41);
    expect(linux).toMatchObject({ seccomp: undefined, maskedPaths: [], readonlyPaths: [] });
    expect(linux.resources.devices).toEqual([{ allow: true, access: 'rwm' }]);
  });

  test("uses the pod's seccomp profile unless the container has its own", () => {
    const unconfined = { seccompProfile: { type: 'Unconfined' } };
    expect(ociConfig(spec({}, { securityContext: unconfined }), facts()).linux.seccomp).toBeUndefined();
    const own = spec({ securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, { securityContext: unconfined });
    expect(ociConfig(own, facts()).linux.seccomp?.defaultAction).toBe('SCMP_ACT_ERRNO');
  });

  test('leaves the OOM score alone where it may not be lowered', () => {
    const guaranteed = { resources: { limits: { cpu: '1', memory: '1Gi' } } };
    expect(ociConfig(spec(guaranteed), facts()).process.oomScoreAdj).toBe(-997);
    expect(ociConfig(spec(guaranteed), facts({ heldCapabilities: new Set() })).process.oomScoreAdj).toBeUndefined();
    expect(ociConfig(spec(), facts({ heldCapabilities: new Set() })).process.oomScoreAdj).toBe(1000);
  });

  test('joins the namespaces of the pod and makes a PID namespace, unless it is the host that is asked for', () => {
    const types = (config: ReturnType<typeof ociConfig>): string[] =>
      config.linux.namespaces.map((ns) => `${ns.type}${ns.path === undefined ? '' : '*'}`);
    expect(types(ociConfig(spec(), facts()))).toEqual(['mount', 'network*', 'ipc*', 'uts*', 'pid']);
    expect(types(ociConfig(spec({}, { hostPID: true }), facts({ namespaces: {} })))).toEqual(['mount']);
  });

  test('mounts a volume over a file of the pod, parents before children', () => {
    const volume = { hostPath: '/h', readOnly: true, propagation: 'private' } as const;
    const mounts = [
      { ...volume, containerPath: '/data/deep' },
      { ...volume, containerPath: '/data' },
      { ...volume, containerPath: '/etc/hosts' },
    ];
    const paths = ociConfig(spec({}, {}, { mounts }), facts()).mounts.map((mount) => mount.destination);
    expect(paths.filter((path) => path === '/etc/hosts')).toHaveLength(1);
    expect(paths.indexOf('/data')).toBeLessThan(paths.indexOf('/data/deep'));
  });
});

describe('capabilities', () => {
  test("are Docker's by default; names may carry the prefix in any case", () => {
    expect(containerCapabilities(undefined, held)).toHaveLength(DEFAULT_CAPABILITIES.length);
    expect(containerCapabilities({ capabilities: { drop: ['all'], add: ['cap_net_admin', 'SYS_TIME'] } }, held)).toEqual([
      'CAP_NET_ADMIN',
      'CAP_SYS_TIME',
    ]);
    expect(containerCapabilities({ capabilities: { add: ['ALL'], drop: ['NET_RAW'] } }, held)).not.toContain('CAP_NET_RAW');
  });

  test('are never more than the host holds', () => {
    expect(containerCapabilities({ privileged: true }, new Set(['CAP_CHOWN']))).toEqual(['CAP_CHOWN']);
  });
});

describe('the default seccomp profile', () => {
  const allowed = (capabilities: readonly string[]): Set<string> =>
    new Set(
      defaultSeccomp(capabilities, { architecture: 'x64', runs32Bit: false })
        .syscalls.filter((rule) => rule.args === undefined && rule.action === 'SCMP_ACT_ALLOW')
        .flatMap((rule) => rule.names),
    );

  test('has what programs need and not what breaks out', () => {
    const names = allowed([]);
    for (const name of ['read', 'execve', 'clock_nanosleep', 'epoll_wait', 'futex', 'openat2', 'getrandom', 'rseq', 'statx'])
      expect(names).toContain(name);
    for (const name of [
      'mount',
      'bpf',
      'kexec_load',
      'init_module',
      'keyctl',
      'add_key',
      'userfaultfd',
      'reboot',
      'io_uring_setup',
      'unshare',
      'setns',
      'swapon',
      'open_by_handle_at',
    ]) {
      expect(names).not.toContain(name);
    }
  });

  test('opens guarded calls with the capability that guards them', () => {
    expect(allowed(['CAP_SYS_ADMIN'])).toContain('mount');
    expect(allowed(['CAP_SYS_TIME'])).toContain('clock_settime');
  });

  test('makes clone3 look absent, so that libc falls back to a clone that can be filtered', () => {
    expect(defaultSeccomp([], { architecture: 'x64', runs32Bit: false }).syscalls).toContainEqual({
      names: ['clone3'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 38,
    });
  });

  test('names no call twice', () => {
    const names = defaultSeccomp([], { architecture: 'x64', runs32Bit: false }).syscalls[0]?.names ?? [];
    expect(names.filter((name, index) => names.indexOf(name) !== index || !/^_?[a-z0-9_]+$/.test(name))).toEqual([]);
  });
});

describe('users', () => {
  const accounts = {
    passwd: 'root:x:0:0::/root:/bin/sh\nbroken\nweb:x:101:102::/srv:/bin/sh\n',
    group: 'root:x:0:\nweb:x:102:\nlogs:x:103:web,other\n',
  };

  test.each([
    [{ name: 'web' }, { uid: 101, gid: 102, additionalGids: [102, 103], home: '/srv' }],
    [{ name: '101' }, { uid: 101, gid: 102, additionalGids: [102, 103], home: '/srv' }],
    [{ name: 'web:logs' }, { uid: 101, gid: 103, additionalGids: [103], home: '/srv' }],
    [{ name: '7:8' }, { uid: 7, gid: 8, additionalGids: [8], home: '/' }],
    [{ uid: 101 }, { uid: 101, gid: 102, additionalGids: [102, 103], home: '/srv' }],
    [
      { uid: 5, gid: 6, name: 'web' },
      { uid: 5, gid: 6, additionalGids: [6], home: '/' },
    ],
    [{}, { uid: 0, gid: 0, additionalGids: [0], home: '/root' }],
  ])('%j', (wanted, expected) => {
    expect(resolveUser({ supplementalGroups: [], ...wanted }, accounts, true)).toEqual(expected);
  });

  test('that the image does not know are an error by name', () => {
    expect(() => resolveUser({ name: 'ghost', supplementalGroups: [] }, accounts, true)).toThrow(
      'unable to find user ghost: no matching entries in passwd file',
    );
  });
});

describe('files of an image', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync('/tmp/berth-image-');
    mkdirSync(join(root, 'low', 'etc'), { recursive: true });
    mkdirSync(join(root, 'top', 'usr', 'etc'), { recursive: true });
    writeFileSync(join(root, 'low', 'etc', 'passwd'), 'low');
    writeFileSync(join(root, 'low', 'etc', 'group'), 'group');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const layers = (): readonly string[] => [join(root, 'top'), join(root, 'low')];

  test('come from the topmost layer that has them', () => {
    mkdirSync(join(root, 'top', 'etc'));
    writeFileSync(join(root, 'top', 'etc', 'passwd'), 'top');
    expect([readFromImage(layers(), '/etc/passwd'), readFromImage(layers(), '/etc/group'), readFromImage(layers(), '/etc/none')]).toEqual([
      'top',
      'group',
      '',
    ]);
  });

  test('tell whether 32-bit programs can run: by their loader, or by the program itself', () => {
    mkdirSync(join(root, 'low', 'bin'));
    writeFileSync(join(root, 'low', 'bin', 'new'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2]));
    writeFileSync(join(root, 'low', 'bin', 'old'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1]));
    expect([runs32Bit(layers(), '/bin/new'), runs32Bit(layers(), '/bin/old'), runs32Bit(layers(), 'app')]).toEqual([false, true, false]);
    mkdirSync(join(root, 'top', 'lib'));
    writeFileSync(join(root, 'top', 'lib', 'ld-linux.so.2'), '');
    expect(runs32Bit(layers(), '/bin/new')).toBe(true);
  });

  test('are found through links, which never lead out of the image', () => {
    mkdirSync(join(root, 'top', 'etc'));
    symlinkSync('/usr/etc/passwd', join(root, 'top', 'etc', 'passwd'));
    writeFileSync(join(root, 'top', 'usr', 'etc', 'passwd'), 'linked');
    symlinkSync('../../../../../../../../../etc/hostname', join(root, 'top', 'etc', 'out'));
    expect(readFromImage(layers(), '/etc/passwd')).toBe('linked');
    expect(findInImage(layers(), '/etc/out')).toBeUndefined();
  });
});
