import { describe, expect, test } from '@jest/globals';
import { ContainerStartError, ImagePullError } from '../ports.js';
import { aPod, PodLab } from '../testing/pod-lab.js';

const deleted = { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 };

describe('a pod that runs', () => {
  test('goes from nothing to Ready and says each step as Kubernetes does', async () => {
    const lab = new PodLab();
    await lab.start(aPod({}));
    expect(lab.status).toMatchObject({
      phase: 'Running',
      podIP: '10.244.0.2',
      hostIP: '10.88.0.11',
      startTime: '2026-01-01T00:00:00Z',
      qosClass: 'BestEffort',
    });
    expect(lab.condition('Ready')).toBe('True');
    expect(lab.status.conditions?.map(({ type }) => type)).toEqual([
      'PodReadyToStartContainers',
      'Initialized',
      'Ready',
      'ContainersReady',
      'PodScheduled',
    ]);
    expect(lab.events).toEqual([
      'Normal Pulled Container image "app:1" already present on machine and can be accessed by the pod',
      'Normal Created Container created',
      'Normal Started Container started',
    ]);
    expect(lab.history[0]).toMatchObject({ phase: 'Pending' });
    expect(lab.status.containerStatuses?.[0]).toMatchObject({
      restartCount: 0,
      started: true,
      ready: true,
      containerID: 'runc://uid-web_app_0',
    });
  });

  test('knows itself: command line, environment, host files', async () => {
    const lab = new PodLab();
    lab.assign('config-map', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'default', name: 'conf' },
      data: { A: 'from map' },
    } as never);
    lab.assign('secret', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'default', name: 'sec' },
      data: { key: 'c2VjcmV0' },
    } as never);
    const service = {
      metadata: { namespace: 'default', name: 'my-db' },
      spec: { clusterIP: '10.96.0.7', ports: [{ name: 'sql', port: 5432 }] },
    };
    lab.assign('service', { apiVersion: 'v1', kind: 'Service', ...service } as never);
    await lab.start(
      aPod({
        containers: [
          {
            name: 'app',
            image: 'app:1',
            args: ['--at=$(WHERE)', '$$(WHERE)', '$(NOWHERE)'],
            resources: { limits: { cpu: '500m' } },
            envFrom: [{ prefix: 'M_', configMapRef: { name: 'conf' } }],
            env: [
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              { name: 'WHERE', value: '$(IP):80 $(MY_DB_SERVICE_HOST)' },
              { name: 'PASS', valueFrom: { secretKeyRef: { name: 'sec', key: 'key' } } },
              { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
              { name: 'NONE', valueFrom: { configMapKeyRef: { name: 'other', key: 'x', optional: true } } },
            ],
          },
        ],
      }),
    );
    const spec = lab.runtime.specs[0];
    const env = Object.fromEntries((spec?.env ?? []).map(({ name, value }) => [name, value]));
    expect(env).toMatchObject({
      IP: '10.244.0.2',
      M_A: 'from map',
      PASS: 'secret',
      CPU: '500',
      MY_DB_SERVICE_PORT_SQL: '5432',
      FROM_IMAGE: '1',
      HOSTNAME: 'web',
    });
    expect(env).toMatchObject({ MY_DB_PORT_5432_TCP_ADDR: '10.96.0.7', WHERE: '10.244.0.2:80 10.96.0.7' });
    expect(env['NONE']).toBeUndefined();
    expect(spec?.args).toEqual(['/entry', '--at=10.244.0.2:80 10.96.0.7', '$(WHERE)', '$(NOWHERE)']);
    expect(spec?.workingDir).toBe('/srv');
    const sandbox = lab.runtime.sandboxSpecs.get('uid-web');
    expect(sandbox?.resolvConf).toBe(
      'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
    );
    expect(sandbox?.hosts).toContain('10.244.0.2\tweb\n');
  });

  test('is restarted at once after its first exit, then ever later', async () => {
    const lab = new PodLab();
    await lab.start(aPod({}));
    lab.runtime.exit('app', 1, { oomKilled: true });
    await lab.clock.advance(10);
    expect(lab.runtime.running()).toEqual(['app/1']);
    expect(lab.status.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { reason: 'OOMKilled', exitCode: 1 } },
    });
    lab.runtime.exit('app', 1);
    await lab.clock.advance(10);
    expect(lab.container()).toBe('waiting CrashLoopBackOff');
    expect(lab.status.containerStatuses?.[0]?.state?.waiting?.message).toBe(
      'back-off 10s restarting failed container=app pod=web_default(uid-web)',
    );
    expect(lab.events.at(-1)).toBe('Warning BackOff Back-off restarting failed container app in pod web_default(uid-web)');
    expect(lab.status.phase).toBe('Running');
    await lab.clock.advance(9_000);
    expect(lab.runtime.running()).toEqual([]);
    await lab.clock.advance(1_100);
    expect(lab.runtime.running()).toEqual(['app/2']);
    lab.runtime.exit('app', 1);
    await lab.clock.advance(19_000);
    expect(lab.runtime.running()).toEqual([]);
    await lab.clock.advance(1_100);
    expect(lab.runtime.running()).toEqual(['app/3']);
    expect(lab.runtime.records.size).toBe(2);
  });

  test('ends as Succeeded or Failed when it is not to be restarted', async () => {
    for (const [code, phase] of [
      [0, 'Succeeded'],
      [3, 'Failed'],
    ] as const) {
      const lab = new PodLab();
      await lab.start(aPod({ restartPolicy: 'Never' }));
      lab.runtime.exit('app', code, { message: 'bye' });
      await lab.clock.advance(10);
      expect(lab.status.phase).toBe(phase);
      expect(lab.status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: code, message: 'bye' });
      expect(lab.condition('Ready')).toBe(phase === 'Succeeded' ? 'False PodCompleted' : 'False PodFailed');
      expect(await lab.network.attached()).toEqual([]);
    }
  });

  test('past its deadline it fails', async () => {
    const lab = new PodLab();
    await lab.start(aPod({ activeDeadlineSeconds: 5 }));
    await lab.clock.advance(6_000);
    expect(lab.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(lab.runtime.running()).toEqual([]);
  });
});

