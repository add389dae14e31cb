/** `berth down` leaves nothing on the machine, whatever ran or died, and the next `berth up` goes on where it ended. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layoutOf, loadOptions, type ClusterLayout } from '../../apps/cli/cluster/layout.js';
import { leftovers } from '../../libs/adapters/local-hosts/index.js';
import { buildBusybox } from '../support/images.js';
import { service, webDeployment } from '../support/manifests.js';
import { aPod, applyObjects, inPod, sh, statusOf, untilPod, untilReady, type PodJson } from '../support/pods.js';
import { eventually, run } from '../support/processes.js';
import { TestCluster } from '../support/test-cluster.js';

const SECOND_START_MS = 15_000;
/** How long the build sleeps: a number by which its process is known. */
const BUILD_SECONDS = 30_471;

let cluster: TestCluster;
let layout: ClusterLayout;
let buildFolder: string;
let pods: readonly PodJson[];

beforeAll(async () => {
  buildFolder = mkdtempSync(join(tmpdir(), 'berth-slow-build-'));
  cluster = await TestCluster.start({ name: 'bedown', nodes: 3, slot: 2 });
  layout = layoutOf(loadOptions(cluster.dataDir)!);
  await buildBusybox(cluster);
  await makeBusy();
  pods = await podList();
}, 180_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(buildFolder, { recursive: true, force: true });
}, 60_000);

const down = (...args: readonly string[]): Promise<string> => cluster.berth(['down', '--data-dir', cluster.dataDir, ...args]);

