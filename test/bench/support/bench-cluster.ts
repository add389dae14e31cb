/** A cluster for one run, in the first slot of ports and subnets that nobody uses, and a client of its API. */
import { networkInterfaces } from 'node:os';
import { ApiClient } from '../../../apps/cli/client/api-client.js';
import { loadConnection } from '../../../apps/cli/client/kubeconfig.js';
import { buildBusybox } from '../../support/images.js';
import { TestCluster } from '../../support/test-cluster.js';
import type { BenchContext } from '../bench.js';

const SLOTS = [8, 7, 6, 9];

export interface BenchCluster {
  readonly cluster: TestCluster;
  readonly client: ApiClient;
}

/** `image`: whether pods will run; builds `busybox:test`. */
export async function startBenchCluster(
  context: BenchContext,
  options: { readonly nodes: number; readonly image: boolean },
): Promise<BenchCluster> {
  const slot = freeSlot();
  context.progress(`starting a cluster of ${options.nodes}`);
  const cluster = await context.use(() => TestCluster.start({ name: `bb${slot}`, nodes: options.nodes, slot }));
  if (options.image) {
    context.progress('building the image');
    await buildBusybox(cluster);
  }
  const client = await context.use(() => new ApiClient(loadConnection(cluster.kubeconfig)));
  return { cluster, client };
}

function freeSlot(): number {
  const used = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  const slot = SLOTS.find((candidate) => !used.includes(`10.${90 + candidate}.0.1`));
  if (slot === undefined) throw new Error(`all subnets for benches are in use: ${SLOTS.map((n) => `10.${90 + n}.0.0/24`).join(', ')}`);
  return slot;
}
