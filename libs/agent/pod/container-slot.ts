/** The state of one container of a pod on this host, over all its attempts. It decides nothing. */
import { deferred } from '../../kit/index.js';
import type { Deferred } from '../../kit/index.js';
import type { Container } from '../../api/index.js';
import type { ContainerRecord } from '../ports.js';
import type { ContainerFacts, ContainerKind, CrashHistory, ResizeState } from './pod-facts.js';

export class ContainerSlot {
  latest: ContainerRecord | undefined;
  previous: ContainerRecord | undefined;
  busy: 'starting' | 'resizing' | 'stopping' | undefined;
  waiting: { readonly reason: string; readonly message?: string | undefined } | undefined;
  retryAtMs: number | undefined;
  crashes: CrashHistory | undefined;
  /** The resources that the running attempt has; `undefined` = not known (an earlier agent started it). */
  applied: Container['resources'];
  /** The newest attempt was in a sandbox that is gone. */
  isStale = false;
  resize: ResizeState | undefined;
  started = false;
  ready = false;
  /** Ends the probes of the running attempt. */
  probes: Disposable | undefined;
  #exit: Deferred<void> = deferred();

  constructor(
    public spec: Container,
    readonly kind: ContainerKind,
  ) {}

  facts(): ContainerFacts {
    const { spec, kind, latest, previous, busy, waiting, retryAtMs, crashes, started, ready, applied, resize, isStale } = this;
    return { spec, kind, latest, previous, busy, waiting, retryAtMs, crashes, started, ready, applied, resize, isStale };
  }

  /** Records of earlier attempts, found on the host. */
  adopt(records: readonly ContainerRecord[]): void {
    // Created but never started: the agent ended in between. It counts as an attempt that was lost.
    const known = records.map((record) => (record.state === 'created' ? { ...record, state: 'exited' as const } : record));
    const newest = known.sort((a, b) => b.attempt - a.attempt);
    this.latest = newest[0];
    this.previous = newest[1];
  }

  /** A new attempt runs (or ended as it began). */
  began(record: ContainerRecord): void {
    this.previous = this.latest;
    this.latest = record;
    this.isStale = false;
    this.waiting = undefined;
    this.retryAtMs = undefined;
    this.#exit = deferred();
  }

  /** False for an exit that is known already or of an attempt that is not the newest. */
  exited(record: ContainerRecord): boolean {
    if (this.latest?.id !== record.id || this.latest.state === 'exited') return false;
    this.latest = record;
    this.endProbes();
    this.started = false;
    this.ready = false;
    this.waiting = undefined;
    this.#exit.resolve();
    return true;
  }

  get isRunning(): boolean {
    return this.latest?.state === 'running';
  }

  whenExited(): Promise<void> {
    return this.isRunning ? this.#exit.promise : Promise.resolve();
  }

  endProbes(): void {
    this.probes?.[Symbol.dispose]();
    this.probes = undefined;
  }
}
