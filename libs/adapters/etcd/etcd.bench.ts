/** Measures the store on a throwaway etcd: compare-and-swaps one at a time and in groups, and the way of a change from its writer to a watch. */
import type { Clock, Logger } from '../../kit/index.js';
import { ZERO, type Revision } from '../../storage/index.js';
import { EtcdStore } from './etcd-store.js';
import { startThrowawayEtcd } from './testing.js';

export interface StoreBenchResult {
  readonly sequentialMs: number;
  readonly writesPerS: number;
  readonly watchP50Ms: number;
}

export async function benchStore(
  ports: { readonly clock: Clock; readonly log: Logger },
  writes = 20_000,
  inFlight = 512,
): Promise<StoreBenchResult> {
  await using server = await startThrowawayEtcd();
  await using store = new EtcdStore({ endpoints: [server.endpoint], ...ports });
  const value = JSON.stringify({ metadata: { name: 'bench' }, text: 'x'.repeat(1_450) });
  const put = async (key: string, expected: Revision): Promise<Revision> => {
    const outcome = await store.write({ op: 'put', key, value, expected });
    if (!outcome.ok) throw new Error(`the bench's write of ${key} lost`);
    return outcome.revision;
  };
  const sequentialMs = await averageMs(100, (n) => put(`/registry/bench/s${n}`, ZERO));
  const started = performance.now();
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < writes) await put(`/registry/bench/w${next++}`, ZERO);
  };
  await Promise.all(Array.from({ length: inFlight }, writer));
  const writesPerS = writes / ((performance.now() - started) / 1_000);
  return { sequentialMs, writesPerS, watchP50Ms: await watchDelayMs(store, put) };
}

async function averageMs(count: number, work: (n: number) => Promise<unknown>): Promise<number> {
  const started = performance.now();
  for (let n = 0; n < count; n += 1) await work(n);
  return (performance.now() - started) / count;
}

async function watchDelayMs(store: EtcdStore, put: (key: string, expected: Revision) => Promise<Revision>): Promise<number> {
  const abort = new AbortController();
  const delays: number[] = [];
  let started = performance.now();
  let revision = await put('/registry/bench/watched', ZERO);
  for await (const batch of store.watch('/registry/bench/', (revision - 1) as Revision, abort.signal)) {
    if (!batch.events.some((event) => event.revision === revision)) continue;
    delays.push(performance.now() - started);
    if (delays.length === 201) break;
    started = performance.now();
    revision = await put('/registry/bench/watched', revision);
  }
  abort.abort();
  return delays.toSorted((a, b) => a - b)[100] ?? 0;
}
