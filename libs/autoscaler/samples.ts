/** Which pods' samples count: Kubernetes docs, Horizontal Pod Autoscaling, "Algorithm details" (unready, missing and ignored pods). */
import type { Pod, Stored } from '../api/index.js';
import { quantityMillis } from '../api/index.js';
import type { PodUsage } from '../apiserver/index.js';
import { parseTime } from '../kit/index.js';
import type { Instant } from '../kit/index.js';
import type { AutoscalerSettings } from './settings.js';

export type StoredPod = Stored<Pod>;

/** A pod of the target with its newest sample, if any. */
export interface PodSample {
  readonly pod: StoredPod;
  readonly usage: PodUsage | undefined;
}

/** What is measured: `cpu` or `memory`, of the whole pod or of one container. */
export interface Measure {
  readonly resource: string;
  readonly container?: string | undefined;
}

export interface GroupedPods {
  /** Milli-units used, by pod uid, of the pods that count. */
  readonly ready: ReadonlyMap<string, number>;
  readonly unready: readonly StoredPod[];
  readonly missing: readonly StoredPod[];
}

export function groupPods(samples: readonly PodSample[], measure: Measure, settings: AutoscalerSettings, now: Instant): GroupedPods {
  const ready = new Map<string, number>();
  const unready: StoredPod[] = [];
  const missing: StoredPod[] = [];
  for (const { pod, usage } of samples) {
    if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') continue;
    if ((pod.status?.phase ?? 'Pending') === 'Pending') {
      unready.push(pod);
      continue;
    }
    const used = usedMillis(usage, measure);
    if (usage === undefined || used === undefined) missing.push(pod);
    else if (measure.resource === 'cpu' && isStarting(pod, usage, settings, now)) unready.push(pod);
    else ready.set(pod.metadata.uid, used);
  }
  return { ready, unready, missing };
}

/** A pod that becomes ready later than this after its start has most likely been ready before. Kubernetes' cpu-initialization-period. */
const FIRST_READINESS_MS = 300_000;

/** CPU of a pod that only just starts says nothing about the load. */
function isStarting(pod: StoredPod, usage: PodUsage, settings: AutoscalerSettings, now: Instant): boolean {
  const condition = pod.status?.conditions?.find((each) => each.type === 'Ready');
  const startedAt = parseTime(pod.status?.startTime);
  if (condition === undefined || startedAt === undefined) return true;
  const changedAt = parseTime(condition.lastTransitionTime) ?? startedAt;
  const isFirstReadiness = condition.status === 'True' && changedAt < startedAt + FIRST_READINESS_MS;
  // Times of conditions are whole seconds, cut off: one is added, so that the pause is never shorter than it says.
  if (isFirstReadiness && usage.at - usage.windowMs < changedAt + 1_000 + settings.readySettleMs) return true;
  if (startedAt + settings.cpuInitializationMs > now) return condition.status === 'False' || usage.at < changedAt + usage.windowMs;
  return condition.status === 'False' && startedAt + settings.initialReadinessDelayMs > changedAt;
}

/** Thousandths of a core, or thousandths of a byte, so that both share the integer arithmetic of Kubernetes. */
function usedMillis(usage: PodUsage | undefined, measure: Measure): number | undefined {
  if (usage === undefined) return undefined;
  const containers =
    measure.container === undefined ? usage.containers : usage.containers.filter((each) => each.name === measure.container);
  if (containers.length === 0) return undefined;
  const amount = containers.reduce((sum, each) => sum + (measure.resource === 'cpu' ? each.cpuCores : each.memoryBytes), 0);
  return measure.resource === 'cpu' || measure.resource === 'memory' ? Math.round(amount * 1000) : undefined;
}

/** What the measured containers of a pod request, in thousandths; an error text where one requests nothing. */
export function requestMillis(pod: StoredPod, measure: Measure): number | { readonly error: string } {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  const containers = [...(pod.spec?.containers ?? []), ...sidecars].filter(
    (container) => measure.container === undefined || container.name === measure.container,
  );
  let sum = 0;
  for (const container of containers) {
    const request = container.resources?.requests?.[measure.resource];
    if (request === undefined) {
      return { error: `missing request for ${measure.resource} in container ${container.name} of Pod ${pod.metadata.name}` };
    }
    sum += quantityMillis(request);
  }
  return sum;
}
