/** HTTPS requests per second against a real control plane on a real etcd, from processes of their own; and that no watch loses an event. */
import type { ApiClient } from '../../../apps/cli/client/api-client.js';
import type { Bench, BenchContext } from '../bench.js';
import { startBenchCluster } from '../support/bench-cluster.js';
import { ClientProcess } from './client.js';
import type { LoadResult, LoadTask } from './tasks.js';

const PROCESSES = 2;
const IN_FLIGHT = 64;
const DURATION_MS = 6_000;
const WARM_UP_MS = 2_000;
const CREATED_MAX = 50_000;
const LISTED = 2_000;
const WATCHERS = 20;
const WATCH_TIMEOUT_MS = 30_000;

export const apiBench: Bench = {
  name: 'api',
  about: 'requests per second, and watch events to 20 watchers',
  limitMs: 240_000,
  async run(context) {
    const { cluster, client } = await startBenchCluster(context, { nodes: 1, image: false });
    const clients = await Promise.all(Array.from({ length: PROCESSES }, () => context.use(() => new ClientProcess())));
    const bench = new ApiLoad({ context, client, clients, kubeconfig: cluster.kubeconfig });
    for (const namespace of ['warm', 'objects', 'listed', 'watched']) await bench.createNamespace(namespace);
    context.progress('warming up');
    const [warm = 0] = (await bench.load('create', 'warm', { durationMs: WARM_UP_MS })).completed;
    await bench.load('get', 'warm', { durationMs: WARM_UP_MS / 2, count: warm });
    await bench.load('patch', 'warm', { durationMs: WARM_UP_MS / 2, count: warm });
    const created = await bench.load('create', 'objects');
    const count = Math.min(...created.completed);
    const got = await bench.load('get', 'objects', { count });
    const patched = await bench.load('patch', 'objects', { count });
    await bench.load('create', 'listed', { count: LISTED / PROCESSES });
    const listed = await bench.load('list', 'listed');
    const watched = await bench.watch('watched');
    return {
      createPerS: created.perS,
      getPerS: got.perS,
      patchPerS: patched.perS,
      listPerS: listed.perS,
      watchEventsPerS: watched.perS,
      watchLost: watched.lost,
      watchers: WATCHERS,
      watchedWrites: watched.writes,
    };
  },
};

interface LoadOutcome {
  readonly perS: number;
  /** Of each process. */
  readonly completed: readonly number[];
  readonly versions: readonly string[];
}

class ApiLoad {
  constructor(
    private readonly parts: {
      readonly context: BenchContext;
      readonly client: ApiClient;
      readonly clients: readonly ClientProcess[];
      readonly kubeconfig: string;
    },
  ) {}

  async createNamespace(name: string): Promise<void> {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await this.parts.client.json('/api/v1/namespaces', { method: 'POST', body });
  }

  /** All processes at once, with the requests in flight divided among them. */
  async load(work: LoadTask['work'], namespace: string, options: Partial<LoadTask> = {}): Promise<LoadOutcome> {
    const { context, clients, kubeconfig } = this.parts;
    const results: LoadResult[] = await Promise.all(
      clients.map((client, worker) => {
        const connections = IN_FLIGHT / clients.length;
        const common = { do: 'load', kubeconfig, work, namespace, worker, connections } as const;
        return client.load({ ...common, durationMs: DURATION_MS, count: CREATED_MAX, ...options });
      }),
    );
    const perS = results.reduce((sum, { completed, seconds }) => sum + completed / seconds, 0);
    context.progress(`${work} in ${namespace}: ${Math.round(perS)}/s`);
    return { perS, completed: results.map(({ completed }) => completed), versions: results.flatMap(({ versions }) => versions) };
  }

  /** Watchers in a process of their own see what the others write. */
  async watch(namespace: string): Promise<{ readonly perS: number; readonly lost: number; readonly writes: number }> {
    const { context, client, kubeconfig } = this.parts;
    const watching = await context.use(() => new ClientProcess());
    const { metadata } = await client.json<{ metadata: { resourceVersion: string } }>(`/api/v1/namespaces/${namespace}/pods?limit=1`);
    await watching.watch({ do: 'watch', kubeconfig, namespace, watchers: WATCHERS, resourceVersion: metadata.resourceVersion });
    const startedAtMs = Date.now();
    const { versions } = await this.load('create', namespace, { remember: true });
    const { events, lost, lastAtMs } = await watching.until({ do: 'until', versions, timeoutMs: WATCH_TIMEOUT_MS });
    const perS = events / ((lastAtMs - startedAtMs) / 1000);
    context.progress(`${events} events to ${WATCHERS} watchers: ${Math.round(perS)}/s, ${lost} lost`);
    return { perS, lost, writes: versions.length };
  }
}
