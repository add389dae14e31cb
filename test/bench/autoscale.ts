/** A step of load on an autoscaled Deployment: how long until more replicas are wanted, and until the first of them is Ready. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../apps/cli/client/api-client.js';
import type { Bench, BenchContext } from './bench.js';
import { startBenchCluster } from './support/bench-cluster.js';
import { LiveList, type LiveObject } from './support/live-list.js';
import { percentile } from './support/percentile.js';
import { deployment, deploymentsPath, type DeploymentObject } from './support/workloads.js';

const ROUNDS = 8;
const TIMEOUT_MS = 60_000;
/** Between a first sample and the load, by turns, so that steps hit every phase of the sampling. */
const PHASES_MS = [1_000, 1_250, 1_500, 1_750];
const autoscalersPath = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';

interface AutoscalerObject extends LiveObject {
  readonly status?: { readonly currentMetrics?: readonly unknown[] | null };
}

interface Round {
  readonly decisionMs: number;
  readonly readyMs: number;
}

export const autoscale: Bench = {
  name: 'autoscale',
  about: 'a step of load -> more replicas wanted -> the new pod Ready',
  limitMs: 420_000,
  async run(context) {
    const { client } = await startBenchCluster(context, { nodes: 2, image: true });
    const folder = await context.use(switchFolder);
    const rounds: Round[] = [];
    for (let index = 0; index < ROUNDS; index += 1) {
      const round = await loadStep({ context, client, folder: folder.path, index });
      context.progress(`round ${index + 1}: decided after ${Math.round(round.decisionMs)} ms, Ready after ${Math.round(round.readyMs)} ms`);
      rounds.push(round);
    }
    const share = (of: (round: Round) => number, part: number): number => percentile(rounds.map(of), part);
    return {
      decisionP95Ms: share((round) => round.decisionMs, 0.95),
      readyP95Ms: share((round) => round.readyMs, 0.95),
      decisionP50Ms: share((round) => round.decisionMs, 0.5),
      readyP50Ms: share((round) => round.readyMs, 0.5),
      rounds: ROUNDS,
    };
  },
};

interface StepOptions {
  readonly context: BenchContext;
  readonly client: ApiClient;
  readonly folder: string;
  readonly index: number;
}

async function loadStep({ context, client, folder, index }: StepOptions): Promise<Round> {
  const name = `burner-${index}`;
  const deployments = await context.use(() => LiveList.open<DeploymentObject>(client, deploymentsPath));
  const autoscalers = await context.use(() => LiveList.open<AutoscalerObject>(client, autoscalersPath));
  await client.json(deploymentsPath, { method: 'POST', body: deployment(name, 1, burnerSpec(folder, name)) });
  await client.json(autoscalersPath, { method: 'POST', body: autoscaler(name) });
  await deployments.until('the idle pod is Ready', TIMEOUT_MS, (list) => list.get(name)?.status?.readyReplicas === 1);
  await autoscalers.until('a first sample', TIMEOUT_MS, (list) => (list.get(name)?.status?.currentMetrics?.length ?? 0) > 0);
  await sleep(PHASES_MS[index % PHASES_MS.length]);
  const startedAt = performance.now();
  writeFileSync(join(folder, name), '');
  await deployments.until('more replicas are wanted', TIMEOUT_MS, (list) => (list.get(name)?.spec.replicas ?? 0) > 1);
  const decisionMs = performance.now() - startedAt;
  await deployments.until('one more is Ready', TIMEOUT_MS, (list) => (list.get(name)?.status?.readyReplicas ?? 0) > 1);
  const readyMs = performance.now() - startedAt;
  rmSync(join(folder, name));
  await client.json(`${autoscalersPath}/${name}`, { method: 'DELETE' });
  await client.json(`${deploymentsPath}/${name}`, { method: 'DELETE' });
  await deployments.until('it is gone', TIMEOUT_MS, (list) => list.get(name) === undefined);
  deployments[Symbol.dispose]();
  autoscalers[Symbol.dispose]();
  return { decisionMs, readyMs };
}

/** Turns a core while the file /switch/NAME exists; otherwise asks for it ten times a second. */
function burnerSpec(folder: string, name: string): object {
  return {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'main',
        image: 'busybox:test',
        imagePullPolicy: 'IfNotPresent',
        command: ['sh', '-c', `while true; do [ -e /switch/${name} ] || sleep 0.1; done`],
        resources: { requests: { cpu: '200m' }, limits: { cpu: '600m' } },
        volumeMounts: [{ name: 'switch', mountPath: '/switch', readOnly: true }],
      },
    ],
    volumes: [{ name: 'switch', hostPath: { path: folder, type: 'Directory' } }],
  };
}

function autoscaler(name: string): string {
  return JSON.stringify({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 1,
      maxReplicas: 2,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
    },
  });
}

function switchFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'berth-switch-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