describe('a pod that cannot start', () => {
  test('waits for its image with growing patience', async () => {
    const lab = new PodLab();
    lab.images.missing.add('app:1');
    lab.images.failing.set('app:1', new ImagePullError('ErrImagePull', 'no such image'));
    await lab.start(aPod({}));
    expect(lab.container()).toBe('waiting ErrImagePull');
    expect(lab.events).toEqual([
      'Normal Pulling Pulling image "app:1"',
      'Warning Failed Failed to pull image "app:1": no such image',
      'Warning Failed Error: ErrImagePull',
    ]);
    await lab.clock.advance(1_500);
    expect(lab.container()).toBe('waiting ImagePullBackOff');
    expect(lab.events).toContain('Normal BackOff Back-off pulling image "app:1"');
    lab.images.failing.clear();
    await lab.clock.advance(9_000);
    expect(lab.container()).toBe('running');
    expect(lab.events.find((event) => event.includes('Successfully'))).toBe(
      'Normal Pulled Successfully pulled image "app:1" in 0ms (0ms including waiting). Image size: 1234 bytes.',
    );
  });

  test('says which ConfigMap is missing, and starts as soon as it is there', async () => {
    const lab = new PodLab();
    await lab.start(aPod({ containers: [{ name: 'app', image: 'app:1', envFrom: [{ configMapRef: { name: 'conf' } }] }] }));
    expect(lab.container()).toBe('waiting CreateContainerConfigError');
    expect(lab.events.at(-1)).toBe('Warning Failed Error: configmap "conf" not found');
    lab.assign('config-map', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name: 'conf' } });
    await lab.clock.advance(10);
    expect(lab.container()).toBe('running');
  });

  test('that must not be root and would be, is refused', async () => {
    const lab = new PodLab();
    await lab.start(aPod({ securityContext: { runAsNonRoot: true } }));
    expect(lab.container()).toBe('waiting CreateContainerConfigError');
    expect(lab.status.containerStatuses?.[0]?.state?.waiting?.message).toBe(
      'container has runAsNonRoot and image will run as root (pod: "web_default(uid-web)", container: app)',
    );
  });

  test('a command that does not exist counts as an attempt', async () => {
    const lab = new PodLab();
    lab.runtime.startErrors.set('app', new ContainerStartError('RunContainerError', 'exec: "nope": not found'));
    await lab.start(aPod({}));
    await lab.clock.advance(100);
    expect(lab.container()).toBe('waiting CrashLoopBackOff');
    expect(lab.status.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { reason: 'StartError', exitCode: 128 } },
    });
  });

  test('waits for its volumes', async () => {
    const lab = new PodLab();
    lab.volumes.error = 'MountVolume.SetUp failed for volume "v" : configmap "c" not found';
    await lab.start(aPod({}));
    expect(lab.container()).toBe('waiting ContainerCreating');
    expect(lab.events).toEqual([`Warning FailedMount ${lab.volumes.error}`]);
    lab.volumes.error = undefined;
    await lab.clock.advance(2_100);
    expect(lab.container()).toBe('running');
  });
});

