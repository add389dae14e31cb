/** Agents' pod reports become the stored pods' status, the newest report of each pod at a time; released pods are deleted. */
import { StatusError } from '../api/light.js';
import type { KubeObject, Pod, PodCondition, PodStatus } from '../api/index.js';
import type { ObjectClient } from '../reconciling/index.js';
import type { WatchCache } from '../storage/index.js';
import type { Clock, Logger } from '../kit/index.js';
import { nodeOf } from './assignment.js';
import { CoalescingWriter } from './coalescing-writer.js';
import type { PodReport } from './messages.js';
import { prefixOf, resourceOf } from './resources.js';

export const STATUS_WRITES_MAX = 64;

/** Condition types that the agent decides; all others in the stored status belong to the scheduler, controllers and readiness gates. */
const AGENT_CONDITIONS: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'DisruptionTarget',
  'PodResizePending',
  'PodResizeInProgress',
]);

interface PendingReport {
  readonly node: string;
  readonly report: PodReport;
}

export class PodStatusIntake implements Disposable {
  readonly #writer: CoalescingWriter<PendingReport>;
  /** Newest form that a write of ours returned, until the cache shows it: saves conflicts with ourselves. */
  readonly #written = new Map<string, KubeObject>();

  constructor(
    private readonly options: {
      readonly cache: WatchCache;
      readonly client: ObjectClient;
      readonly clock: Clock;
      readonly log: Logger;
    },
  ) {
    this.#writer = new CoalescingWriter({
      clock: options.clock,
      log: options.log,
      concurrency: STATUS_WRITES_MAX,
      write: (key, value) => this.#write(key, value),
    });
  }

  report(node: string, report: PodReport): void {
    this.#writer.put(`${report.namespace}/${report.name}`, { node, report });
  }

  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
  }

  async #write(key: string, { node, report }: PendingReport): Promise<void> {
    const stored = this.#newest(key);
    const pod = stored as unknown as Pod | undefined; // decode: stored under /registry/pods/
    // An agent speaks for the pods bound to it and for no other; a pod replaced under the same name is not its pod.
    if (stored === undefined || pod?.metadata?.uid !== report.uid || nodeOf(pod) !== node) return;
    try {
      const status = mergePodStatus(pod.status, decodeStatus(report.statusJson));
      if (JSON.stringify(status) !== JSON.stringify(pod.status)) {
        this.#written.set(key, await this.options.client.updateStatus(resourceOf.pod, { ...stored, status }));
      }
      if (report.released) await this.#release(report);
    } catch (error) {
      this.#written.delete(key);
      if (isReason(error, 'NotFound')) return;
      if (isReason(error, 'Invalid') || isReason(error, 'Forbidden')) {
        this.options.log.warn('pod status refused', { pod: key, node, error: String(error) });
        return;
      }
      throw error;
    }
  }

  async #release(report: PodReport): Promise<void> {
    const ref = { ...resourceOf.pod, namespace: report.namespace, name: report.name };
    await this.options.client.delete(ref, { uid: report.uid, gracePeriodSeconds: 0 });
    this.#written.delete(`${report.namespace}/${report.name}`);
  }

  #newest(key: string): KubeObject | undefined {
    const cached = this.options.cache.get(prefixOf('pod') + key)?.object;
    const written = this.#written.get(key);
    if (written === undefined) return cached;
    if (cached !== undefined && Number(written.metadata.resourceVersion) > Number(cached.metadata.resourceVersion)) return written;
    this.#written.delete(key);
    return cached;
  }
}

/** The agent's status, with what others own in the stored one kept: their conditions, and fields that agents never send. */
export function mergePodStatus(stored: PodStatus | undefined, reported: PodStatus): PodStatus {
  const foreign = (stored?.conditions ?? []).filter(
    (condition: PodCondition) =>
      !AGENT_CONDITIONS.has(condition.type) && !reported.conditions?.some((other) => other.type === condition.type),
  );
  const keptGateOrder = [...(reported.conditions ?? []), ...foreign];
  return {
    ...(stored?.nominatedNodeName === undefined ? {} : { nominatedNodeName: stored.nominatedNodeName }),
    ...(stored?.resize === undefined ? {} : { resize: stored.resize }),
    ...reported,
    conditions: keptGateOrder,
  };
}

function decodeStatus(json: string): PodStatus {
  return JSON.parse(json) as PodStatus;
}

export function isReason(error: unknown, reason: StatusError['reason']): boolean {
  return error instanceof StatusError && error.reason === reason;
}
