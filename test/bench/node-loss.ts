/** A host loses its power (agent, containers and monitors end at once): how long until its pods are Ready elsewhere. */
import type { Bench } from './bench.js';
import { startBenchCluster } from './support/bench-cluster.js';
import { LiveList, type LiveObject } from './support/live-list.js';
import { percentile } from './support/percentile.js';
import { deployment, deploymentsPath, isReady, podsPath, type PodObject, type WithConditions } from './support/workloads.js';

const NODES = 3;
const REPLICAS = 6;
const ROUNDS = 4;
const TIMEOUT_MS = 60_000;

interface NodeObject extends LiveObject, WithConditions {
  readonly spec: { readonly taints?: readonly unknown[] };
}

export const nodeLoss: Bench = {
  name: 'node-loss',
  about: 'kill -9 of everything on one host -> replacements Ready; worst of several rounds',
  limitMs: 300_000,
  async run(context) {
    const { cluster, client } = await startBenchCluster(context, { nodes: NODES, image: true });
    const pods = await context.use(() => LiveList.open<PodObject>(client, podsPath));
    const nodes = await context.use(() => LiveList.open<NodeObject>(client, '/api/v1/nodes'));
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const host = 1 + (round % NODES);
      const node = `node-${host}`;
      await nodes.until(`${node} is Ready`, TIMEOUT_MS, (list) => isReady(list.get(node)) && !hasTaints(list.get(node)));
      // A new Deployment each round: the pods of the last one have fled from the host that is next.
      const name = `replaced-${round}`;
      await client.json(deploymentsPath, { method: 'POST', body: deployment(name, REPLICAS) });
      const readyOn = (where: (nodeName: string | undefined) => boolean): number =>
        pods.all.filter((pod) => pod.metadata.name.startsWith(`${name}-`) && where(pod.spec.nodeName) && isReady(pod)).length;
      await pods.until('all are Ready', TIMEOUT_MS, () => readyOn(() => true) === REPLICAS);
      const lost = readyOn((where) => where === node);
      if (lost === 0) throw new Error(`no pod of ${name} ran on ${node}`);
      const startedAt = performance.now();
      await cluster.killHost(host);
      await pods.until('replacements are Ready', TIMEOUT_MS, () => readyOn((where) => where !== node) === REPLICAS);
      rounds.push(performance.now() - startedAt);
      context.progress(`${node} with ${lost} pods: replaced after ${Math.round(rounds.at(-1) ?? 0)} ms`);
      await client.json(`${deploymentsPath}/${name}`, { method: 'DELETE' });
      await cluster.up();
    }
    return { replacementReadyMs: Math.max(...rounds), replacementReadyP50Ms: percentile(rounds, 0.5), rounds: ROUNDS };
  },
};

function hasTaints(node: NodeObject | undefined): boolean {
  return (node?.spec.taints?.length ?? 0) > 0;
}