describe('init containers', () => {
  const init = {
    initContainers: [
      { name: 'one', image: 'i' },
      { name: 'side', image: 'i', restartPolicy: 'Always' },
      { name: 'two', image: 'i' },
    ],
  };

  test('run in order, sidecars stay, and the pod begins after the last', async () => {
    const lab = new PodLab();
    await lab.start(aPod(init));
    expect(lab.runtime.running()).toEqual(['one/0']);
    expect(lab.status.phase).toBe('Pending');
    expect(lab.condition('Initialized')).toBe('False ContainersNotInitialized');
    expect(lab.container('app')).toBe('waiting PodInitializing');
    lab.runtime.exit('one', 0);
    await lab.clock.advance(10);
    expect(lab.runtime.running()).toEqual(['side/0', 'two/0']);
    lab.runtime.exit('two', 0);
    await lab.clock.advance(10);
    expect(lab.runtime.running()).toEqual(['side/0', 'app/0']);
    expect(lab.condition('Ready')).toBe('True');
  });

  test('a failed one is tried again, or fails a pod that is never restarted', async () => {
    const lab = new PodLab();
    await lab.start(aPod(init));
    lab.runtime.exit('one', 1);
    await lab.clock.advance(10);
    expect(lab.runtime.running()).toEqual(['one/1']);
    const never = new PodLab();
    await never.start(aPod({ ...init, restartPolicy: 'Never' }));
    never.runtime.exit('one', 1);
    await never.clock.advance(10);
    expect(never.status.phase).toBe('Failed');
  });

  test('run again when the host has lost the sandbox, before anything else does', async () => {
    const lab = new PodLab();
    const pod = aPod({ initContainers: [{ name: 'one', image: 'i' }] });
    await lab.start(pod);
    lab.runtime.exit('one', 0);
    await lab.clock.advance(10);
    lab.worker?.[Symbol.dispose]();
    lab.runtime.exit('app', 255);
    lab.runtime.sandboxSpecs.clear();
    await lab.start(pod);
    await lab.clock.advance(10);
    expect(lab.runtime.running()).toEqual(['one/1']);
    lab.runtime.exit('one', 0);
    await lab.clock.advance(10_100);
    expect(lab.runtime.running()).toEqual(['app/1']);
  });

  test('sidecars end with the pod', async () => {
    const lab = new PodLab();
    await lab.start(aPod({ ...init, initContainers: init.initContainers.slice(1, 2), restartPolicy: 'Never' }));
    await lab.clock.advance(10);
    expect(lab.runtime.running()).toEqual(['side/0', 'app/0']);
    lab.runtime.exit('app', 0);
    await lab.clock.advance(10);
    expect(lab.runtime.running()).toEqual([]);
    expect(lab.status.phase).toBe('Succeeded');
  });
});

