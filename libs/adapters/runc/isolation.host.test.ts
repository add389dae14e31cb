import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ContainerRecord, ContainerSpec } from '../../agent/index.js';
import type { Container } from '../../api/index.js';
import { neverCancelled } from '../../kit/index.js';
import { createUsageReader } from '../cgroups/index.js';
import type { RuncRuntime } from './runc-runtime.js';
import { TestHost } from './testing/test-host.js';

let host: TestHost;
let runtime: RuncRuntime;

beforeAll(async () => {
  host = new TestHost();
  runtime = await host.open();
});

afterEach(async () => {
  for (const uid of await runtime.sandboxes()) await runtime.removeSandbox(uid);
  expect(host.leftovers()).toEqual({ mounts: [], cgroups: [], processes: [], files: [] });
});

afterAll(async () => {
  runtime[Symbol.dispose]();
  await host[Symbol.asyncDispose]();
});

async function start(spec: ContainerSpec): Promise<ContainerRecord> {
  await runtime.ensureSandbox({ pod: spec.pod, hostname: 'iso', hosts: '', resolvConf: '' });
  return runtime.run(spec);
}

async function ended(spec: ContainerSpec): Promise<ContainerRecord> {
  for await (const record of runtime.exits(neverCancelled)) if (record.id === spec.id) return record;
  throw new Error('no exit');
}

async function output(spec: ContainerSpec): Promise<string> {
  await start(spec);
  await ended(spec);
  const options = { container: spec.container.name, follow: false, previous: false, timestamps: false };
  let text = '';
  for await (const chunk of runtime.logs(spec.pod.metadata.uid, 'main', options, neverCancelled)) text += Buffer.from(chunk).toString();
  return text;
}

function shell(script: string, security: Container['securityContext'] = {}): ContainerSpec {
  return host.shell(script, { securityContext: security });
}

const CAPABILITIES = "grep -E 'CapEff|NoNewPrivs|^Seccomp:' /proc/self/status";

describe('privileges', () => {
  test("are Docker's default capabilities and a seccomp filter", async () => {
    // CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP
    expect(await output(shell(CAPABILITIES))).toBe('CapEff:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t2\n');
  });

  test('can all be dropped, and single ones added', async () => {
    const text = await output(
      shell(CAPABILITIES, { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] }, allowPrivilegeEscalation: false }),
    );
    expect(text).toBe('CapEff:\t0000000000000400\nNoNewPrivs:\t1\nSeccomp:\t2\n');
  });

  test('do not include making namespaces or mounting', async () => {
    expect(await output(shell('unshare -n true 2>&1; mount -t tmpfs x /tmp 2>&1'))).toMatch(
      /Operation not permitted\n.*(permission denied|Operation not permitted)/,
    );
  });

  test('of a privileged container are all that the host has, without a filter, and with its devices', async () => {
    const text = await output(shell(`${CAPABILITIES}; mount -t tmpfs x /tmp && echo mounted; ls /dev/kmsg`, { privileged: true }));
    expect(text).toMatch(/Seccomp:\t0\nmounted\n\/dev\/kmsg\n/);
    const own = /CapBnd:\t(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    expect(text).toContain(`CapEff:\t${own}`);
  });

  test('of an unconfined container have no filter', async () => {
    expect(await output(shell(CAPABILITIES, { seccompProfile: { type: 'Unconfined' } }))).toContain('Seccomp:\t0');
  });
});

describe('the file system', () => {
  test('hides and protects kernel interfaces', async () => {
    const text = await output(
      shell('cat /proc/timer_list | wc -c; ls /sys/firmware | wc -l; echo 1 2>&1 >/proc/sys/kernel/domainname; echo 1 2>&1 >/sys/power/x'),
    );
    expect(text).toMatch(/^0\n0\n/);
    expect(text).toContain('Read-only file system');
  });

  test('is writable, or not when the pod says so', async () => {
    expect(await output(shell('touch /new && echo ok'))).toBe('ok\n');
    expect(await output(shell('touch /new 2>&1; touch /dev/shm/x && echo shm', { readOnlyRootFilesystem: true }))).toMatch(
      /Read-only file system\nshm\n/,
    );
  });

  test('shows a subPath, and refuses one whose link leads out of the volume', async () => {
    const volume = join(host.root, 'volume');
    mkdirSync(join(volume, 'inside'), { recursive: true });
    writeFileSync(join(volume, 'inside', 'file'), 'content\n');
    symlinkSync('/etc', join(volume, 'escape'));
    const mount = { hostPath: volume, containerPath: '/v', readOnly: false, propagation: 'private' } as const;
    expect(await output({ ...shell('cat /v/file; mkdir /v/made'), mounts: [{ ...mount, subPath: 'inside' }] })).toBe('content\n');
    expect(existsSync(join(volume, 'inside', 'made'))).toBe(true);
    await expect(start({ ...shell('true'), mounts: [{ ...mount, subPath: 'escape' }] })).rejects.toThrow('outside of the volume');
    await expect(start({ ...shell('true'), mounts: [{ ...mount, subPath: '../x' }] })).rejects.toThrow('must not leave the volume');
    expect(await output({ ...shell('echo x >/v/n; ls /v'), mounts: [{ ...mount, subPath: 'fresh/deep' }] })).toBe('n\n');
  });

  test('has as many image layers as an image may have', async () => {
    const layers = Array.from({ length: 120 }, (_, index) => {
      const layer = join(host.root, 'layers', `sha256-${'0123456789abcdef'.repeat(4)}-${index}`);
      mkdirSync(layer, { recursive: true });
      writeFileSync(join(layer, `file-${index}`), '');
      return layer;
    });
    const spec = shell('ls / | grep -c file-');
    expect(await output({ ...spec, image: { ...spec.image, layers: [...layers, ...spec.image.layers] } })).toBe('120\n');
  });
});

