import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SystemRandom } from '../../libs/adapters/system/index.js';
import { createObjectClient } from '../../libs/apiserver/index.js';
import { SimulatedNode } from '../../libs/simulation/index.js';
import { componentUser } from './parts.js';
import { startApiRig, type ApiRig } from './testing/api-rig.js';

/** Stock kubectl against real controllers and scheduler; only the hosts are simulated. */
describe('kubectl with controllers', () => {
  let rig: ApiRig;
  const nodes: SimulatedNode[] = [];

  beforeAll(async () => {
    rig = await startApiRig(['api', 'controllers', 'scheduler']);
    const { cache, clock, context } = rig.controlPlane.parts;
    const ports = {
      cache,
      clock,
      client: createObjectClient({ context }, componentUser('node')),
      random: new SystemRandom(),
      finishing: () => undefined,
    };
    for (const index of [1, 2, 3]) {
      const node = new SimulatedNode(
        { name: `node-${index}`, address: `10.88.0.1${index}`, cpu: '4', memory: '8Gi', labels: {}, startMs: [20, 60], stopMs: [10, 30] },
        ports,
      );
      nodes.push(node);
      await node.register();
    }
    await rig.kubectl(['wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=20s']);
  }, 60_000);

  afterAll(async () => {
    for (const node of nodes) node[Symbol.dispose]();
    await rig[Symbol.asyncDispose]();
  });

  const image = () => rig.kubectl(['get', 'deploy', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}']);
  const rolledOut = () => rig.kubectl(['rollout', 'status', 'deploy/web', '--timeout=20s']);

  test('rollout status, history, undo, restart, pause and resume work', async () => {
    await rig.kubectl(['create', 'deployment', 'web', '--image=app:1', '--replicas=3']);
    expect(await rolledOut()).toContain('successfully rolled out');
    const hosts = await rig.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}']);
    expect(hosts.split(' ').toSorted()).toEqual(['node-1', 'node-2', 'node-3']);
    await rig.kubectl(['set', 'image', 'deploy/web', 'app=app:2']);
    await rolledOut();
    expect(await rig.kubectl(['rollout', 'history', 'deploy/web'])).toMatch(/^1 .*\n2 /m);
    await rig.kubectl(['rollout', 'undo', 'deploy/web']);
    await rolledOut();
    expect(await image()).toBe('app:1');
    await rig.kubectl(['rollout', 'restart', 'deploy/web']);
    await rolledOut();
    await rig.kubectl(['rollout', 'pause', 'deploy/web']);
    await rig.kubectl(['set', 'image', 'deploy/web', 'app=app:3']);
    await rig.kubectl(['rollout', 'resume', 'deploy/web']);
    await rolledOut();
    await rig.kubectl(['scale', 'deploy/web', '--replicas=5']);
    await rolledOut();
    expect(await rig.kubectl(['describe', 'deploy', 'web'])).toContain('NewReplicaSetAvailable');
  }, 120_000);

  test('a pod that fits nowhere is explained by describe, and a drained node is left', async () => {
    const spec = { containers: [{ name: 'big', image: 'x', resources: { requests: { cpu: '64' } } }] };
    await rig.kubectl(['run', 'big', '--image=x', `--overrides=${JSON.stringify({ spec })}`]);
    await rig.kubectl(['wait', '--for=condition=PodScheduled=False', 'pod/big', '--timeout=20s']);
    const described = await rig.kubectl(['get', 'pod', 'big', '-o', 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}']);
    expect(described).toMatch(/^0\/3 nodes are available: 3 Insufficient cpu\. preemption: /);
    await rig.kubectl(['delete', 'pod', 'big']);
    await rig.kubectl(['drain', 'node-2', '--ignore-daemonsets', '--timeout=20s']);
    const hosts = await rig.kubectl(['get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}']);
    expect(hosts).not.toContain('node-2');
  }, 60_000);

  test('a deleted namespace is emptied and gone', async () => {
    await rig.kubectl(['create', 'namespace', 'shop']);
    await rig.kubectl(['-n', 'shop', 'create', 'deployment', 'a', '--image=x', '--replicas=2']);
    await rig.kubectl(['-n', 'shop', 'rollout', 'status', 'deploy/a', '--timeout=20s']);
    await rig.kubectl(['delete', 'namespace', 'shop', '--timeout=20s']);
    expect((await rig.kubectl.any(['get', 'namespace', 'shop'])).stderr).toContain('NotFound');
  }, 60_000);
});
