/** Pods that wait for a node: those to try now by priority, and those parked until something happens that could help them. */
import { Heap } from '../kit/index.js';
import type { Clock, Instant } from '../kit/index.js';
import type { PodFacts } from './model/pod-facts.js';

/** Between two tries of one pod: doubling from the first to the last. */
export const RETRY_FIRST_MS = 100;
export const RETRY_MAX_MS = 5_000;
/** A parked pod is tried again after this time even if nothing that could help it was seen. */
export const PARKED_MAX_MS = 30_000;

/** What happened in the cluster, as far as it can make a pod schedulable. */
export type ClusterChange = 'node-changed' | 'pod-gone' | 'pod-placed' | 'volume-changed';

/** Which filters' refusals a change can undo; absent: every filter's. */
const helps: Readonly<Record<ClusterChange, ReadonlySet<string> | undefined>> = {
  'node-changed': undefined,
  'pod-gone': new Set(['NodeResourcesFit', 'NodePorts', 'PodTopologySpread', 'InterPodAffinity']),
  'volume-changed': new Set(['VolumeBinding']),
  'pod-placed': new Set(['PodTopologySpread', 'InterPodAffinity']),
};

interface Entry {
  pod: PodFacts;
  readonly order: number;
  /** Text of what a decision depends on: an update that leaves it alone does not wake the pod. */
  decisive: string;
  state: 'ready' | 'trying' | 'parked' | 'backing-off';
  attempts: number;
  triedAt: Instant;
  plugins: ReadonlySet<string>;
  timer: Disposable | undefined;
  /** The pod itself changed while it was being tried. */
  again: boolean;
}

export class SchedulingQueue implements Disposable {
  readonly #clock: Clock;
  readonly #onReady: () => void;
  readonly #entries = new Map<string, Entry>();
  readonly #parked = new Set<Entry>();
  readonly #ready = new Heap<Entry>((a, b) => a.pod.priority > b.pod.priority || (a.pod.priority === b.pod.priority && a.order < b.order));
  #order = 0;

  constructor(clock: Clock, onReady: () => void) {
    this.#clock = clock;
    this.#onReady = onReady;
  }

  /** Pods without a node that this queue knows. */
  get size(): number {
    return this.#entries.size;
  }

  get parked(): number {
    return this.#parked.size;
  }

  /** A pod without a node, new or changed. */
  put(pod: PodFacts): void {
    const decisive = decisiveText(pod);
    const before = this.#entries.get(pod.uid);
    if (before === undefined) {
      const entry: Entry = {
        pod,
        order: (this.#order += 1),
        decisive,
        state: 'ready',
        attempts: 0,
        triedAt: this.#clock.now(),
        plugins: new Set(),
        timer: undefined,
        again: false,
      };
      this.#entries.set(pod.uid, entry);
      this.#makeReady(entry);
      return;
    }
    before.pod = pod;
    if (before.decisive === decisive) return;
    before.decisive = decisive;
    before.again = true;
    if (before.state === 'parked') this.#retry(before);
  }

  remove(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#entries.delete(uid);
    this.#parked.delete(entry);
    entry.timer?.[Symbol.dispose]();
  }

  /** The next pod to try; it stays known until `remove` or one of the outcomes below. */
  take(): PodFacts | undefined {
    for (;;) {
      const entry = this.#ready.pop();
      if (entry === undefined) return undefined;
      if (entry.state !== 'ready' || this.#entries.get(entry.pod.uid) !== entry) continue;
      entry.state = 'trying';
      entry.again = false;
      entry.attempts += 1;
      entry.triedAt = this.#clock.now();
      return entry.pod;
    }
  }

  /** No node took the pod; it waits until something changes that these filters look at. */
  park(uid: string, plugins: ReadonlySet<string>): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    entry.plugins = plugins;
    if (entry.again) {
      this.#retry(entry);
      return;
    }
    entry.state = 'parked';
    this.#parked.add(entry);
    entry.timer = this.#clock.schedule(PARKED_MAX_MS, () => this.#retry(entry));
  }

  /** The decision could not be carried out: try again after the backoff. */
  retry(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry !== undefined) this.#retry(entry);
  }

  /** Wakes the parked pods that `change` could help. */
  changed(change: ClusterChange): void {
    const helped = helps[change];
    if (this.#parked.size === 0) return;
    for (const entry of this.#parked) {
      if (helped === undefined || [...entry.plugins].some((plugin) => helped.has(plugin))) this.#retry(entry);
    }
  }

  #retry(entry: Entry): void {
    entry.timer?.[Symbol.dispose]();
    entry.timer = undefined;
    this.#parked.delete(entry);
    const wait = Math.min(RETRY_FIRST_MS * 2 ** Math.max(0, entry.attempts - 1), RETRY_MAX_MS);
    const left = entry.triedAt + wait - this.#clock.now();
    if (left <= 0) {
      this.#makeReady(entry);
      return;
    }
    entry.state = 'backing-off';
    entry.timer = this.#clock.schedule(left, () => this.#makeReady(entry));
  }

  #makeReady(entry: Entry): void {
    if (this.#entries.get(entry.pod.uid) !== entry) return;
    entry.state = 'ready';
    entry.timer = undefined;
    this.#ready.push(entry);
    this.#onReady();
  }

  [Symbol.dispose](): void {
    for (const entry of this.#entries.values()) entry.timer?.[Symbol.dispose]();
    this.#entries.clear();
    this.#parked.clear();
  }
}

function decisiveText(pod: PodFacts): string {
  return JSON.stringify([pod.pod.metadata.labels, pod.pod.spec]);
}
