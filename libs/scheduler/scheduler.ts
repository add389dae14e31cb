/**
 * Runs the decisions: keeps the snapshot from the cache's changes, takes pods by priority, assumes each placement at once
 * and binds many at the same time, so that decisions never wait for writes.
 */
import { StatusError, storeKey, storePrefix } from '../api/index.js';
import type { Node, Pod, PodCondition, Stored } from '../api/index.js';
import { formatTime } from '../kit/index.js';
import type { Clock, Logger, Random } from '../kit/index.js';
import { EventRecorder, resources } from '../reconciling/index.js';
import type { ObjectClient } from '../reconciling/index.js';
import type { CacheEvent, CachedObject, WatchCache } from '../storage/index.js';
import { cacheVolumes, ClaimBinder } from './claim-binder.js';
import { Decider } from './decide.js';
import type { Decision } from './decide.js';
import { podFacts } from './model/pod-facts.js';
import type { PodFacts } from './model/pod-facts.js';
import { Snapshot } from './model/snapshot.js';
import { planPreemption } from './preempt.js';
import type { Preemption } from './preempt.js';
import { SchedulingQueue } from './queue.js';

export const DEFAULT_SCHEDULER_NAME = 'default-scheduler';
/** Bindings under way at once. */
export const BINDS_MAX = 256;
/** Decisions made without giving way to other work of the process. */
const DECISIONS_PER_TURN = 32;

export interface SchedulerOptions {
  readonly cache: WatchCache;
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Shared with the controllers where given. */
  readonly events?: EventRecorder | undefined;
  /** Pods with another `spec.schedulerName` are left to others. */
  readonly schedulerName?: string | undefined;
}

export interface RunningScheduler extends AsyncDisposable {
  /** Pods ready to be tried or being bound; parked ones do not count. */
  readonly busy: number;
  readonly snapshot: Snapshot;
}

export function startScheduler(options: SchedulerOptions): RunningScheduler {
  const scheduler = new Scheduler(options);
  scheduler.start();
  return scheduler;
}

class Scheduler implements RunningScheduler {
  readonly snapshot: Snapshot;
  readonly #with: SchedulerOptions;
  readonly #name: string;
  readonly #events: EventRecorder;
  readonly #decider: Decider;
  readonly #claims: ClaimBinder;
  readonly #queue: SchedulingQueue;
  readonly #subscriptions: Disposable[] = [];
  /** Pods whose binding is under way: placed in the snapshot although the store does not say so yet. */
  readonly #binding = new Map<string, Promise<void>>();
  #isPumping = false;
  #stopped = false;

  constructor(options: SchedulerOptions) {
    this.#with = options;
    this.#name = options.schedulerName ?? DEFAULT_SCHEDULER_NAME;
    this.#events = options.events ?? new EventRecorder(options);
    const volumes = cacheVolumes(options.cache);
    this.snapshot = new Snapshot(volumes);
    this.#claims = new ClaimBinder({ ...options, view: volumes });
    this.#decider = new Decider(this.snapshot, options.random);
    this.#queue = new SchedulingQueue(options.clock, () => this.#pump());
  }

  get busy(): number {
    return this.#queue.size - this.#queue.parked + this.#bindsUnderWay;
  }

