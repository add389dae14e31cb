/** Operations outlive whoever started or runs them: drains, builds, and the queue itself may die in the middle. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBusybox } from '../support/images.js';
import { webDeployment } from '../support/manifests.js';
import { watchPods } from '../support/pod-history.js';
import { applyObjects } from '../support/pods.js';
import { eventually, run } from '../support/processes.js';
import { TestCluster, repositoryRoot } from '../support/test-cluster.js';

let cluster: TestCluster;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-operations-test-'));
  cluster = await TestCluster.start({ name: 'beops', nodes: 2, slot: 3 });
  await buildBusybox(cluster);
  await cluster.apply(webDeployment({ name: 'web', replicas: 4 }).replace('periodSeconds: 1', 'periodSeconds: 1, initialDelaySeconds: 1'));
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=40s'], { timeoutMs: 45_000 });
}, 150_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

interface OperationJson {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly type: string };
  readonly status?: {
    readonly phase?: string;
    readonly progress?: number;
    readonly message?: string;
    readonly log?: readonly string[];
    readonly attempts?: number;
  };
}

async function newestOperation(type: string): Promise<OperationJson | undefined> {
  const list = await cluster.get<{ items: OperationJson[] }>('operations', '--sort-by=.metadata.creationTimestamp');
  return list.items.findLast(({ spec }) => spec.type === type);
}

async function untilPhase(name: string, phase: string, timeoutMs = 30_000): Promise<OperationJson> {
  const { value } = await eventually(`${name} is ${phase}`, timeoutMs, async () => {
    const operation = await cluster.get<OperationJson>('operation', name);
    if (operation.status?.phase !== phase) throw new Error(JSON.stringify(operation.status));
    return operation;
  });
  return value;
}

/** A berth verb in the background; the process can be signalled. */
function inBackground(...args: readonly string[]): {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
} {
  const child = spawn(process.execPath, [join(repositoryRoot, 'dist/apps/cli/main.js'), ...args], {
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
  });
  let output = '';
  const collect = (data: Buffer): void => void (output += data.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) };
}

async function podsOn(node: string): Promise<number> {
  return (await cluster.get('pods', '-l', 'app=web', '--field-selector', `spec.nodeName=${node}`)).items.length;
}

const budget = (minAvailable: number): object => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'web' },
  spec: { minAvailable, selector: { matchLabels: { app: 'web' } } },
});

describe('a drain', () => {
  beforeEach(async () => {
    await cluster.kubectl(['uncordon', 'node-1', 'node-2']);
    await cluster.kubectl(['rollout', 'restart', 'deployment/web']);
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=40s'], { timeoutMs: 45_000 });
  }, 60_000);

  test('keeps the disruption budget and shows what it does', async () => {
    await applyObjects(cluster, budget(3));
    using history = watchPods(cluster, 'app=web');
    await eventually('the watch began', 5_000, async () => history.moments().length >= 4);
    const begin = history.moments().length;
    const { stdout, stderr } = await cluster.berthAny(['drain', 'node-2', '--ignore-daemonsets', '--delete-emptydir-data', '--force'], {
      timeoutMs: 40_000,
    });
    expect(stdout).toBe('node/node-2 drained\n');
    expect(stderr).toMatch(/node\/node-2 cordoned\n[^]*evicting pod default\/web-\S+\n[^]*pods left/);
    expect(await podsOn('node-2')).toBe(0);
    const ready = history
      .moments()
      .slice(begin)
      .map((moment) => moment.ready.length);
    expect(Math.min(...ready)).toBeGreaterThanOrEqual(3);
  }, 60_000);

  test('goes on when the command and the control plane are killed', async () => {
    const drain = inBackground('drain', 'node-1', '--ignore-daemonsets', '--force', '--delete-emptydir-data');
    await eventually('a pod is evicted', 15_000, async () => drain.output().includes('evicting pod'));
    drain.child.kill('SIGKILL');
    await cluster.killDaemon('control-plane');
    await cluster.up();
    const { metadata } = (await newestOperation('DrainNode'))!;
    const startedAt = performance.now();
    const operation = await untilPhase(metadata.name, 'Succeeded', 60_000);
    process.stdout.write(`drain ended ${Math.round(performance.now() - startedAt)} ms after the control plane was back\n`);
    expect(operation.status?.attempts).toBeGreaterThanOrEqual(1);
    expect(await podsOn('node-1')).toBe(0);
  }, 90_000);

  test('waits for a budget that forbids it, can be cancelled, and retried', async () => {
    await applyObjects(cluster, budget(4));
    const { stderr } = await cluster.berthAny(['drain', 'node-2', '--ignore-daemonsets', '--force', '--delete-emptydir-data', '--no-wait']);
    const name = /operation\/(\S+) created/.exec(stderr)?.[1] ?? '';
    const busy = await untilPhase(name, 'Running');
    await eventually('it says why', 5_000, async () =>
      (await cluster.get<OperationJson>('operation', name)).status?.message?.includes(
        "Cannot evict pod as it would violate the pod's disruption budget.",
      ),
    );
    expect(busy.status?.progress ?? 0).toBeLessThan(100);
    expect(await cluster.kubectl(['get', 'operations'])).toMatch(new RegExp(`${name} +DrainNode +Running`));
    await cluster.berth(['operation', 'cancel', name]);
    await untilPhase(name, 'Cancelled');
    expect(await podsOn('node-2')).toBeGreaterThan(0);
    await cluster.kubectl(['delete', 'pdb', 'web']);
    await cluster.berth(['operation', 'retry', name]);
    expect((await untilPhase(name, 'Succeeded')).status?.attempts).toBe(2);
    expect(await podsOn('node-2')).toBe(0);
  }, 60_000);
});

