/** One more replica: from the request that creates a pod to the watch event that shows it Ready, next to runc alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.js';
import { startBenchCluster } from './support/bench-cluster.js';
import { LiveList } from './support/live-list.js';
import { percentile } from './support/percentile.js';
import { RawContainers } from './support/raw-containers.js';
import { isReady, podsPath, sleeper, type PodObject } from './support/workloads.js';

const SAMPLES = 60;
/** The first starts compile code and open connections. */
const WARM_UPS = 5;
/** Until the last pod's reports are through. */
const PAUSE_MS = 100;
const READY_TIMEOUT_MS = 30_000;

export const podStart: Bench = {
  name: 'pod-start',
  about: 'one more replica Ready with its image present, next to raw runc + veth',
  limitMs: 240_000,
  async run(context) {
    const { client } = await startBenchCluster(context, { nodes: 1, image: true });
    const pods = await context.use(() => LiveList.open<PodObject>(client, podsPath));
    const raw = await context.use(() => RawContainers.open());
    context.progress(`${SAMPLES} pods and as many raw containers, in turn`);
    const bound: number[] = [];
    const ready: number[] = [];
    const raws: number[] = [];
    for (let index = -WARM_UPS; index < SAMPLES; index += 1) {
      const name = `start-${index + WARM_UPS}`;
      const startedAt = performance.now();
      await client.json(podsPath, { method: 'POST', body: sleeper(name) });
      await pods.until(`${name} is bound`, READY_TIMEOUT_MS, (list) => list.get(name)?.spec.nodeName !== undefined);
      const boundMs = performance.now() - startedAt;
      await pods.until(`${name} is Ready`, READY_TIMEOUT_MS, (list) => isReady(list.get(name)));
      const readyMs = performance.now() - startedAt;
      await sleep(PAUSE_MS);
      const rawMs = await raw.start();
      await sleep(PAUSE_MS);
      if (index < 0) continue;
      bound.push(boundMs);
      ready.push(readyMs);
      raws.push(rawMs);
    }
    return {
      p50Ms: percentile(ready, 0.5),
      p99Ms: percentile(ready, 0.99),
      rawP50Ms: percentile(raws, 0.5),
      boundP50Ms: percentile(bound, 0.5),
      samples: SAMPLES,
    };
  },
};