/** Pods with volumes of all kinds, Services, one that crashes again and again, and a database-like one on a folder of its host. */
async function makeBusy(): Promise<void> {
  const mounts = ['disk', 'memory', 'settings', 'secret'].map((name) => ({ name, mountPath: `/v/${name}` }));
  await applyObjects(
    cluster,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { a: 'b' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { a: 'b' } },
    aPod(
      'volumes',
      {
        volumeMounts: [
          ...mounts,
          { name: 'settings', mountPath: '/single', subPath: 'a' },
          { name: 'disk', mountPath: '/part', subPath: 'part' },
        ],
      },
      {
        shareProcessNamespace: true,
        volumes: [
          { name: 'disk', emptyDir: {} },
          { name: 'memory', emptyDir: { medium: 'Memory' } },
          { name: 'settings', configMap: { name: 'settings' } },
          { name: 'secret', secret: { secretName: 'secret' } },
        ],
      },
    ),
    aPod('crashing', { command: sh('exit 1') }),
    aPod('deaf', { command: sh('trap "" TERM; while :; do sleep 0.2; done') }),
    aPod('on-host', {}, { hostNetwork: true, hostPID: true }),
    aPod(
      'database',
      { command: sh('date > /data/started; exec sleep 100000'), volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      { nodeName: 'node-2', volumes: [{ name: 'data', hostPath: { path: join(cluster.dataDir, 'rows'), type: 'DirectoryOrCreate' } }] },
    ),
  );
  await cluster.apply([webDeployment({ name: 'web', replicas: 6 }), service('web', { nodePort: 30_294 })].join('\n---\n'));
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=40s'], { timeoutMs: 45_000 });
  await untilReady(cluster, 'volumes', 'deaf', 'on-host', 'database');
  await inPod(cluster, 'database', 'echo kept > /data/row');
}

/** A build, an exec session and a port-forward that would go on for minutes. */
async function startSessions(): Promise<Disposable> {
  writeFileSync(join(buildFolder, 'Dockerfile'), `FROM busybox:test\nRUN sleep ${BUILD_SECONDS}\n`);
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const children = [
    spawn(join(process.cwd(), 'bin/berth'), ['build', '-t', 'slow:1', buildFolder], { env, stdio: 'ignore' }),
    spawn(cluster.kubectlFile, ['exec', 'volumes', '--', 'sleep', '300'], { env, stdio: 'ignore' }),
    spawn(cluster.kubectlFile, ['port-forward', 'deployment/web', '18292:8080'], { env, stdio: 'ignore' }),
    spawn(cluster.kubectlFile, ['logs', '-f', 'deployment/web'], { env, stdio: 'ignore' }),
  ];
  await eventually('the build runs its step', 40_000, async () =>
    (await run(['ps', 'axww', '-o', 'args'])).includes(`sleep ${BUILD_SECONDS}`),
  );
  return { [Symbol.dispose]: () => children.forEach((child) => void child.kill('SIGKILL')) };
}

/** Whatever in the machine's tables names this cluster, its folders or its addresses. */
async function traces(): Promise<readonly string[]> {
  const marks = [
    layout.name,
    layout.dataDir,
    layout.runDir,
    `${layout.subnet}.`,
    layout.clusterCidr.replace(/\.0\.0\/16$/, '.'),
    layout.serviceCidr.replace(/\.0\.0\/16$/, '.'),
  ];
  const commands = [
    'cat /proc/mounts',
    'ip -details link',
    'ip netns',
    'ip address',
    'ip route show table all',
    'ip neighbour',
    'nft list ruleset',
    'find /sys/fs/cgroup -maxdepth 4 -type d',
    'ls /etc/netns /run /run/netns',
    'ps axww -o pid,args',
    'losetup -a',
  ];
  const texts = await Promise.all(
    commands.map(async (command) =>
      (await run(['sh', '-c', `${command} 2>/dev/null || true`])).split('\n').map((line) => `${command}: ${line}`),
    ),
  );
  // jest's own command line may name this file
  return texts.flat().filter((line) => marks.some((mark) => line.split(': ').slice(1).join(': ').includes(mark)) && !line.includes('jest'));
}

async function expectNothingLeft(): Promise<void> {
  const paths = [layout.dataDir, layout.runDir];
  expect(await leftovers({ cluster: layout.name, bridge: layout.bridge, paths })).toEqual([]);
  expect(await traces()).toEqual([]);
  expect((await run(['ps', 'axww', '-o', 'args'])).includes(`sleep ${BUILD_SECONDS}`)).toBe(false);
}

const podList = async (): Promise<readonly PodJson[]> => (await cluster.get<{ items: PodJson[] }>('pods')).items;

/** All but the one that crashes run and are Ready, in containers that were started since then. */
function allReady(pods: readonly PodJson[], sinceMs: number): boolean {
  const lasting = pods.filter(({ metadata }) => metadata.name !== 'crashing');
  return lasting.every(
    (pod) => isReady(pod) && Date.parse(statusOf(pod, pod.spec?.containers[0]?.name)?.state?.running?.startedAt ?? '') >= sinceMs,
  );
}

function isReady(pod: PodJson): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

const uidsOf = (pods: readonly PodJson[]): readonly string[] => pods.map(({ metadata }) => metadata.uid).toSorted();

/** Starts the cluster again; answers how long it took until the same pods were all Ready, in ms. */
async function secondStart(before: readonly PodJson[]): Promise<number> {
  const startedAt = performance.now();
  const sinceMs = Math.floor(Date.now() / 1_000) * 1_000; // the API tells whole seconds
  await cluster.up();
  await eventually('all pods Ready', 40_000, async () => {
    const pods = await podList();
    if (allReady(pods, sinceMs)) return true;
    throw new Error(await cluster.kubectl(['get', 'pods', '-o', 'wide']));
  });
  const ms = performance.now() - startedAt;
  expect(uidsOf(await podList())).toEqual(uidsOf(before));
  return ms;
}

describe('down', () => {
  test('of a busy cluster leaves nothing; again, it is harmless', async () => {
    using sessions = await startSessions();
    void sessions;
    await down();
    await expectNothingLeft();
    await down();
    await expectNothingLeft();
    expect(existsSync(join(cluster.dataDir, 'rows/row'))).toBe(true);
  }, 120_000);

  test('then up: every pod is Ready again within fifteen seconds, and data of hosts is there', async () => {
    const ms = await secondStart(pods);
    process.stdout.write(`second start to all Ready: ${Math.round(ms)} ms\n`);
    expect(ms).toBeLessThan(SECOND_START_MS);
    expect(await inPod(cluster, 'database', 'cat /data/row')).toBe('kept');
    const pod = await untilPod(cluster, 'database', { what: 'was restarted', is: (now) => statusOf(now)?.ready === true });
    expect(statusOf(pod)?.restartCount).toBe(1);
  }, 90_000);

  test('after kill -9 of everything at once', async () => {
    using sessions = await startSessions();
    void sessions;
    const pids = readdirSync(join(layout.runDir, 'pids')).map(
      (file) => (JSON.parse(readFileSync(join(layout.runDir, 'pids', file), 'utf8')) as { pid: number }).pid,
    );
    expect(pids.length).toBe(6);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    for (const host of [1, 2]) await killContainers(`/berth/${layout.name}/node-${host}/`);
    await down();
    await expectNothingLeft();
  }, 60_000);

  test('up again, and down with --purge takes the data as well', async () => {
    await secondStart(pods);
    await down('--purge');
    await expectNothingLeft();
    expect(existsSync(cluster.dataDir)).toBe(false);
    await down();
  }, 90_000);
});

async function killContainers(cgroup: string): Promise<void> {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(cgroup)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
