/** A host with its agent, as far as the control plane can see it: a lease, a status, and pods that start and stop after a while. */
import { StatusError, storePrefix } from '../api/index.js';
import type { KubeObject, Pod, Stored } from '../api/index.js';
import { formatMicroTime, formatTime } from '../kit/index.js';
import type { Clock, Random } from '../kit/index.js';
import { resources } from '../reconciling/index.js';
import type { ObjectClient } from '../reconciling/index.js';
import type { CacheEvent, WatchCache } from '../storage/index.js';

export interface NodeSettings {
  readonly name: string;
  readonly address: string;
  readonly cpu: string;
  readonly memory: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Bounds of the time that a pod takes until it is ready, and until it is gone. */
  readonly startMs: readonly [number, number];
  readonly stopMs: readonly [number, number];
}

export interface NodePorts {
  readonly cache: WatchCache;
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  /** How a started pod ends by itself, if it does. */
  readonly finishing: (pod: Stored<Pod>) => 'Succeeded' | 'Failed' | undefined;
}

const HEARTBEAT_MS = 1_000;
const RETRY_MS = 20;

export class SimulatedNode implements Disposable {
  readonly name: string;
  readonly #settings: NodeSettings;
  readonly #ports: NodePorts;
  readonly #subscription: Disposable;
  /** Pods that the host runs (or starts), by uid. They outlive their agent. */
  readonly #running = new Map<string, { ip: string; ready: boolean }>();
  /** Pods with a start or stop under way. */
  readonly #moving = new Set<string>();
  /** Images (by text) whose containers never become ready. */
  readonly brokenImages = new Set<string>();
  #alive = true;
  #heartbeat: Disposable | undefined;
  #closed = false;
  #addresses = 1;

  constructor(settings: NodeSettings, ports: NodePorts) {
    this.name = settings.name;
    this.#settings = settings;
    this.#ports = ports;
    this.#subscription = ports.cache.subscribe(storePrefix(resources.pods), (event) => this.#onPod(event));
    this.#beat();
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Pods that are starting or stopping: the cluster is not settled while there are any. */
  get moving(): number {
    return this.#alive ? this.#moving.size : 0;
  }

  /** The agent and all that it runs are gone, without a word. */
  kill(): void {
    this.#alive = false;
    this.#running.clear();
    this.#moving.clear();
  }

  /** The host is back, with nothing running. */
  revive(): void {
    this.#alive = true;
    this.#heartbeat?.[Symbol.dispose]();
    this.#beat();
    for (const cached of this.#ports.cache.list(storePrefix(resources.pods))) this.#look(decodePod(cached.object));
  }

  async register(): Promise<void> {
    const { name, labels } = this.#settings;
    await this.#ports.client.create(resources.nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels } },
      spec: {},
    });
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#subscription[Symbol.dispose]();
    this.#heartbeat?.[Symbol.dispose]();
  }

  #beat(): void {
    if (!this.#alive || this.#closed) return;
    void this.#report();
    this.#heartbeat = this.#ports.clock.schedule(HEARTBEAT_MS, () => this.#beat());
  }

