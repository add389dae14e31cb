import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ContainerRecord, ContainerSpec } from '../../agent/index.js';
import { neverCancelled } from '../../kit/index.js';
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
});

afterAll(async () => {
  runtime[Symbol.dispose]();
  await host[Symbol.asyncDispose]();
});

async function start(spec: ContainerSpec): Promise<ContainerRecord> {
  await runtime.ensureSandbox({
    pod: spec.pod,
    hostname: 'test-host',
    hosts: '127.0.0.1 localhost\n',
    resolvConf: 'nameserver 10.96.0.10\n',
  });
  return runtime.run(spec);
}

async function exitOf(id: string): Promise<ContainerRecord> {
  for await (const record of runtime.exits(neverCancelled)) if (record.id === id) return record;
  throw new Error('no exit');
}

async function output(spec: ContainerSpec): Promise<string> {
  await start(spec);
  await exitOf(spec.id);
  return logs(spec);
}

async function logs(spec: ContainerSpec): Promise<string> {
  const options = { container: spec.container.name, follow: false, previous: false, timestamps: false };
  let text = '';
  for await (const chunk of runtime.logs(spec.pod.metadata.uid, spec.container.name, options, neverCancelled))
    text += Buffer.from(chunk).toString();
  return text;
}

/** Waits until the container has printed `text`. */
async function said(spec: ContainerSpec, text: string): Promise<void> {
  const options = { container: spec.container.name, follow: true, previous: false, timestamps: false };
  let seen = '';
  for await (const chunk of runtime.logs(spec.pod.metadata.uid, spec.container.name, options, neverCancelled)) {
    seen += Buffer.from(chunk).toString();
    if (seen.includes(text)) return;
  }
  throw new Error(`the container ended without saying ${text}: ${seen}`);
}

describe('a container', () => {
  test('runs, says something, and its exit code is reported', async () => {
    const spec = host.shell('echo hello; echo oops >&2; exit 3');
    expect(await start(spec)).toMatchObject({ id: spec.id, name: 'main', attempt: 0 });
    expect(await exitOf(spec.id)).toMatchObject({ state: 'exited', exitCode: 3, oomKilled: false });
    expect(await logs(spec)).toBe('hello\noops\n');
  });

  test('sees the host name, the hosts file and the loopback of its pod', async () => {
    const text = await output(host.shell('hostname; cat /etc/hosts /etc/resolv.conf /etc/hostname; ip -o link show lo | grep -c UP'));
    expect(text).toBe('test-host\n127.0.0.1 localhost\nnameserver 10.96.0.10\ntest-host\n1\n');
  });

  test('that takes more memory than its limit is reported as OOMKilled', async () => {
    const spec = host.shell('x=$(head -c 100000000 /dev/zero | tail -c 90000000)', { resources: { limits: { memory: '16Mi' } } });
    await start(spec);
    expect(await exitOf(spec.id)).toMatchObject({ oomKilled: true });
  });

  test('whose program is missing fails with the words of the runtime and leaves nothing', async () => {
    const spec = { ...host.shell(''), args: ['/bin/nothing'] };
    await expect(start(spec)).rejects.toMatchObject({
      reason: 'RunContainerError',
      message: expect.stringContaining('no such file or directory'),
    });
    await runtime.removeSandbox(spec.pod.metadata.uid);
    expect(host.leftovers()).toEqual({ mounts: [], cgroups: [], processes: [], files: [] });
  });
});

describe('stopping', () => {
  test('a program that handles SIGTERM ends by itself within its grace period', async () => {
    const spec = host.shell('trap "exit 5" TERM; echo up; while :; do sleep 0.05; done');
    await start(spec);
    await said(spec, 'up');
    await runtime.stop(spec.id, { graceMs: 10_000 });
    expect(await exitOf(spec.id)).toMatchObject({ exitCode: 5 });
  });

  test('a program that ignores SIGTERM is killed after it', async () => {
    const spec = host.shell('trap "" TERM; while :; do sleep 0.05; done');
    await start(spec);
    const begun = Date.now();
    await runtime.stop(spec.id, { graceMs: 300 });
    expect(Date.now() - begun).toBeGreaterThanOrEqual(290);
    expect(await exitOf(spec.id)).toMatchObject({ exitCode: 137 });
  });
});

describe('an agent that restarts', () => {
  test('finds its running containers and still sees them end', async () => {
    const spec = host.shell('sleep 0.6; exit 4');
    await start(spec);
    runtime[Symbol.dispose]();
    runtime = await host.open();
    expect(await runtime.list()).toMatchObject([{ id: spec.id, state: 'running' }]);
    expect(await exitOf(spec.id)).toMatchObject({ exitCode: 4 });
  });

  test('learns of exits that happened while it was away', async () => {
    const spec = host.shell('exit 6');
    runtime[Symbol.dispose]();
    const before = await host.open();
    await before.ensureSandbox({ pod: spec.pod, hostname: 'h', hosts: '', resolvConf: '' });
    const record = await before.run(spec);
    before[Symbol.dispose]();
    expect(record.id).toBe(spec.id);
    runtime = await host.open();
    expect(await exitOf(spec.id)).toMatchObject({ exitCode: 6 });
  });
});

describe('removing a pod', () => {
  test('leaves no mount, cgroup, process or file, and may be repeated', async () => {
    const spec = host.shell('sleep 100 & sleep 100');
    await start(spec);
    await runtime.removeSandbox(spec.pod.metadata.uid);
    await runtime.removeSandbox(spec.pod.metadata.uid);
    expect(host.leftovers()).toEqual({ mounts: [], cgroups: [], processes: [], files: [] });
  });
});
