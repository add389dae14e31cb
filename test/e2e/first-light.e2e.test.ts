/** The mission, on real hosts: one apply spreads, is reachable, heals, and everything can be reached into. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildBusybox } from '../support/images.js';
import { service, toolPod, webDeployment } from '../support/manifests.js';
import { eventually, run } from '../support/processes.js';
import { TestCluster, type KubeJson } from '../support/test-cluster.js';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'bfl', nodes: 3, slot: 1 });
  await buildBusybox(cluster);
}, 240_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
}, 120_000);

interface PodJson extends KubeJson {
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly podIP: string;
    readonly phase: string;
    readonly containerStatuses: readonly { readonly containerID: string; readonly restartCount: number; readonly ready: boolean }[];
  };
}

async function podsOf(app: string): Promise<readonly PodJson[]> {
  const list = await cluster.get<{ items: PodJson[] }>('pods', '-l', `app=${app}`);
  return list.items;
}

describe('a Deployment of three on three hosts', () => {
  beforeAll(async () => {
    await cluster.apply(
      [
        webDeployment({ name: 'web', replicas: 3 }),
        service('web', { nodePort: 30_090 }),
        service('web', { headless: true }),
        toolPod('tool'),
      ].join('\n---\n'),
    );
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/tool', '--timeout=30s']);
  }, 120_000);

  test('spreads over the hosts', async () => {
    expect(new Set((await podsOf('web')).map((pod) => pod.spec.nodeName)).size).toBe(3);
  });

  test('is reached by cluster address, node port and name from every host', async () => {
    const { spec } = await cluster.get('service', 'web');
    const pods = new Set((await podsOf('web')).map((pod) => pod.metadata.name));
    for (const host of [1, 2, 3]) {
      for (const url of [
        `http://${String(spec['clusterIP'])}/`,
        `http://${cluster.address(host)}:30090/`,
        'http://web.default.svc.cluster.local/',
      ]) {
        const { value } = await eventually(`${url} from host ${host}`, 10_000, () =>
          cluster.inHost(host, ['curl', '-sS', '--max-time', '3', url]),
        );
        expect(pods).toContain(value.trim());
      }
    }
  });

  test('is reached by short name and headless name from a pod', async () => {
    const answer = await cluster.kubectl(['exec', 'tool', '--', 'wget', '-qO-', 'http://web/']);
    expect((await podsOf('web')).map((pod) => pod.metadata.name)).toContain(answer.trim());
    const looked = await cluster.kubectl(['exec', 'tool', '--', 'nslookup', 'web-headless.default.svc.cluster.local']);
    for (const pod of await podsOf('web')) expect(looked).toContain(pod.status.podIP);
  });

  test('a killed container runs again within two seconds', async () => {
    const [pod] = await podsOf('web');
    const before = pod!.status.containerStatuses[0]!.restartCount;
    const { pid } = await containerProcess(pod!.metadata.uid);
    process.kill(pid, 'SIGKILL');
    const { ms } = await eventually('the container runs again', 10_000, async () => {
      const now = (await podsOf('web')).find((other) => other.metadata.uid === pod!.metadata.uid);
      return now!.status.containerStatuses[0]!.restartCount > before && now!.status.containerStatuses[0]!.ready;
    });
    expect(ms).toBeLessThan(5_000);
  });
});

/** The first process of the pod's container, found by the pod's uid in its cgroup. */
async function containerProcess(uid: string): Promise<{ readonly pid: number }> {
  const found = await run(['sh', '-c', `cat $(find /sys/fs/cgroup -path '*${uid}*' -name cgroup.procs) 2>/dev/null | sort -un | head -1`]);
  return { pid: Number(found.trim()) };
}