describe('a build', () => {
  const running = async (): Promise<number> =>
    (await run(['ps', 'axww', '-o', 'args'])).split('\n').filter((line) => line.includes('sleep 471')).length;
  const build = (): ReturnType<typeof inBackground> => {
    writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox:test\nRUN sleep 471\n');
    return inBackground('build', '-t', 'slow:1', folder);
  };

  test('that is interrupted leaves no process', async () => {
    const slow = build();
    await eventually('the step runs', 30_000, async () => (await running()) > 0);
    slow.child.kill('SIGINT');
    expect(await slow.ended).toBe(1);
    expect(slow.output()).toContain('cancelled');
    expect(await running()).toBe(0);
    expect((await newestOperation('BuildImage'))?.status?.phase).toBe('Cancelled');
  }, 60_000);

  test('whose control plane is killed runs once more, not twice at a time, and can be cancelled', async () => {
    const slow = build();
    await eventually('the step runs', 30_000, async () => (await running()) > 0);
    slow.child.kill('SIGKILL');
    const before = await running();
    await cluster.killDaemon('control-plane');
    await cluster.up();
    const { metadata } = (await newestOperation('BuildImage'))!;
    await eventually(
      'it was started again',
      60_000,
      async () => ((await cluster.get<OperationJson>('operation', metadata.name)).status?.attempts ?? 0) === 2,
    );
    await eventually('the step runs again', 30_000, async () => (await running()) > 0);
    expect(await running()).toBeLessThanOrEqual(before);
    await cluster.berth(['operation', 'cancel', metadata.name]);
    await untilPhase(metadata.name, 'Cancelled');
    expect(await running()).toBe(0);
  }, 120_000);
});

describe('without Redis', () => {
  test('the cluster is ready and says what is missing; work goes on, operations wait until it is back', async () => {
    await cluster.kubectl(['uncordon', 'node-1', 'node-2']);
    await cluster.killDaemon('redis');
    await eventually('the warning', 10_000, async () =>
      /^\[!\]redis degraded \(not critical\): /m.test(await cluster.kubectl(['get', '--raw', '/readyz?verbose'])),
    );
    expect(await cluster.kubectl(['get', '--raw', '/readyz'])).toBe('ok');
    await applyObjects(cluster, {
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'Operation',
      metadata: { name: 'patient' },
      spec: { type: 'DrainNode', parameters: { node: 'node-2', force: 'true' } },
    });
    await cluster.kubectl(['scale', 'deployment/web', '--replicas=5']);
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'], { timeoutMs: 35_000 });
    expect((await cluster.get<OperationJson>('operation', 'patient')).status?.phase ?? 'Pending').toBe('Pending');
    await cluster.up();
    await untilPhase('patient', 'Succeeded', 40_000);
    expect(await cluster.kubectl(['get', '--raw', '/readyz?verbose'])).toContain('[+]redis ok');
  }, 120_000);
});
