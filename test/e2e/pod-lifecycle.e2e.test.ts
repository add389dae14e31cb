/** What a pod's containers go through on a real host: limits, probes, hooks, restarts and ends. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildBusybox } from '../support/images.js';
import { aContainer, aPod, applyObjects, eventsOf, inPod, podNamed, sh, statusOf, untilPod, untilReady } from '../support/pods.js';
import { eventually } from '../support/processes.js';
import { TestCluster } from '../support/test-cluster.js';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'belife', nodes: 2, slot: 2 });
  await buildBusybox(cluster);
}, 120_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
}, 60_000);

describe('limits', () => {
  beforeAll(async () => {
    await applyObjects(
      cluster,
      aPod('greedy', { command: ['tail', '/dev/zero'], resources: { limits: { memory: '32Mi' } } }),
      aPod('busy', { command: sh('while :; do :; done'), resources: { limits: { cpu: '200m' } } }),
    );
  });

  test('memory above its limit: OOMKilled with exit code 137, also as the last state after the restart', async () => {
    const pod = await untilPod(cluster, 'greedy', {
      what: 'was killed and restarted',
      is: (now) => (statusOf(now)?.restartCount ?? 0) > 0 && statusOf(now)?.lastState?.terminated !== undefined,
    });
    expect(statusOf(pod)?.lastState?.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
  });

  test('a CPU quota is kept', async () => {
    await untilReady(cluster, 'busy');
    const sample = `set -- $(cat /proc/1/stat); t=\${14}; s=\${15}; set -- $(cat /proc/uptime); echo $((t + s)) $1`;
    const read = async (): Promise<readonly number[]> => (await inPod(cluster, 'busy', sample)).split(' ').map(Number);
    const [ticksBefore = 0, secondsBefore = 0] = await read();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const [ticks = 0, seconds = 0] = await read();
    const share = (ticks - ticksBefore) / 100 / (seconds - secondsBefore);
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.3);
  });
});

describe('probes', () => {
  const fast = { periodSeconds: 1, failureThreshold: 1 };

  beforeAll(async () => {
    const server = 'mkdir -p /tmp/www && echo ok > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www';
    await applyObjects(
      cluster,
      aPod('gated', {
        startupProbe: { exec: { command: ['test', '-e', '/tmp/started'] }, periodSeconds: 1, failureThreshold: 60 },
        livenessProbe: { exec: { command: ['test', '-e', '/tmp/alive'] }, ...fast },
        readinessProbe: { exec: { command: ['true'] }, ...fast },
      }),
      aPod('served', {
        command: sh(server),
        ports: [{ name: 'http', containerPort: 8080 }],
        readinessProbe: { httpGet: { path: '/index.html', port: 'http' }, ...fast },
      }),
      aPod('listening', {
        command: sh('httpd -p 9090 -h /tmp && exec sleep 100000'),
        livenessProbe: { tcpSocket: { port: 9090 }, initialDelaySeconds: 1, ...fast },
      }),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'served' },
        spec: { selector: { app: 'served' }, ports: [{ port: 80, targetPort: 'http' }] },
      },
    );
  });

  test('startup holds the others back, then liveness restarts', async () => {
    const before = await untilPod(cluster, 'gated', { what: 'runs', is: (pod) => statusOf(pod)?.state?.running !== undefined });
    expect(statusOf(before)).toMatchObject({ started: false, ready: false, restartCount: 0 });
    await new Promise((resolve) => setTimeout(resolve, 2_000)); // liveness would have failed twice by now
    expect(statusOf(await podNamed(cluster, 'gated'))).toMatchObject({ started: false, ready: false, restartCount: 0 });
    await inPod(cluster, 'gated', 'touch /tmp/alive /tmp/started');
    await untilReady(cluster, 'gated');
    await inPod(cluster, 'gated', 'rm /tmp/alive');
    await untilPod(cluster, 'gated', { what: 'was restarted', is: (pod) => statusOf(pod)?.restartCount === 1 });
    const events = await eventsOf(cluster, 'gated');
    expect(events).toContainEqual(expect.stringMatching(/^Unhealthy: Liveness probe failed/));
    expect(events).toContainEqual('Killing: Container main failed liveness probe, will be restarted');
  });

  test('readiness takes the pod out of its Service, without a restart, and back', async () => {
    const addresses = async (): Promise<string> =>
      cluster.kubectl([
        'get',
        'endpointslices',
        '-l',
        'kubernetes.io/service-name=served',
        '-o',
        'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}',
      ]);
    await untilReady(cluster, 'served');
    const { podIP = '' } = (await podNamed(cluster, 'served')).status ?? {};
    await eventually('in the Service', 5_000, async () => (await addresses()) === podIP);
    await inPod(cluster, 'served', 'rm /tmp/www/index.html');
    await eventually('out of the Service', 10_000, async () => (await addresses()) === '');
    await inPod(cluster, 'served', 'echo ok > /tmp/www/index.html');
    await eventually('back in the Service', 10_000, async () => (await addresses()) === podIP);
    expect(statusOf(await podNamed(cluster, 'served'))?.restartCount).toBe(0);
  });

  test('a TCP port that no longer listens: restarted', async () => {
    await untilReady(cluster, 'listening');
    await inPod(cluster, 'listening', 'kill $(busybox pidof httpd)');
    await untilPod(cluster, 'listening', { what: 'was restarted', is: (pod) => statusOf(pod)?.restartCount === 1 });
  });
});

describe('init containers, sidecars and hooks', () => {
  const shared = [{ name: 'shared', emptyDir: {} }];
  const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];

  beforeAll(async () => {
    await applyObjects(
      cluster,
      aPod(
        'ordered',
        {
          command: sh('echo main >> /shared/log; sleep 100000'),
          volumeMounts,
          lifecycle: { postStart: { exec: { command: sh('echo hook > /tmp/hook') } } },
        },
        {
          volumes: shared,
          initContainers: [
            aContainer('first', { command: sh('sleep 0.5; echo first >> /shared/log'), volumeMounts }),
            aContainer('side', {
              restartPolicy: 'Always',
              command: sh('echo side >> /shared/log; sleep 0.5; touch /tmp/up; sleep 100000'),
              startupProbe: { exec: { command: ['test', '-e', '/tmp/up'] }, periodSeconds: 1, failureThreshold: 30 },
              volumeMounts,
            }),
            aContainer('last', { command: sh('echo last >> /shared/log'), volumeMounts }),
          ],
        },
      ),
      aPod(
        'task',
        { command: sh('sleep 0.5; exit 0') },
        { restartPolicy: 'Never', initContainers: [aContainer('side', { restartPolicy: 'Always' })] },
      ),
      aPod('stuck', {}, { restartPolicy: 'Never', initContainers: [aContainer('bad', { command: sh('exit 4') })] }),
      aPod('hookless', { lifecycle: { postStart: { exec: { command: sh('echo no; exit 5') } } } }),
    );
  });

  test('run in order; a sidecar has started before the next, and runs on', async () => {
    await untilReady(cluster, 'ordered');
    expect((await inPod(cluster, 'ordered', 'cat /shared/log /tmp/hook')).split('\n')).toEqual(['first', 'side', 'last', 'main', 'hook']);
    const pod = await podNamed(cluster, 'ordered');
    expect(statusOf(pod, 'first')?.state?.terminated?.reason).toBe('Completed');
    expect(statusOf(pod, 'side')?.state?.running).toBeDefined();
    expect((await cluster.kubectl(['get', 'pod', 'ordered', '--no-headers'])).replaceAll(/ +/g, ' ')).toMatch(/^ordered 2\/2 Running 0/);
  });

  test('a sidecar ends with the pod that has done its work', async () => {
    const pod = await untilPod(cluster, 'task', { what: 'succeeded', is: (now) => now.status?.phase === 'Succeeded' });
    expect(statusOf(pod, 'side')?.state?.terminated).toBeDefined();
  });

  test('a failed init container fails a pod that never restarts', async () => {
    const pod = await untilPod(cluster, 'stuck', { what: 'failed', is: (now) => now.status?.phase === 'Failed' });
    expect(statusOf(pod, 'bad')?.state?.terminated).toMatchObject({ exitCode: 4, reason: 'Error' });
    expect(statusOf(pod)?.state?.waiting?.reason).toBe('PodInitializing');
    expect(await cluster.kubectl(['get', 'pod', 'stuck', '--no-headers'])).toMatch(/Init:Error/);
  });

  test('a failed postStart hook kills its container and says so', async () => {
    await untilPod(cluster, 'hookless', { what: 'restarts', is: (pod) => (statusOf(pod)?.restartCount ?? 0) > 0 });
    expect(await eventsOf(cluster, 'hookless')).toContainEqual(expect.stringMatching(/^FailedPostStartHook: /));
  });
});

describe('how containers end', () => {
  beforeAll(async () => {
    await applyObjects(
      cluster,
      aPod('done', { command: sh('exit 0') }, { restartPolicy: 'OnFailure' }),
      aPod('failed', { command: sh('exit 3') }, { restartPolicy: 'Never' }),
      aPod('looping', { command: sh('echo going down; exit 1') }),
      aPod('late', {}, { activeDeadlineSeconds: 2, restartPolicy: 'Never' }),
      aPod('said', { command: sh('echo -n last words > /dev/termination-log; exit 2') }, { restartPolicy: 'Never' }),
      aPod(
        'logged',
        { command: sh('echo from the log; exit 2'), terminationMessagePolicy: 'FallbackToLogsOnError' },
        { restartPolicy: 'Never' },
      ),
      aPod('missing', { command: ['/no/such/program'] }, { restartPolicy: 'Never' }),
    );
  });

  test('Succeeded and Failed by exit code', async () => {
    await untilPod(cluster, 'done', { what: 'succeeded', is: (pod) => pod.status?.phase === 'Succeeded' });
    const failed = await untilPod(cluster, 'failed', { what: 'failed', is: (pod) => pod.status?.phase === 'Failed' });
    expect(statusOf(failed)?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(await cluster.kubectl(['get', 'pods', 'done', 'failed', '--no-headers'])).toMatch(
      /done +0\/1 +Completed[^]*failed +0\/1 +Error/,
    );
  });

  test('CrashLoopBackOff, with the last log and the events', async () => {
    const pod = await untilPod(cluster, 'looping', {
      what: 'backs off',
      is: (now) => statusOf(now)?.state?.waiting?.reason === 'CrashLoopBackOff',
    });
    expect(statusOf(pod)?.state?.waiting?.message).toMatch(/^back-off \S+ restarting failed container=main pod=looping_default\(/);
    expect(await cluster.kubectl(['logs', 'looping', '--previous'])).toBe('going down\n');
    expect(await eventsOf(cluster, 'looping')).toContainEqual(
      expect.stringMatching(/^BackOff: Back-off restarting failed container main in pod looping_default\(/),
    );
  });

  test('a pod past its deadline fails', async () => {
    const pod = await untilPod(cluster, 'late', { what: 'failed', is: (now) => now.status?.phase === 'Failed' });
    expect(pod.status).toMatchObject({
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
  });

  test('termination messages, from the file and from the log', async () => {
    const said = await untilPod(cluster, 'said', { what: 'failed', is: (pod) => pod.status?.phase === 'Failed' });
    expect(statusOf(said)?.state?.terminated?.message).toBe('last words');
    const logged = await untilPod(cluster, 'logged', { what: 'failed', is: (pod) => pod.status?.phase === 'Failed' });
    expect(statusOf(logged)?.state?.terminated?.message).toBe('from the log\n');
  });

  test('a program that does not exist', async () => {
    const pod = await untilPod(cluster, 'missing', { what: 'failed', is: (now) => now.status?.phase === 'Failed' });
    expect(statusOf(pod)?.state?.terminated).toMatchObject({ reason: 'StartError', exitCode: 128 });
    expect(statusOf(pod)?.state?.terminated?.message).toContain('/no/such/program');
  });
});

describe('deletion', () => {
  const marks = '/tmp/berth-belife-marks';
  const volumeMounts = [{ name: 'marks', mountPath: '/marks' }];
  const volumes = [{ name: 'marks', hostPath: { path: marks, type: 'DirectoryOrCreate' } }];

  beforeAll(async () => {
    await applyObjects(
      cluster,
      aPod(
        'polite',
        {
          command: sh('trap "echo term >> /marks/polite; exit 0" TERM; touch /tmp/ready; while :; do sleep 0.1; done'),
          lifecycle: { preStop: { exec: { command: sh('echo prestop >> /marks/polite; sleep 1') } } },
          readinessProbe: { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1 },
          volumeMounts,
        },
        { terminationGracePeriodSeconds: 20, volumes },
      ),
      aPod('deaf', { command: sh('trap "" TERM; while :; do sleep 0.1; done') }, { terminationGracePeriodSeconds: 2 }),
    );
    await untilReady(cluster, 'polite', 'deaf');
  });

  afterAll(async () => {
    await cluster.inHost(1, ['rm', '-rf', marks]);
  });

  test('preStop comes before SIGTERM, and the pod does not wait out its grace', async () => {
    const startedAt = performance.now();
    await cluster.kubectl(['delete', 'pod', 'polite']);
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    expect(await cluster.inHost(1, ['cat', `${marks}/polite`])).toBe('prestop\nterm\n');
  });

  test('what ignores SIGTERM is killed after the grace', async () => {
    const startedAt = performance.now();
    await cluster.kubectl(['delete', 'pod', 'deaf']);
    expect(performance.now() - startedAt).toBeGreaterThan(1_900);
    expect(performance.now() - startedAt).toBeLessThan(6_000);
  });
});
