import { describe, test } from '@jest/globals';
import type { KubeObject } from '../api/index.js';
import { SeededRandom } from '../kit/testing/index.js';
import { resources } from '../reconciling/index.js';
import { SimulatedCluster } from './index.js';

/** Those of `SEED=n,m`, otherwise these. */
const seeds = process.env['SEED'] === undefined ? [101, 102, 103, 104, 105, 106] : process.env['SEED'].split(',').map(Number);

function aDeployment(name: string, replicas: number, image: string): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image, resources: { requests: { cpu: '100m' } } }] },
      },
    },
  };
}

/** Random changes and failures for a while, then peace: it must arrive at what was asked for last. */
async function survive(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const pick = (count: number): number => Math.floor(random.next() * count);
  await using cluster = await SimulatedCluster.start({
    seed,
    nodes: 4,
    faults: { conflictProbability: 0.1, lostAnswerProbability: 0.05, callDelayMsMax: 15 },
  });
  const wanted = new Map<string, { replicas: number; image: string }>();
  for (let step = 0; step < 25; step += 1) {
    const dice = pick(10);
    if (dice < 6) {
      const name = `app-${pick(2)}`;
      const next = { replicas: 1 + pick(6), image: `${name}:${pick(4)}` };
      wanted.set(name, next);
      await cluster.apply(aDeployment(name, next.replicas, next.image));
    } else if (dice < 8) {
      const node = cluster.node(1 + pick(4));
      if (!node.alive) node.revive();
      else if (cluster.nodes.filter((each) => each.alive).length > 2) node.kill();
    } else if (dice < 9) {
      await cluster.stopControlPlane();
      await cluster.advance(pick(5_000));
      cluster.startControlPlane();
    }
    await cluster.advance(pick(3_000));
    cluster.invariants.assert();
  }
  for (const node of cluster.nodes) if (!node.alive) node.revive();
  await cluster.advance(20_000);
  await cluster.settle();
  cluster.invariants.assert();
  for (const [name, { replicas, image }] of wanted) {
    const pods = cluster.view.list(resources.pods, 'default').filter((pod) => pod.metadata.labels?.['app'] === name);
    const images = pods.map((pod) => pod.spec?.containers[0]?.image);
    const ready = pods.filter((pod) => pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'));
    if (pods.length !== replicas || ready.length !== replicas || images.some((each) => each !== image)) {
      throw new Error(`${name}: wanted ${replicas} of ${image}, have ${ready.length} ready of ${images.join(' ')}`);
    }
  }
}

describe('clusters with failing hosts, refused writes, lost answers and restarts', () => {
  for (const seed of seeds) {
    test(`SEED=${seed} keeps the invariants and arrives at what was asked for last`, async () => {
      try {
        await survive(seed);
      } catch (error) {
        throw new Error(`SEED=${seed} npm run unit -- simulation/faults`, { cause: error });
      }
    });
  }
});