describe('the user', () => {
  test('is found by name in the image, with its groups', async () => {
    const spec = shell('id; echo $HOME');
    expect(await output({ ...spec, user: { name: 'web', supplementalGroups: [5000] } })).toBe(
      'uid=101(web) gid=102(web) groups=102(web),103(logs),5000\n/home/web\n',
    );
  });

  test('that is unknown fails the start', async () => {
    const spec = shell('id');
    await expect(start({ ...spec, user: { name: 'ghost', supplementalGroups: [] } })).rejects.toMatchObject({
      reason: 'CreateContainerError',
      message: expect.stringContaining('ghost'),
    });
  });

  test('may be any number', async () => {
    expect(await output(shell('id -u; id -g', { runAsUser: 4711, runAsGroup: 4712 }))).toBe('4711\n4712\n');
  });
});

describe('resources', () => {
  test('CPU time is held to its limit', async () => {
    const spec = host.shell('while :; do :; done', { resources: { limits: { cpu: '200m' } } });
    await start(spec);
    const reader = createUsageReader({ tree: runtime.cgroups, running: () => runtime.running() });
    const used = async (): Promise<number> => (await reader.containers())[0]?.cpuNanos ?? 0;
    const [before, begun] = [await used(), process.hrtime.bigint()];
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const share = ((await used()) - before) / Number(process.hrtime.bigint() - begun);
    expect(share).toBeLessThan(0.3);
    expect(share).toBeGreaterThan(0.02);
  });

  test('processes are held to the limit of the pod', async () => {
    const strict = await host.open({ podPidsMax: 12 });
    const spec = host.shell('i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done');
    await strict.ensureSandbox({ pod: spec.pod, hostname: 'h', hosts: '', resolvConf: '' });
    await strict.run(spec);
    await strict.stop(spec.id, { graceMs: 10_000, signal: 'SIGCHLD' });
    const [record] = await strict.list();
    expect(record).toMatchObject({ exitCode: 2 });
    await strict.removeSandbox(spec.pod.metadata.uid);
    strict[Symbol.dispose]();
  });

  test('usage of each running container is read', async () => {
    const spec = host.shell('x=$(head -c 4000000 /dev/zero | tail -c 4000000 | wc -c); sleep 100');
    await start(spec);
    const reader = createUsageReader({ tree: runtime.cgroups, running: () => runtime.running() });
    expect(await reader.containers()).toEqual([
      { podUid: spec.pod.metadata.uid, name: 'main', cpuNanos: expect.any(Number), memoryBytes: expect.any(Number) },
    ]);
    expect((await reader.containers())[0]?.memoryBytes).toBeGreaterThan(50_000);
    expect((await reader.node()).memoryBytes).toBeGreaterThan(1_000_000);
  });
});

describe('namespaces', () => {
  test('a shared process namespace shows the processes of all containers, and goes with the pod', async () => {
    const main = { name: 'main', image: 'i' };
    const side = { name: 'side', image: 'i' };
    const pod = host.pod({ containers: [main, side], shareProcessNamespace: true });
    const sleeper = host.spec(pod, side, ['/bin/sleep', '777']);
    await start(sleeper);
    const looker = host.spec(pod, main, ['/bin/ps']);
    expect(await output(looker)).toMatch(/berth-pod-init[\s\S]*sleep 777/);
  });

  test('the network of the host is that of the agent', async () => {
    const spec = host.shell('readlink /proc/self/ns/net', {}, { hostNetwork: true });
    const { readlinkSync } = await import('node:fs');
    expect((await output(spec)).trim()).toBe(readlinkSync('/proc/self/ns/net'));
  });

  test('the processes of the host are seen where asked for', async () => {
    expect(await output(host.shell('ps | wc -l', {}, { hostPID: true }))).toMatch(/^\d{2,}\n$/);
  });

  test('sysctls are set in the pod only', async () => {
    const spec = host.shell(
      'cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/ip_unprivileged_port_start',
      {},
      {
        securityContext: {
          sysctls: [
            { name: 'net.core.somaxconn', value: '1234' },
            { name: 'net.ipv4.ip_unprivileged_port_start', value: '80' },
          ],
        },
      },
    );
    expect(await output(spec)).toBe('1234\n80\n');
  });
});

describe('last words', () => {
  test('are read from the termination message file', async () => {
    const spec = host.shell('echo because >/dev/termination-log; exit 1');
    await start(spec);
    expect(await ended(spec)).toMatchObject({ terminationMessage: 'because\n' });
  });

  test('fall back to the end of the log where asked for', async () => {
    const spec = host.shell('echo from the log; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' });
    await start(spec);
    expect(await ended(spec)).toMatchObject({ terminationMessage: 'from the log\n' });
  });
});