describe('a pod that outgrows its emptyDir', () => {
  test('is evicted', async () => {
    const lab = new PodLab();
    await lab.start(aPod({ volumes: [{ name: 'd', emptyDir: { sizeLimit: '10Mi' } }] }));
    await lab.clock.advance(15_000);
    expect(lab.status.phase).toBe('Running');
    lab.volumes.used = 11 * 1024 ** 2;
    await lab.clock.advance(12_000);
    expect(lab.status).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Usage of EmptyDir volume "d" exceeds the limit "10Mi". ',
    });
    expect(lab.runtime.running()).toEqual([]);
  });
});

describe('a resize', () => {
  const sized = (cpu: string, extra: object = {}) =>
    aPod({ containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu }, limits: { cpu } }, ...extra }] });
  const shown = (lab: PodLab) => lab.status.containerStatuses?.[0]?.resources?.limits?.['cpu'];

  test('changes the limits of the running container, and shows them once they are in effect', async () => {
    const lab = new PodLab();
    await lab.start(sized('100m'));
    lab.runtime.resizeErrors.set('app', 'device or resource busy');
    lab.worker?.update(sized('200m'));
    await lab.clock.advance(10);
    expect(shown(lab)).toBe('100m');
    expect(lab.condition('PodResizeInProgress')).toBe('True Error');
    lab.runtime.resizeErrors.clear();
    await lab.clock.advance(10_000);
    expect(lab.runtime.resizes).toEqual([{ id: 'uid-web_app_0', resources: { requests: { cpu: '200m' }, limits: { cpu: '200m' } } }]);
    expect(shown(lab)).toBe('200m');
    expect(lab.status.conditions?.some(({ type }) => type === 'PodResizeInProgress')).toBe(false);
    expect(lab.runtime.running()).toEqual(['app/0']);
  });

  test('restarts the container where its policy says so', async () => {
    const lab = new PodLab();
    const resizePolicy = [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }];
    await lab.start(sized('100m', { resizePolicy }));
    lab.worker?.update(sized('200m', { resizePolicy }));
    await lab.clock.advance(10);
    expect(lab.runtime.running()).toEqual(['app/1']);
    expect(shown(lab)).toBe('200m');
  });

  test('is infeasible where the node is too small', async () => {
    const lab = new PodLab();
    await lab.start(sized('100m'));
    lab.worker?.update(sized('3'));
    await lab.clock.advance(20_000);
    expect(lab.condition('PodResizePending')).toBe('True Infeasible');
    expect(lab.runtime.resizes).toEqual([]);
  });
});