  /** Pods that wait for their volumes do not count: that may take long, and writes nothing. */
  get #bindsUnderWay(): number {
    return this.#binding.size - this.#claims.waiting;
  }

  start(): void {
    const { cache } = this.#with;
    this.#subscriptions.push(cache.subscribe(storePrefix(resources.nodes), (event) => this.#onNode(event)));
    this.#subscriptions.push(cache.subscribe(storePrefix(resources.pods), (event) => this.#onPod(event)));
    for (const resource of [resources.persistentVolumeClaims, resources.persistentVolumes, resources.storageClasses]) {
      this.#subscriptions.push(cache.subscribe(storePrefix(resource), () => this.#queue.changed('volume-changed')));
    }
    for (const cached of cache.list(storePrefix(resources.nodes))) this.snapshot.putNode(decodeNode(cached));
    for (const cached of cache.list(storePrefix(resources.pods))) this.#putPod(decodePod(cached));
  }

  #onNode(event: CacheEvent): void {
    if (event.type === 'delete') {
      this.snapshot.deleteNode(decodeNode(event.previous).metadata.name);
      return;
    }
    if (this.snapshot.putNode(decodeNode(event.current))) this.#queue.changed('node-changed');
  }

  #onPod(event: CacheEvent): void {
    if (event.type === 'put') this.#putPod(decodePod(event.current));
    else this.#forgetPod(decodePod(event.previous).metadata.uid);
  }

  #putPod(pod: Stored<Pod>): void {
    const { uid } = pod.metadata;
    const phase = pod.status?.phase;
    if (phase === 'Succeeded' || phase === 'Failed') {
      this.#forgetPod(uid);
      return;
    }
    const nodeName = pod.spec?.nodeName ?? '';
    if (nodeName !== '') {
      this.#queue.remove(uid);
      const isNew = this.snapshot.nodeOf(uid)?.name !== nodeName;
      this.snapshot.placePod(podFacts(pod), nodeName);
      if (isNew) this.#queue.changed('pod-placed');
      return;
    }
    if (this.#binding.has(uid)) return;
    if (this.#isMine(pod)) this.#queue.put(podFacts(pod));
    else this.#queue.remove(uid);
  }

  #isMine(pod: Stored<Pod>): boolean {
    const spec = pod.spec;
    if (spec === undefined || pod.metadata.deletionTimestamp !== undefined) return false;
    return (spec.schedulerName ?? DEFAULT_SCHEDULER_NAME) === this.#name && (spec.schedulingGates ?? []).length === 0;
  }

  #forgetPod(uid: string): void {
    this.#queue.remove(uid);
    this.#claims.cancel(uid);
    if (this.snapshot.removePod(uid)) this.#queue.changed('pod-gone');
  }

  #pump(): void {
    if (this.#isPumping || this.#stopped) return;
    this.#isPumping = true;
    // Never inside the cache's own update: first everything that arrived together is seen.
    void Promise.resolve().then(async () => {
      try {
        await this.#drain();
      } catch (error) {
        this.#with.log.error('scheduling stopped', { error: String(error) });
      } finally {
        this.#isPumping = false;
      }
    });
  }

  async #drain(): Promise<void> {
    for (let turn = 1; !this.#stopped; turn += 1) {
      if (this.#bindsUnderWay >= BINDS_MAX) await Promise.race(this.#binding.values());
      const pod = this.#queue.take();
      if (pod === undefined) return;
      this.#schedule(pod);
      if (turn % DECISIONS_PER_TURN === 0) await this.#with.clock.sleep(0);
    }
  }

  #schedule(pod: PodFacts): void {
    let decision: Decision;
    try {
      decision = this.#decider.decide(pod);
    } catch (error) {
      this.#with.log.error('decision failed', { pod: pod.key, error: String(error) });
      this.#queue.retry(pod.uid);
      return;
    }
    if (decision.kind === 'place') this.#place(pod, decision.node.name);
    else this.#refuse(pod, decision);
  }

  #place(pod: PodFacts, node: string): void {
    this.snapshot.placePod(pod, node);
    const binding = this.#bind(pod, node).finally(() => {
      this.#binding.delete(pod.uid);
      this.#pump();
    });
    this.#binding.set(pod.uid, binding);
  }

  async #bind(pod: PodFacts, node: string): Promise<void> {
    const { client, log } = this.#with;
    try {
      await this.#claims.bind(pod, node);
      await client.bind(pod.namespace, pod.pod.metadata.name, pod.uid, node);
      this.#queue.remove(pod.uid);
      const message = `Successfully assigned ${pod.key} to ${node}`;
      this.#events.record({ regarding: pod.pod, type: 'Normal', reason: 'Scheduled', message, source: this.#name });
      log.debug('pod scheduled', { pod: pod.key, node });
    } catch (error) {
      this.#undo(pod, node, error);
    }
  }

  /** The binding was refused. What the cache says now is what counts. */
  #undo(pod: PodFacts, node: string, error: unknown): void {
    const { cache, log } = this.#with;
    const cached = cache.get(storeKey(resources.pods, pod.namespace, pod.pod.metadata.name));
    const current = cached === undefined ? undefined : decodePod(cached);
    if (current?.metadata.uid !== pod.uid) {
      this.#forgetPod(pod.uid);
      return;
    }
    if ((current.spec?.nodeName ?? '') !== '') return;
    if (this.snapshot.removePod(pod.uid)) this.#queue.changed('pod-gone');
    log.warn('binding refused', { pod: pod.key, node, error: error instanceof Error ? error.message : String(error) });
    if (this.#isMine(current)) this.#queue.retry(pod.uid);
    else this.#queue.remove(pod.uid);
  }

  #refuse(pod: PodFacts, decision: Extract<Decision, { kind: 'unschedulable' }>): void {
    const preemption = planPreemption(this.snapshot, pod, decision);
    const message = `${decision.message}${preemption.message === '' ? '' : ` preemption: ${preemption.message}`}`;
    this.#queue.park(pod.uid, new Set(decision.refusals.map((refusal) => refusal.plugin)));
    this.#events.record({ regarding: pod.pod, type: 'Warning', reason: 'FailedScheduling', message, source: this.#name });
    void this.#tell(pod, message, preemption);
  }

  /** Writes the condition where it says something new, then makes room. Best effort: a conflict is told on the next try. */
  async #tell(pod: PodFacts, message: string, preemption: Preemption): Promise<void> {
    const { client, log } = this.#with;
    try {
      const changed = withUnschedulable(pod.pod, message, preemption.node, formatTime(this.#with.clock.now()));
      if (changed !== undefined) await client.updateStatus(resources.pods, changed);
      for (const victim of preemption.victims) await this.#evict(victim, pod);
    } catch (error) {
      if (error instanceof StatusError && (error.reason === 'Conflict' || error.reason === 'NotFound')) return;
      log.warn('scheduling condition not written', { pod: pod.key, error: String(error) });
    }
  }

  async #evict(victim: PodFacts, by: PodFacts): Promise<void> {
    const message = `Preempted by pod ${by.uid} on node ${this.snapshot.nodeOf(victim.uid)?.name ?? ''}`;
    this.#events.record({ regarding: victim.pod, type: 'Normal', reason: 'Preempted', message, source: this.#name });
    const ref = { ...resources.pods, namespace: victim.namespace, name: victim.pod.metadata.name };
    await this.#with.client.delete(ref, { uid: victim.uid });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
    this.#queue[Symbol.dispose]();
    this.#claims[Symbol.dispose]();
    await Promise.all(this.#binding.values());
  }
}

/** The pod with `PodScheduled=False`, or `undefined` where it says so already. */
function withUnschedulable(pod: Stored<Pod>, message: string, nominated: string | undefined, now: string): Stored<Pod> | undefined {
  const conditions = pod.status?.conditions ?? [];
  const before = conditions.find((condition) => condition.type === 'PodScheduled');
  const nominatedNodeName = nominated ?? pod.status?.nominatedNodeName;
  if (before?.status === 'False' && before.message === message && nominatedNodeName === pod.status?.nominatedNodeName) return undefined;
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message,
    observedGeneration: pod.metadata.generation,
    lastTransitionTime: before?.status === 'False' ? (before.lastTransitionTime ?? now) : now,
  };
  const others = conditions.filter((each) => each.type !== 'PodScheduled');
  return { ...pod, status: { ...pod.status, conditions: [...others, condition], nominatedNodeName } };
}

/** The cache holds what the API validated under the resource's prefix. */
function decodePod(cached: CachedObject): Stored<Pod> {
  return cached.object as unknown as Stored<Pod>;
}

function decodeNode(cached: CachedObject): Stored<Node> {
  return cached.object as unknown as Stored<Node>;
}
