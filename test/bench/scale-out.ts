/** A Deployment from 1 to 100 replicas on one host until all are Ready, next to as many containers started by runc alone. */
import type { Bench } from './bench.js';
import { startBenchCluster } from './support/bench-cluster.js';
import { LiveList } from './support/live-list.js';
import { RawContainers } from './support/raw-containers.js';
import { deployment, deploymentsPath, type DeploymentObject } from './support/workloads.js';

const PODS = 100;
const READY_TIMEOUT_MS = 120_000;

export const scaleOut: Bench = {
  name: 'scale-out',
  about: `1 -> ${PODS} replicas on one host, next to raw runc + veth`,
  limitMs: 300_000,
  async run(context) {
    const { client } = await startBenchCluster(context, { nodes: 1, image: true });
    context.progress(`${PODS} raw containers`);
    const rawSeconds = await rawStarts();
    const deployments = await context.use(() => LiveList.open<DeploymentObject>(client, deploymentsPath));
    const areReady = (count: number): Promise<void> =>
      deployments.until(`${count} replicas are Ready`, READY_TIMEOUT_MS, (list) => list.get('scale')?.status?.readyReplicas === count);
    await client.json(deploymentsPath, { method: 'POST', body: deployment('scale', 1) });
    await areReady(1);
    context.progress(`1 -> ${PODS} replicas`);
    const startedAt = performance.now();
    const body = JSON.stringify({ spec: { replicas: PODS } });
    await client.json(`${deploymentsPath}/scale/scale`, { method: 'PATCH', body, contentType: 'application/merge-patch+json' });
    await areReady(PODS);
    const seconds = (performance.now() - startedAt) / 1000;
    context.progress(`all Ready after ${seconds.toFixed(2)} s, raw ${rawSeconds.toFixed(2)} s`);
    return { pods: PODS, seconds, rawSeconds };
  },
};

async function rawStarts(): Promise<number> {
  await using raw = await RawContainers.open();
  return await raw.startAll(PODS); // awaited before `raw` ends
}