describe('probes and hooks', () => {
  test('a container whose postStart hook fails is ended before anything else is started', async () => {
    const lab = new PodLab();
    lab.runtime.execResults.set('app', { code: 1, output: '' });
    await lab.start(aPod({ containers: [{ name: 'app', image: 'app:1', lifecycle: { postStart: { exec: { command: ['no'] } } } }] }));
    await lab.clock.advance(2_100);
    expect(lab.events).toContain('Warning FailedPostStartHook PostStartHook failed');
    const attempts = lab.runtime.specs.map(({ attempt }) => attempt);
    expect(attempts).toEqual([...new Set(attempts)]);
  });

  const http = { httpGet: { path: '/', port: 80 } };

  test('readiness is asked at once and again soon while it was never ready', async () => {
    const lab = new PodLab();
    lab.prober.outcome = { ok: false, output: 'HTTP probe failed with statuscode: 503' };
    await lab.start(aPod({ containers: [{ name: 'app', image: 'app:1', readinessProbe: { ...http, periodSeconds: 10 } }] }));
    expect(lab.condition('Ready')).toBe('False ContainersNotReady');
    expect(lab.events.filter((event) => event.includes('Unhealthy'))).toEqual([]);
    lab.prober.outcome = { ok: true };
    await lab.clock.advance(150);
    expect(lab.condition('Ready')).toBe('True');
    lab.prober.outcome = { ok: false, output: 'down' };
    await lab.clock.advance(20_000);
    expect(lab.condition('Ready')).toBe('True');
    await lab.clock.advance(10_100);
    expect(lab.condition('Ready')).toBe('False ContainersNotReady');
    expect(lab.events.filter((event) => event === 'Warning Unhealthy Readiness probe failed: down')).toHaveLength(3);
  });

  test('a container that fails its liveness probe is ended and started again', async () => {
    const lab = new PodLab();
    lab.runtime.execResults.set('app', { code: 1, output: 'dead' });
    const livenessProbe = { exec: { command: ['check'] }, periodSeconds: 1, failureThreshold: 2 };
    await lab.start(aPod({ containers: [{ name: 'app', image: 'app:1', livenessProbe }] }));
    expect(lab.runtime.running()).toEqual(['app/0']);
    await lab.clock.advance(2_050);
    expect(lab.runtime.running()).toEqual(['app/1']);
    expect(lab.events).toContain('Normal Killing Container app failed liveness probe, will be restarted');
    expect(lab.events).toContain('Warning Unhealthy Liveness probe failed: dead');
  });

  test('until the startup probe passes nothing else is asked', async () => {
    const lab = new PodLab();
    lab.prober.outcome = { ok: false, output: 'starting' };
    const probe = { ...http, periodSeconds: 1, failureThreshold: 30 };
    await lab.start(
      aPod({ containers: [{ name: 'app', image: 'app:1', startupProbe: probe, livenessProbe: { ...http, failureThreshold: 1 } }] }),
    );
    await lab.clock.advance(20_000);
    expect(lab.runtime.running()).toEqual(['app/0']);
    expect(lab.status.containerStatuses?.[0]?.started).toBe(false);
    lab.prober.outcome = { ok: true };
    await lab.clock.advance(1_000);
    expect(lab.status.containerStatuses?.[0]).toMatchObject({ started: true, ready: true });
  });

  test('hooks run after the start and before the end', async () => {
    const lab = new PodLab();
    const lifecycle = { postStart: { exec: { command: ['hello'] } }, preStop: { exec: { command: ['bye'] } } };
    const pod = aPod({ containers: [{ name: 'app', image: 'app:1', lifecycle }] });
    await lab.start(pod);
    lab.worker?.update({ ...pod, metadata: { ...pod.metadata, ...deleted } });
    await lab.clock.advance(10);
    expect(lab.runtime.executed).toEqual(['app: hello', 'app: bye']);
    expect(lab.runtime.stops).toEqual([{ id: 'uid-web_app_0', graceMs: 30_000 }]);
  });
});

describe('the end of a pod', () => {
  test('deletion ends containers, releases everything, and says so', async () => {
    const lab = new PodLab();
    const pod = aPod({});
    await lab.start(pod);
    lab.worker?.update({ ...pod, metadata: { ...pod.metadata, ...deleted } });
    await lab.clock.advance(10);
    expect(lab.events.at(-1)).toBe('Normal Killing Stopping container app');
    expect(lab.status.phase).toBe('Failed');
    expect(lab.isReleased).toBe(true);
    expect([lab.runtime.records.size, (await lab.network.attached()).length, lab.volumes.removed]).toEqual([0, 0, ['uid-web']]);
    lab.worker?.unassign();
    await lab.clock.advance(1);
    expect(lab.isGone).toBe(true);
  });

  test('a stubborn container gets its whole grace period, unless the user loses patience', async () => {
    const lab = new PodLab();
    lab.runtime.stubborn.add('app');
    const pod = aPod({});
    await lab.start(pod);
    lab.worker?.update({ ...pod, metadata: { ...pod.metadata, ...deleted } });
    await lab.clock.advance(10_000);
    expect(lab.isReleased).toBe(false);
    lab.worker?.update({ ...pod, metadata: { ...pod.metadata, ...deleted, deletionGracePeriodSeconds: 1 } });
    await lab.clock.advance(1_100);
    expect(lab.isReleased).toBe(true);
    expect(lab.status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 137, reason: 'Error' });
  });

  test('a pod deleted before it began leaves nothing', async () => {
    const lab = new PodLab();
    await lab.start(aPod({}, deleted));
    expect(lab.runtime.specs).toEqual([]);
    expect(lab.isReleased).toBe(true);
  });
});

