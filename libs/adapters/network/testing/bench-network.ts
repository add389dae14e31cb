/** Measures the data path on one real host: attaching pods, and programming a change among many Services. */
import { fileURLToPath } from 'node:url';
import type { ServiceFrontend } from '../../../networking/index.js';
import { TestCluster } from './test-cluster.js';

export interface NetworkFigures {
  readonly attachP50Ms: number;
  readonly attachP99Ms: number;
  /** 50 pods attached at once, until the last one has its network. */
  readonly attach50Ms: number;
  /** The same 50 detached at once. */
  readonly detach50Ms: number;
  /** One endpoint more behind one Service, by number of Services on the host; median of 20. */
  readonly programMs: Readonly<Record<string, number>>;
  /** The first state of 2,000 Services, written as a whole. */
  readonly programFirst2000Ms: number;
}

const PODS = 50;
const CHANGES = 20;

export async function benchNetwork(): Promise<NetworkFigures> {
  await using cluster = await TestCluster.start({ name: 'bt-net-bench', block: 9, nodes: 1 });
  const [agent] = cluster.agents;
  if (agent === undefined) throw new Error('no host was started');
  const single: number[] = [];
  for (let index = 0; index < PODS; index += 1) single.push((await cluster.attachPin(1, await cluster.addPin(`single-${index}`))).tookMs);
  const pins = await Promise.all(Array.from({ length: PODS }, (_, index) => cluster.addPin(`burst-${index}`)));
  const began = performance.now();
  await Promise.all(pins.map((pin) => cluster.attachPin(1, pin)));
  const attach50Ms = performance.now() - began;
  const detachBegan = performance.now();
  await Promise.all(pins.map((pin) => agent.call('detach', pin.uid)));
  const detach50Ms = performance.now() - detachBegan;
  const programMs: Record<string, number> = {};
  let programFirst2000Ms = 0;
  for (const count of [10, 500, 2_000]) {
    programFirst2000Ms = (await agent.call('setServices', { frontends: services(count, 3) })).tookMs;
    const times: number[] = [];
    for (let change = 0; change < CHANGES; change += 1) {
      times.push((await agent.call('setServices', { frontends: services(count, 3 + (change % 2 === 0 ? 1 : 0)) })).tookMs);
    }
    programMs[count] = percentile(times, 0.5);
  }
  return {
    attachP50Ms: percentile(single, 0.5),
    attachP99Ms: percentile(single, 0.99),
    attach50Ms: Math.round(attach50Ms),
    detach50Ms: Math.round(detach50Ms),
    programMs,
    programFirst2000Ms: Math.round(programFirst2000Ms),
  };
}

/** Three backends each; the first Service has `backends`. */
function services(count: number, backends: number): readonly ServiceFrontend[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: 'address',
    address: `10.159.${2 + Math.floor(index / 250)}.${1 + (index % 250)}`,
    port: 80,
    protocol: 'TCP',
    service: `default/web-${index}:http`,
    backends: Array.from({ length: index === 0 ? backends : 3 }, (_unused, at) => ({ address: `10.109.1.${10 + at}`, port: 8080 })),
    local: false,
    whenEmpty: 'reject',
  }));
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await benchNetwork()));
