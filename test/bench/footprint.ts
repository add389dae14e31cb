/** Resident memory of an idle cluster, and what one more pod adds beside its own process. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestCluster } from '../support/test-cluster.js';
import type { Bench } from './bench.js';
import { startBenchCluster } from './support/bench-cluster.js';
import { LiveList } from './support/live-list.js';
import { processesWith, proportionalMb, residentMb } from './support/memory.js';
import { deployment, deploymentsPath, type DeploymentObject } from './support/workloads.js';

const NODES = 3;
const PODS = 50;
const IDLE_MS = 30_000;
const READY_TIMEOUT_MS = 120_000;

export const footprint: Bench = {
  name: 'footprint',
  about: `resident memory of an idle cluster of ${NODES}, and per pod over ${PODS} pods`,
  limitMs: 300_000,
  async run(context) {
    const { cluster, client } = await startBenchCluster(context, { nodes: NODES, image: true });
    context.progress('idle for 30 s');
    await sleep(IDLE_MS);
    const idle = measure(cluster);
    context.progress(`${PODS} pods`);
    const deployments = await context.use(() => LiveList.open<DeploymentObject>(client, deploymentsPath));
    await client.json(deploymentsPath, { method: 'POST', body: deployment('many', PODS) });
    await deployments.until('all are Ready', READY_TIMEOUT_MS, (list) => list.get('many')?.status?.readyReplicas === PODS);
    context.progress('idle for 30 s');
    await sleep(IDLE_MS);
    const full = measure(cluster);
    const agentGrowthMb = sum(full.agentsMb) - sum(idle.agentsMb);
    const growthMb = full.controlPlaneMb - idle.controlPlaneMb + (full.etcdMb - idle.etcdMb) + agentGrowthMb;
    return {
      controlPlaneMb: idle.controlPlaneMb,
      etcdMb: idle.etcdMb,
      agentMb: sum(idle.agentsMb) / NODES,
      perPodMb: (growthMb + full.monitorsMb) / PODS,
      redisMb: idle.redisMb,
      monitorPerPodMb: full.monitorsMb / PODS,
      monitorProportionalPerPodMb: full.monitorsProportionalMb / PODS,
      agentGrowthPerPodMb: agentGrowthMb / PODS,
      controlPlaneGrowthPerPodMb: (full.controlPlaneMb - idle.controlPlaneMb) / PODS,
      etcdGrowthPerPodMb: (full.etcdMb - idle.etcdMb) / PODS,
    };
  },
};

interface Memory {
  readonly controlPlaneMb: number;
  readonly etcdMb: number;
  readonly redisMb: number;
  readonly agentsMb: readonly number[];
  /** conmon processes of all pods. */
  readonly monitorsMb: number;
  readonly monitorsProportionalMb: number;
}

function measure(cluster: TestCluster): Memory {
  const daemon = (name: string): number => {
    const { pid } = JSON.parse(readFileSync(join(cluster.runDir, 'pids', `${name}.json`), 'utf8')) as { readonly pid: number };
    return residentMb(pid);
  };
  const monitors = processesWith(
    ([program = '', ...args]) => program.endsWith('conmon') && args.some((arg) => arg.startsWith(`${cluster.runDir}/`)),
  );
  return {
    controlPlaneMb: daemon('control-plane'),
    etcdMb: daemon('etcd'),
    redisMb: daemon('redis'),
    agentsMb: Array.from({ length: NODES }, (_, index) => daemon(`node-${index + 1}`)),
    monitorsMb: sum(monitors.map(residentMb)),
    monitorsProportionalMb: sum(monitors.map(proportionalMb)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