  async #report(): Promise<void> {
    const { cache, clock, client } = this.#ports;
    try {
      const spec = { holderIdentity: this.name, leaseDurationSeconds: 3, renewTime: formatMicroTime(clock.now()) };
      const lease = cache.get(`${storePrefix(resources.leases)}kube-node-lease/${this.name}`)?.object;
      if (lease === undefined) {
        const metadata = { name: this.name, namespace: 'kube-node-lease' };
        await client.create(resources.leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec });
      } else await client.update(resources.leases, { ...lease, spec });
      await this.#postReady();
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
    }
  }

  async #postReady(): Promise<void> {
    const { cache, client, clock } = this.#ports;
    const node = cache.get(storePrefix(resources.nodes) + this.name)?.object;
    if (node === undefined) return;
    const status = node['status'] as { conditions?: readonly { type: string; status: string }[] } | undefined; // decode: a Node
    if (status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true) return;
    const at = formatTime(clock.now());
    const { address, cpu, memory } = this.#settings;
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      message: 'agent is ready',
      lastHeartbeatTime: at,
      lastTransitionTime: at,
    };
    const amounts = { cpu, memory, pods: '110' };
    const addresses = [{ type: 'InternalIP', address }];
    await client.updateStatus(resources.nodes, {
      ...node,
      status: { capacity: amounts, allocatable: amounts, addresses, conditions: [ready] },
    });
  }

  #onPod(event: CacheEvent): void {
    if (event.type === 'delete') this.#running.delete(event.previous.object.metadata.uid ?? '');
    else this.#look(decodePod(event.current.object));
  }

  #look(pod: Stored<Pod>): void {
    const { uid, deletionTimestamp } = pod.metadata;
    if (!this.#alive || this.#closed || pod.spec?.nodeName !== this.name || this.#moving.has(uid)) return;
    if (deletionTimestamp !== undefined) this.#move(pod, this.#settings.stopMs, () => this.#stop(pod));
    else if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
    else if (!this.#running.has(uid)) this.#move(pod, this.#settings.startMs, () => this.#start(pod));
    else if (this.#ports.finishing(pod) !== undefined) this.#move(pod, this.#settings.stopMs, () => this.#finish(pod));
    else if (pod.status?.conditions?.some((each) => each.type === 'Ready' && each.reason === 'NodeNotReady') === true) {
      this.#move(pod, [1, 1], () => this.#start(pod));
    }
  }

  #move(pod: Stored<Pod>, [low, high]: readonly [number, number], then: () => Promise<void>): void {
    const { clock, random } = this.#ports;
    const { uid } = pod.metadata;
    this.#moving.add(uid);
    clock.schedule(low + Math.floor(random.next() * (high - low + 1)), () => {
      if (!this.#alive || this.#closed) return;
      void then()
        .catch((error: unknown) => {
          if (!(error instanceof StatusError)) throw error;
        })
        .finally(() => {
          this.#moving.delete(uid);
          const current = this.#current(pod);
          if (current !== undefined) this.#ports.clock.schedule(RETRY_MS, () => this.#look(this.#current(pod) ?? current));
        });
    });
  }

  #current(pod: Stored<Pod>): Stored<Pod> | undefined {
    const object = this.#ports.cache.get(`${storePrefix(resources.pods)}${pod.metadata.namespace ?? ''}/${pod.metadata.name}`)?.object;
    return object?.metadata.uid === pod.metadata.uid ? decodePod(object) : undefined;
  }

  async #start(pod: Stored<Pod>): Promise<void> {
    const current = this.#current(pod);
    if (current === undefined || current.metadata.deletionTimestamp !== undefined) return;
    const at = formatTime(this.#ports.clock.now());
    const ip = this.#running.get(pod.metadata.uid)?.ip ?? this.#nextAddress();
    const isBroken = current.spec?.containers.some((container) => this.brokenImages.has(container.image ?? '')) === true;
    const status = isBroken ? 'False' : 'True';
    const condition = (type: string) => ({ type, status, lastTransitionTime: at });
    const others = (current.status?.conditions ?? []).filter((each) => !['Ready', 'ContainersReady', 'Initialized'].includes(each.type));
    const object = {
      ...current,
      status: {
        ...current.status,
        phase: 'Running',
        podIP: ip,
        podIPs: [{ ip }],
        hostIP: this.#settings.address,
        startTime: at,
        conditions: [...others, { ...condition('Initialized'), status: 'True' }, condition('ContainersReady'), condition('Ready')],
        containerStatuses: (current.spec?.containers ?? []).map((container) => ({
          name: container.name,
          image: container.image,
          imageID: '',
          ready: !isBroken,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: at } },
        })),
      },
    };
    await this.#ports.client.updateStatus(resources.pods, object);
    this.#running.set(pod.metadata.uid, { ip, ready: !isBroken });
  }

  async #finish(pod: Stored<Pod>): Promise<void> {
    const current = this.#current(pod);
    const phase = this.#ports.finishing(pod);
    if (current === undefined || phase === undefined) return;
    const finishedAt = formatTime(this.#ports.clock.now());
    const conditions = (current.status?.conditions ?? []).map((each) => (each.type === 'Ready' ? { ...each, status: 'False' } : each));
    const containerStatuses = (current.status?.containerStatuses ?? []).map((status) => ({
      ...status,
      ready: false,
      state: { terminated: { exitCode: phase === 'Failed' ? 1 : 0, finishedAt } },
    }));
    await this.#ports.client.updateStatus(resources.pods, {
      ...current,
      status: { ...current.status, phase, conditions, containerStatuses },
    });
  }

  async #stop(pod: Stored<Pod>): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    await this.#ports.client.delete({ ...resources.pods, namespace, name }, { uid, gracePeriodSeconds: 0 });
    this.#running.delete(uid);
  }

  #nextAddress(): string {
    this.#addresses += 1;
    const node = this.#settings.address.slice(this.#settings.address.lastIndexOf('.') + 1);
    return `10.244.${node}.${this.#addresses}`;
  }
}

/** The cache holds pods under the pods' prefix. */
function decodePod(object: KubeObject): Stored<Pod> {
  return object as unknown as Stored<Pod>;
}
