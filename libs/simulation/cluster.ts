/** A whole cluster in one process and one thread of virtual time: real store model, cache, API pipeline, controllers and scheduler; simulated hosts. */
import { findByKind, StatusError } from '../api/index.js';
import type { KubeObject, Pod, Stored } from '../api/index.js';
import { createApiContext, createObjectClient, ensureBootstrapObjects } from '../apiserver/index.js';
import type { ApiContext, ApiSettings, UsageSource } from '../apiserver/index.js';
import { builtinControllers } from '../controllers/index.js';
import { FakeClock, FakeIds, RecordingLogger, SeededRandom } from '../kit/testing/index.js';
import { CacheView, resources, startControllers } from '../reconciling/index.js';
import type { ObjectClient, RunningControllers } from '../reconciling/index.js';
import { startScheduler } from '../scheduler/index.js';
import type { RunningScheduler } from '../scheduler/index.js';
import { MemoryStore, startWatchCache } from '../storage/index.js';
import type { RunningWatchCache } from '../storage/index.js';
import { faultyClient, NO_FAULTS } from './faults.js';
import type { FaultPlan } from './faults.js';
import { InvariantChecker } from './invariants.js';
import { SimulatedNode } from './node.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly faults?: Partial<FaultPlan> | undefined;
  readonly cpuPerNode?: string | undefined;
  readonly memoryPerNode?: string | undefined;
  readonly startMs?: readonly [number, number] | undefined;
  readonly stopMs?: readonly [number, number] | undefined;
}

/** Virtual time after which a cluster that still moves does not settle any more. */
export const SETTLE_MS_MAX = 300_000;
const STEP_MS = 50;