describe('an agent that was restarted', () => {
  test('goes on with running containers and neither restarts nor reports them unready', async () => {
    const lab = new PodLab();
    const probes = { readinessProbe: { httpGet: { port: 80 }, initialDelaySeconds: 5 } };
    const pod = aPod({ containers: [{ name: 'app', image: 'app:1', ...probes }] });
    await lab.start(pod);
    await lab.clock.advance(5_100);
    expect(lab.condition('Ready')).toBe('True');
    lab.worker?.[Symbol.dispose]();
    const { status } = lab;
    lab.history.length = 0;
    await lab.start({ ...pod, status });
    await lab.clock.advance(1_000);
    expect(lab.runtime.specs).toHaveLength(1);
    expect(lab.history.every(({ conditions }) => conditions?.find(({ type }) => type === 'Ready')?.status === 'True')).toBe(true);
    expect(lab.status.podIP).toBe(status.podIP);
  });

  test('learns of exits while it was away and restarts what is to be restarted', async () => {
    const lab = new PodLab();
    const pod = aPod({});
    await lab.start(pod);
    lab.worker?.[Symbol.dispose]();
    lab.runtime.exit('app', 1);
    await lab.start({ ...pod, status: lab.status });
    await lab.clock.advance(10);
    expect(lab.runtime.running()).toEqual(['app/1']);
  });

  test('leaves a finished pod finished', async () => {
    const lab = new PodLab();
    const pod = aPod({ restartPolicy: 'Never' });
    await lab.start({ ...pod, status: { phase: 'Succeeded' } });
    expect(lab.runtime.specs).toEqual([]);
    expect(lab.status).toEqual({ phase: 'Succeeded' });
  });
});

describe('a pod that changes while it runs', () => {
  test('runs an ephemeral container beside the others, once, with the processes of its target; it counts for nothing', async () => {
    const lab = new PodLab();
    const pod = aPod({});
    await lab.start(pod);
    const helper = { name: 'helper', image: 'tools:1', targetContainerName: 'app' };
    lab.worker?.update({ ...pod, spec: { ...pod.spec, containers: pod.spec?.containers ?? [], ephemeralContainers: [helper] } });
    await lab.clock.advance(100);
    expect(lab.runtime.running()).toEqual(['app/0', 'helper/0']);
    expect(lab.runtime.specs.at(-1)?.target).toBe('uid-web_app_0');
    expect(lab.status.ephemeralContainerStatuses?.[0]).toMatchObject({ name: 'helper', ready: false, state: { running: {} } });
    lab.runtime.exit('helper', 3);
    await lab.clock.advance(60_000);
    expect(lab.runtime.running()).toEqual(['app/0']);
    expect(lab.status.ephemeralContainerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3 });
    expect(lab.status.phase).toBe('Running');
    expect(lab.condition('Ready')).toBe('True');
  });

  test('shows new labels and annotations in its volumes at once', async () => {
    const lab = new PodLab();
    const pod = aPod({});
    await lab.start(pod);
    lab.worker?.update({ ...pod, status: lab.status });
    await lab.clock.advance(10);
    expect(lab.volumes.prepared).toHaveLength(1);
    lab.worker?.update({ ...pod, metadata: { ...pod.metadata, labels: { new: 'yes' } } });
    await lab.clock.advance(10);
    expect(lab.volumes.prepared).toHaveLength(2);
  });
});
