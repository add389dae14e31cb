/** Says how the node is: usage every second (which is also the heartbeat), status every ten seconds and when something changes. */
import type { Clock, Logger } from '../../kit/index.js';
import { quantityMillis, quantityValue } from '../../api/light.js';
import type { NodeReport } from '../../gateway/index.js';
import type { AgentLink } from '../link/agent-link.js';
import type { NodeCapacity } from '../pod/references.js';
import type { ImageStore, UsageReader, VolumeStore } from '../ports.js';
import type { HostFacts, HostFactsReader } from './host-facts.js';
import { nodeCapacity, nodeReport } from './node-report.js';
import type { NodeSettings } from './node-report.js';
import { usageReport } from './usage-rates.js';
import type { PodName, UsageSample } from './usage-rates.js';

export const USAGE_EVERY_MS = 1_000;
export const STATUS_EVERY_MS = 10_000;

export interface NodeMonitorOptions {
  readonly settings: NodeSettings;
  readonly facts: HostFactsReader;
  readonly usage: UsageReader;
  readonly images: ImageStore;
  readonly volumes: VolumeStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly link: AgentLink;
  podOf(uid: string): PodName | undefined;
  notReady(): string | undefined;
}

export class NodeMonitor implements Disposable {
  #facts: HostFacts | undefined;
  #images: Awaited<ReturnType<ImageStore['list']>> = [];
  #folders: readonly string[] = [];
  #sample: UsageSample | undefined;
  #timers: Disposable[] = [];
  #isDisposed = false;

  constructor(private readonly options: NodeMonitorOptions) {}

  /** Of the last `refresh`. Throws before the first. */
  get facts(): HostFacts {
    if (this.#facts === undefined) throw new Error('the host has not been looked at yet: refresh comes first');
    return this.#facts;
  }

  async refresh(): Promise<void> {
    this.#facts = await this.options.facts.read();
    this.#images = await this.options.images.list();
    this.#folders = await this.options.volumes.folders();
  }

  /** Persistent folders may have come or gone. */
  async foldersChanged(): Promise<void> {
    const before = this.#folders.join();
    this.#folders = await this.options.volumes.folders();
    if (this.#folders.join() !== before) this.changed();
  }

  start(): void {
    this.#usageLoop();
    this.#statusLoop();
  }

  report(): NodeReport {
    const { settings, notReady } = this.options;
    return nodeReport({ settings, facts: this.facts, images: this.#images, folders: this.#folders, notReady: notReady() });
  }

  capacity(): NodeCapacity {
    const capacity = nodeCapacity(this.options.settings, this.facts);
    return {
      cpuMillis: quantityMillis(capacity['cpu'] ?? '0'),
      memoryBytes: quantityValue(capacity['memory'] ?? '0'),
      ephemeralBytes: quantityValue(capacity['ephemeral-storage'] ?? '0'),
    };
  }

  /** Something in the status is different: said now, not at the next turn. */
  changed(): void {
    this.options.link.nodeStatus(this.report());
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const timer of this.#timers.splice(0)) timer[Symbol.dispose]();
  }

  #usageLoop(): void {
    this.#every(USAGE_EVERY_MS, async () => {
      const { usage, clock, link, podOf } = this.options;
      const [node, containers] = await Promise.all([usage.node(), usage.containers()]);
      const sample = { atMs: clock.now(), node, containers };
      link.usage(usageReport(this.#sample, sample, podOf));
      this.#sample = sample;
    });
  }

  #statusLoop(): void {
    this.#every(STATUS_EVERY_MS, async () => {
      await this.refresh();
      this.changed();
    });
  }

  /** A turn that fails is logged, and the heartbeat goes on without it: usage that cannot be read does not make the node dead. */
  #every(periodMs: number, turn: () => Promise<void>): void {
    const run = async (): Promise<void> => {
      const startedAt = this.options.clock.now();
      try {
        await turn();
      } catch (error) {
        this.options.log.warn('node could not be looked at', { error });
        const atMs = this.options.clock.now();
        this.options.link.usage({ atMs, windowMs: 0, nodeCpuCores: 0, nodeMemoryBytes: 0, pods: [] });
      }
      if (this.#isDisposed) return;
      const took = this.options.clock.now() - startedAt;
      this.#timers = [...this.#timers.slice(-3), this.options.clock.schedule(Math.max(1, periodMs - took), () => void run())];
    };
    this.#timers.push(this.options.clock.schedule(periodMs, () => void run()));
  }
}