export class SimulatedCluster implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly log = new RecordingLogger();
  readonly ids = new FakeIds();
  readonly nodes: SimulatedNode[] = [];
  /** Writes without faults, as a user does. */
  readonly client: ObjectClient;
  readonly view: CacheView;
  readonly invariants: InvariantChecker;
  /** CPU that each running pod uses, in cores, by its labels; changed by tests to make load. */
  load: (pod: Stored<Pod>) => number = () => 0;
  /** How a pod's containers end by themselves, some time after their start; most do not. */
  finishing: (pod: Stored<Pod>) => 'Succeeded' | 'Failed' | undefined = () => undefined;
  readonly #options: SimulationOptions;
  readonly #random: SeededRandom;
  readonly #cache: RunningWatchCache;
  readonly #store: MemoryStore;
  readonly #context: ApiContext;
  #controllers: RunningControllers | undefined;
  #scheduler: RunningScheduler | undefined;

  private constructor(options: SimulationOptions, parts: { clock: FakeClock; cache: RunningWatchCache; store: MemoryStore }) {
    this.#options = options;
    this.clock = parts.clock;
    this.#random = new SeededRandom(options.seed);
    this.#cache = parts.cache;
    this.#store = parts.store;
    this.#context = createApiContext({ settings, store: parts.store, cache: parts.cache, clock: this.clock, ids: this.ids, log: this.log });
    this.client = createObjectClient({ context: this.#context }, { name: 'kubernetes-admin', groups: ['system:masters'] });
    this.view = new CacheView(parts.cache);
    this.invariants = new InvariantChecker(parts.cache);
  }

  /** A running, settled cluster with its nodes ready. */
  static async start(options: SimulationOptions): Promise<SimulatedCluster> {
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    const starting = startWatchCache(store, clock, new RecordingLogger());
    await clock.advance(0);
    const cluster = new SimulatedCluster(options, { clock, store, cache: await starting });
    await cluster.#until(ensureBootstrapObjects(cluster.#context));
    cluster.startControlPlane();
    for (let index = 1; index <= options.nodes; index += 1) await cluster.addNode(index);
    await cluster.settle();
    return cluster;
  }

  /** What agents would report: a sample a second of every running pod. */
  get usage(): UsageSource {
    const pods: UsageSource['pods'] = (namespace) => {
      const at = Math.floor(this.clock.now() / 1000) * 1000;
      const running = this.view.list(resources.pods, namespace).filter((pod) => pod.status?.phase === 'Running');
      return running.map((pod) => ({
        namespace: pod.metadata.namespace ?? '',
        name: pod.metadata.name,
        uid: pod.metadata.uid,
        at,
        windowMs: 1_000,
        containers: [{ name: pod.spec?.containers[0]?.name ?? '', cpuCores: this.load(pod), memoryBytes: 0 }],
      }));
    };
    return { nodes: () => [], pods };
  }

  startControlPlane(): void {
    const { clock, ids, log } = this;
    const client = this.#faulty(this.client);
    const common = { cache: this.#cache, client, clock, log };
    this.#controllers = startControllers({
      ...common,
      ids,
      newest: () => this.#store.revision(),
      controllers: builtinControllers({ clusterCa: 'CA', usage: this.usage }),
    });
    this.#scheduler = startScheduler({ ...common, random: this.#random });
  }

  /** The control plane dies; stored state and hosts stay. */
  async stopControlPlane(): Promise<void> {
    await this.#until(Promise.all([this.#controllers?.[Symbol.asyncDispose](), this.#scheduler?.[Symbol.asyncDispose]()]));
    this.#controllers = undefined;
    this.#scheduler = undefined;
  }

  async addNode(index: number, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const { cpuPerNode = '4', memoryPerNode = '8Gi', startMs = [20, 300], stopMs = [10, 100] } = this.#options;
    const node = new SimulatedNode(
      { name: `node-${index}`, address: `10.88.0.${10 + index}`, cpu: cpuPerNode, memory: memoryPerNode, labels, startMs, stopMs },
      {
        cache: this.#cache,
        client: this.client,
        clock: this.clock,
        random: this.#random,
        finishing: (pod) => this.finishing(pod),
      },
    );
    this.nodes.push(node);
    await this.#until(node.register());
  }

  node(index: number): SimulatedNode {
    const node = this.nodes.find((each) => each.name === `node-${index}`);
    if (node === undefined) throw new Error(`there is no node-${index}`);
    return node;
  }

  /** Creates the object, or replaces its spec (and what else a manifest holds) where it exists. */
  async apply(object: KubeObject): Promise<'created' | 'configured'> {
    const kind = findByKind(object.apiVersion, object.kind);
    if (kind === undefined) throw new Error(`unknown kind ${object.apiVersion} ${object.kind}`);
    const namespace = kind.namespaced ? (object.metadata.namespace ?? 'default') : undefined;
    const wanted = { ...object, metadata: { ...object.metadata, ...(namespace === undefined ? {} : { namespace }) } };
    for (;;) {
      const current = this.view.get(kind, namespace, object.metadata.name ?? '');
      try {
        if (current === undefined) {
          await this.#until(this.client.create(kind, wanted));
          return 'created';
        }
        const metadata = {
          ...current.metadata,
          ...wanted.metadata,
          annotations: { ...current.metadata.annotations, ...wanted.metadata.annotations },
        };
        await this.#until(this.client.update(kind, { ...current, ...wanted, metadata }));
        return 'configured';
      } catch (error) {
        if (!(error instanceof StatusError && (error.reason === 'Conflict' || error.reason === 'AlreadyExists'))) throw error;
        await this.advance(STEP_MS);
      }
    }
  }

  /** Deletes as `kubectl delete` does. */
  async delete(
    kindName: { readonly group: string; readonly resource: string },
    namespace: string | undefined,
    name: string,
  ): Promise<void> {
    await this.#until(this.client.delete({ ...kindName, namespace, name }));
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.clock.settle();
  }

  /** Whether nothing is under way: no key, no pod to place, no container starting or stopping. */
  get isSettled(): boolean {
    const moving = this.nodes.reduce((sum, node) => sum + node.moving, 0);
    return (this.#controllers?.busy ?? 0) === 0 && (this.#scheduler?.busy ?? 0) === 0 && moving === 0;
  }

  /** Lets time pass until nothing moves for a while; answers the virtual milliseconds that it took. */
  async settle(): Promise<number> {
    const from = this.clock.now();
    let quietMs = 0;
    let lastMoveAt = from;
    while (quietMs < 1_500) {
      if (this.clock.now() - from > SETTLE_MS_MAX) throw new Error(`not settled after ${SETTLE_MS_MAX} ms`);
      await this.advance(STEP_MS);
      quietMs += STEP_MS;
      if (!this.isSettled) {
        quietMs = 0;
        lastMoveAt = this.clock.now();
      }
    }
    return lastMoveAt - from;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) node[Symbol.dispose]();
    await this.stopControlPlane();
    this.invariants[Symbol.dispose]();
    this.view[Symbol.dispose]();
    await this.#until(Promise.resolve(this.#cache[Symbol.asyncDispose]()));
  }

  #faulty(client: ObjectClient): ObjectClient {
    const plan: FaultPlan = { ...NO_FAULTS, ...this.#options.faults };
    return faultyClient(client, plan, { clock: this.clock, random: new SeededRandom(this.#options.seed + 1) });
  }

  /** Lets virtual time pass while a call is under way. */
  async #until<T>(call: Promise<T>): Promise<T> {
    let isDone = false;
    const watched = call.finally(() => {
      isDone = true;
    });
    // Awaited below; a rejection meanwhile is not lost.
    watched.catch(() => undefined);
    while (!isDone) await this.clock.advance(1);
    return await watched;
  }
}

const settings: ApiSettings = {
  serviceCidr: '10.96.0.0/16',
  nodePortMin: 30_000,
  nodePortMax: 32_767,
  defaultTolerationSeconds: 1,
  advertiseAddress: '10.88.0.1',
  securePort: 6443,
  dnsAddress: '10.96.0.10',
};
