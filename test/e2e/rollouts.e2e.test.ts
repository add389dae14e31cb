/** Changes under traffic: rollouts that lose no request and keep their limits, and autoscaling. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildBusybox } from '../support/images.js';
import { startLoad } from '../support/load.js';
import { service, webDeployment } from '../support/manifests.js';
import { revisionOf, watchPods } from '../support/pod-history.js';
import { aContainer, applyObjects, sh } from '../support/pods.js';
import { eventually } from '../support/processes.js';
import { TestCluster, type KubeJson } from '../support/test-cluster.js';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'beroll', nodes: 3, slot: 2 });
  await buildBusybox(cluster);
}, 120_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
}, 60_000);

const kubectl = (...args: readonly string[]): Promise<string> => cluster.kubectl(args, { timeoutMs: 60_000 });
const settled = (name: string): Promise<string> => kubectl('rollout', 'status', `deployment/${name}`, '--timeout=50s');

interface DeploymentJson extends KubeJson {
  readonly metadata: KubeJson['metadata'] & { readonly generation: number; readonly annotations: Readonly<Record<string, string>> };
}

const deployment = (name: string): Promise<DeploymentJson> => cluster.get<DeploymentJson>('deployment', name);

describe('a rolling update under load', () => {
  beforeAll(async () => {
    await cluster.apply([webDeployment({ name: 'web', replicas: 4 }), service('web', { nodePort: 30_292 })].join('\n---\n'));
    await kubectl('patch', 'deployment', 'web', '-p', '{"spec":{"strategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":1}}}}');
    await settled('web');
  }, 60_000);

  test('fails no request through the cluster address and the node ports, and keeps maxSurge and maxUnavailable', async () => {
    const { spec } = await cluster.get('service', 'web');
    const urls = [`http://${String(spec['clusterIP'])}/`, ...[1, 2, 3].map((host) => `http://${cluster.address(host)}:30292/`)];
    using history = watchPods(cluster, 'app=web');
    using load = startLoad(cluster, { host: 1, perSecond: 80, urls });
    await eventually('the watch began', 5_000, async () => history.moments().length >= 4);
    const begin = history.moments().length;
    await kubectl('set', 'env', 'deployment/web', 'VERSION=2');
    await settled('web');
    await kubectl('rollout', 'restart', 'deployment/web');
    await settled('web');
    const outcome = await load.stop();
    expect(outcome.failures).toEqual([]);
    // How many there were depends on how fast the rollouts were; that old and new pods answered shows that load was on throughout.
    expect(outcome.requests).toBeGreaterThan(50);
    expect(Object.keys(outcome.bodies).length).toBeGreaterThanOrEqual(8);
    const moments = history.moments().slice(begin);
    expect(moments.length).toBeGreaterThan(16);
    expect(Math.max(...moments.map(({ alive }) => alive.length))).toBe(5);
    expect(Math.min(...moments.map(({ ready }) => ready.length))).toBeGreaterThanOrEqual(3);
  });

  test('history, undo, and undo to a revision', async () => {
    expect(await kubectl('rollout', 'history', 'deployment/web')).toMatch(
      /^deployment\.apps\/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n3 +<none>\n/,
    );
    expect(await kubectl('rollout', 'history', 'deployment/web', '--revision=2')).toMatch(/VERSION:\s+2/);
    expect(await kubectl('rollout', 'undo', 'deployment/web')).toBe('deployment.apps/web rolled back\n');
    await settled('web');
    expect((await deployment('web')).metadata.annotations['deployment.kubernetes.io/revision']).toBe('4');
    await kubectl('rollout', 'undo', 'deployment/web', '--to-revision=1');
    await settled('web');
    expect(await kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].env}')).toBe('');
  });

  test('a paused one waits and then does all changes at once', async () => {
    const sets = async (): Promise<number> => (await cluster.get('replicasets', '-l', 'app=web')).items.length;
    const before = await sets();
    await kubectl('rollout', 'pause', 'deployment/web');
    await kubectl('set', 'env', 'deployment/web', 'A=1');
    await kubectl('set', 'env', 'deployment/web', 'B=2');
    await eventually('the controller has seen it', 5_000, async () => {
      const { metadata, status } = await deployment('web');
      return status?.['observedGeneration'] === metadata.generation;
    });
    expect(await sets()).toBe(before);
    await kubectl('rollout', 'resume', 'deployment/web');
    await settled('web');
    expect(await sets()).toBe(before + 1);
  });

  test('one that cannot succeed keeps the old pods serving, and says so', async () => {
    await kubectl('patch', 'deployment', 'web', '-p', '{"spec":{"progressDeadlineSeconds":2}}');
    await kubectl('set', 'image', 'deployment/web', 'web=nowhere:1');
    const { stderr, code } = await cluster.kubectlAny(['rollout', 'status', 'deployment/web', '--timeout=20s']);
    expect({ stderr, code }).toEqual({ stderr: 'error: deployment "web" exceeded its progress deadline\n', code: 1 });
    expect((await deployment('web')).status?.['availableReplicas']).toBe(3);
    await kubectl('rollout', 'undo', 'deployment/web');
    await settled('web');
  });

  test('Recreate ends every old pod before it starts a new one', async () => {
    await kubectl('patch', 'deployment', 'web', '-p', '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}');
    using history = watchPods(cluster, 'app=web');
    await eventually('the watch began', 5_000, async () => history.moments().length >= 4);
    await kubectl('set', 'env', 'deployment/web', 'VERSION=3');
    await settled('web');
    const ended = (phase = ''): boolean => phase === 'Succeeded' || phase === 'Failed';
    for (const { all } of history.moments())
      expect(new Set(all.filter(({ status }) => !ended(status?.phase)).map(revisionOf)).size).toBeLessThanOrEqual(1);
    expect(new Set(history.moments().flatMap(({ all }) => all.map(revisionOf))).size).toBe(2);
    await kubectl('delete', 'deployment', 'web');
  });
});

describe('autoscaling', () => {
  const burner = 'i=0; while [ $i -lt 4000 ]; do i=$((i+1)); done; printf "Content-type: text/plain\\r\\n\\r\\ndone"';

  function calculator(name: string): object {
    const script = `mkdir -p /tmp/www/cgi-bin && echo '#!/bin/sh' > /tmp/www/cgi-bin/work && echo '${burner}' >> /tmp/www/cgi-bin/work && chmod 755 /tmp/www/cgi-bin/work && exec httpd -f -p 8080 -h /tmp/www`;
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [
              aContainer('main', {
                command: sh(script),
                ports: [{ name: 'http', containerPort: 8080 }],
                resources: { requests: { cpu: '50m' } },
                readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 1 },
              }),
            ],
          },
        },
      },
    };
  }

  test('under load only the loaded Deployment grows; without load it shrinks again', async () => {
    await applyObjects(cluster, calculator('loaded'), calculator('idle'));
    await cluster.apply(service('loaded', { nodePort: 30_293 }));
    for (const name of ['loaded', 'idle']) {
      await settled(name);
      await kubectl('autoscale', `deployment/${name}`, '--min=1', '--max=4', '--cpu=50%');
      await kubectl('patch', 'hpa', name, '-p', '{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":3}}}}');
    }
    const replicas = async (name: string): Promise<unknown> => (await deployment(name)).spec['replicas'];
    using load = startLoad(cluster, { host: 1, perSecond: 20, urls: [`http://${cluster.address(1)}:30293/cgi-bin/work`] });
    await eventually('four replicas', 20_000, async () => (await replicas('loaded')) === 4);
    await settled('loaded');
    expect(await kubectl('describe', 'hpa', 'loaded')).toMatch(
      /SuccessfulRescale .*New size: \d; reason: cpu resource utilization \(percentage of request\) above target/,
    );
    expect(await kubectl('get', 'hpa', 'loaded', '--no-headers')).toMatch(/^loaded +Deployment\/loaded +cpu: \d+%\/50% +1 +4 +4 /);
    expect((await load.stop()).failures).toEqual([]);
    await eventually('one replica again', 30_000, async () => (await replicas('loaded')) === 1);
    expect((await deployment('idle')).spec['replicas']).toBe(1);
    expect((await deployment('idle')).metadata.generation).toBe(1);
    await kubectl('delete', 'hpa,deployment,service', 'loaded', '--ignore-not-found');
    await kubectl('delete', 'hpa,deployment', 'idle');
  }, 90_000);
});

test('from 1 to 30 and to 0, quickly, and nothing stays behind', async () => {
  await cluster.apply(webDeployment({ name: 'many' }));
  await settled('many');
  await kubectl('scale', 'deployment/many', '--replicas=30');
  await settled('many');
  await kubectl('scale', 'deployment/many', '--replicas=0');
  await eventually('no pods', 30_000, async () => (await cluster.get('pods', '-l', 'app=many')).items.length === 0);
  expect(await kubectl('get', 'endpointslices', '-o', 'name')).not.toContain('many');
}, 90_000);
