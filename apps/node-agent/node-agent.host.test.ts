/** The real agent on a real host (a network namespace of this machine), under a control plane in this process. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { neverCancelled } from '../../libs/kit/index.js';
import { OneHost, processes } from './testing/one-host.js';

const SLEEPER = { name: 'main', image: 'test/busybox:1', command: ['/bin/sh', '-c', 'echo hello; exec sleep 4711'] };

jest.setTimeout(60_000);

describe('a node agent', () => {
  let host: OneHost;
  beforeAll(async () => {
    host = await OneHost.open('bt-link', '10.89.71');
    host.startAgent();
    await host.until('the node is registered', () => host.gateway?.connected().includes('n1') === true);
  });
  afterAll(() => host[Symbol.asyncDispose]());

  const state = (name: string) => host.pod(name)?.status?.containerStatuses?.[0];
  const text = async (chunks: AsyncIterable<Uint8Array>): Promise<string> => {
    let all = '';
    for await (const chunk of chunks) all += Buffer.from(chunk).toString();
    return all;
  };

  test('joins with a token, registers its node, and keeps its lease', async () => {
    const node = host.controlPlane.parts.cache.get('/registry/nodes/n1')?.object;
    expect(node).toMatchObject({
      spec: { podCIDR: '10.107.0.0/24' },
      metadata: { labels: { 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux' } },
    });
    const lease = (): string =>
      JSON.stringify(host.controlPlane.parts.cache.get('/registry/coordination.k8s.io/leases/kube-node-lease/n1')?.object['spec']);
    await host.until('a lease', () => lease() !== undefined);
    const first = lease();
    await host.until('its renewal', () => lease() !== first);
  });

  test('runs a pod, shows its log, and lets commands in', async () => {
    const startedAt = Date.now();
    await host.run('a', { containers: [SLEEPER] });
    await host.until('pod a is ready', () => host.isReady('a'));
    expect(Date.now() - startedAt).toBeLessThan(3_000);
    expect(host.pod('a')?.status).toMatchObject({ phase: 'Running', hostIP: '10.89.71.11' });
    expect(host.pod('a')?.status?.podIP).toMatch(/^10\.107\.0\./);
    const pod = host.pod('a') as never;
    const options = { container: 'main', follow: false, previous: false, timestamps: false };
    const { streams } = host.gateway!;
    expect(await text(streams.logs(pod, options, neverCancelled))).toBe('hello\n');
    const request = {
      verb: 'exec',
      pod,
      container: 'main',
      command: ['/bin/cat'],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
    } as const;
    await using session = await streams.exec(request, neverCancelled);
    await session.writeStdin(Buffer.from('through the tunnel'));
    session.closeStdin();
    let output = '';
    for await (const { data } of session.output) output += Buffer.from(data).toString();
    expect([output, await session.exit]).toEqual(['through the tunnel', { kind: 'exited', code: 0 }]);
  });

  test('a killed container runs again within two seconds', async () => {
    const [pid] = await processes('^sleep 4711');
    const startedAt = Date.now();
    process.kill(Number(pid), 'SIGKILL');
    await host.until('the restart', () => state('a')?.restartCount === 1 && host.isReady('a'));
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    expect(state('a')?.lastState?.terminated).toMatchObject({ exitCode: 137, reason: 'Error' });
  });

  test('kill -9 of the agent changes nothing for containers, and the next agent adopts them', async () => {
    const before = await processes('^sleep 4711');
    const { restartCount } = state('a') ?? {};
    await host.endAgent('SIGKILL');
    await host.until('the gateway notices', () => host.gateway?.connected().length === 0);
    expect(await processes('^sleep 4711')).toEqual(before);
    host.startAgent();
    await host.until('the agent is back', () => host.gateway?.connected().length === 1);
    await host.controlPlane.parts.clock.sleep(500);
    expect(await processes('^sleep 4711')).toEqual(before);
    expect(state('a')?.restartCount).toBe(restartCount);
    expect(host.isReady('a')).toBe(true);
  });

  test('without a control plane containers run on and are restarted, also by an agent that starts without it', async () => {
    await host.stopGateway();
    await host.endAgent('SIGKILL');
    host.startAgent();
    await host.controlPlane.parts.clock.sleep(1_000);
    const [pid] = await processes('^sleep 4711');
    process.kill(Number(pid), 'SIGKILL');
    await host.controlPlane.parts.clock.sleep(2_000);
    const [again] = await processes('^sleep 4711');
    expect(again).toBeDefined();
    expect(again).not.toBe(pid);
    await host.startGateway();
    await host.until('the newest state is told', () => host.gateway?.connected().length === 1 && state('a')?.restartCount === 2);
  });

  test('probes, exit codes and deletion', async () => {
    const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1 };
    const serve = ['/bin/sh', '-c', 'sleep 0.3; exec nc -ll -p 8080 -e /bin/cat'];
    await host.run('probed', { containers: [{ name: 'main', image: 'test/busybox:1', command: serve, readinessProbe }] });
    await host.run('fails', { restartPolicy: 'Never', containers: [{ ...SLEEPER, command: ['/bin/sh', '-c', 'exit 3'] }] });
    await host.until('the probe passes', () => host.isReady('probed'));
    await host.until('the failure', () => host.pod('fails')?.status?.phase === 'Failed');
    expect(state('fails')?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    for (const name of ['a', 'probed', 'fails']) await host.client.delete({ group: '', resource: 'pods', namespace: 'default', name });
    await host.until('all pods are gone', () => ['a', 'probed', 'fails'].every((name) => host.pod(name) === undefined));
    expect(await processes('^sleep 4711')).toEqual([]);
  });

  test('told to drain, it leaves nothing running', async () => {
    await host.run('b', { containers: [SLEEPER] });
    await host.until('pod b is ready', () => host.isReady('b'));
    await host.endAgent('SIGTERM');
    expect(await processes('^sleep 4711')).toHaveLength(1);
    host.startAgent('--drain-on-exit');
    await host.until('the agent is back', () => host.gateway?.connected().length === 1);
    await host.endAgent('SIGTERM');
    expect(await processes('^sleep 4711')).toEqual([]);
  });
});