describe('reaching into pods with stock kubectl', () => {
  test('exec passes input, output and the exit code', async () => {
    expect(await cluster.kubectl(['exec', '-i', 'tool', '--', 'cat'], { input: 'to and fro\n' })).toBe('to and fro\n');
    const failed = await cluster.kubectlAny(['exec', 'tool', '--', 'sh', '-c', 'exit 7']);
    expect(failed.code).toBe(7);
  });

  test('logs show what the container printed, and follow it', async () => {
    await cluster.apply(
      toolPod('talker').replace("[sleep, '100000']", "[sh, -c, 'for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done; sleep 10000']"),
    );
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/talker', '--timeout=30s']);
    await eventually('five lines', 10_000, async () => (await cluster.kubectl(['logs', 'talker'])).includes('line 5'));
    expect(await cluster.kubectl(['logs', 'talker', '--tail=2'])).toBe('line 4\nline 5\n');
  });

  test('cp takes a file there and back', async () => {
    await run(['sh', '-c', 'head -c 300000 /dev/urandom > /tmp/berth-cp-there']);
    await cluster.kubectl(['cp', '/tmp/berth-cp-there', 'tool:/tmp/there']);
    await cluster.kubectl(['cp', 'tool:/tmp/there', '/tmp/berth-cp-back']);
    await run(['cmp', '/tmp/berth-cp-there', '/tmp/berth-cp-back']);
    await run(['rm', '/tmp/berth-cp-there', '/tmp/berth-cp-back']);
  });

  test('port-forward carries HTTP', async () => {
    const [pod] = await podsOf('web');
    const script = `"$KUBECTL" port-forward pod/${pod!.metadata.name} 18095:8080 >/dev/null & p=$!; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.3; curl -sS --max-time 2 http://127.0.0.1:18095/ && break; done; kill $p`;
    const answer = await run(['sh', '-c', script], { env: { KUBECONFIG: cluster.kubeconfig, KUBECTL: cluster.kubectlFile } });
    expect(answer.trim()).toBe(pod!.metadata.name);
  });

  test('top shows pods and nodes', async () => {
    await eventually(
      'usage of every node',
      20_000,
      async () => (await cluster.kubectl(['top', 'nodes', '--no-headers'])).trim().split('\n').length === 3,
    );
    await eventually('usage of the pod', 20_000, async () => (await cluster.kubectl(['top', 'pod', 'tool'])).includes('tool'));
  });
});

describe('what dies', () => {
  test('kill -9 of an agent: its containers run on, and the next agent adopts them', async () => {
    const before = await podsOf('web');
    const ids = before.map((pod) => pod.status.containerStatuses[0]!.containerID);
    await cluster.killDaemon('node-2');
    await cluster.up();
    await eventually('all Ready under the new agent', 30_000, async () =>
      (await podsOf('web')).every((pod) => pod.status.containerStatuses[0]?.ready === true),
    );
    expect((await podsOf('web')).map((pod) => pod.status.containerStatuses[0]!.containerID).sort()).toEqual([...ids].sort());
  });

  test('kill -9 of the control plane stops nothing', async () => {
    const ids = (await podsOf('web')).map((pod) => pod.status.containerStatuses[0]!.containerID);
    await cluster.killDaemon('control-plane');
    expect((await cluster.inHost(1, ['curl', '-sS', '--max-time', '3', `http://${cluster.address(1)}:30090/`])).trim()).toMatch(/^web-/);
    await cluster.up();
    await eventually(
      'every host is connected again',
      20_000,
      async () => ((await cluster.kubectl(['get', 'nodes', '--no-headers'])).match(/ Ready /g) ?? []).length === 3,
    );
    expect((await podsOf('web')).map((pod) => pod.status.containerStatuses[0]!.containerID).sort()).toEqual([...ids].sort());
  });

  test('a lost host: its pods are Ready elsewhere within fifteen seconds', async () => {
    const victims = (await podsOf('web')).filter((pod) => pod.spec.nodeName === 'node-3');
    expect(victims.length).toBeGreaterThan(0);
    await cluster.killHost(3);
    await eventually('three Ready pods on the other hosts', 15_000, async () => {
      const alive = (await podsOf('web')).filter(
        (pod) => pod.spec.nodeName !== 'node-3' && pod.status.containerStatuses?.[0]?.ready === true,
      );
      return alive.length >= 3;
    });
    await cluster.up();
    await eventually('node-3 is Ready again', 30_000, async () => /node-3\s+Ready/.test(await cluster.kubectl(['get', 'nodes'])));
  });
});
