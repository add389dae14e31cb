/** Kubernetes' requests and limits in the kernel's words: shares, weight, quota, bytes. Pure. */
import { quantityMillis, quantityValue } from '../../api/light.js';
import type { Container, Pod } from '../../api/index.js';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** What one cgroup is limited to; absent fields are not limited. */
export interface CgroupLimits {
  /** CPU weight in v1's words, 2..262144; 1024 per core asked for. */
  readonly cpuShares?: number | undefined;
  /** CPU time per period, microseconds. */
  readonly cpuQuotaUs?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly pids?: number | undefined;
}

/** Kubernetes' CFS period, microseconds. */
export const CPU_PERIOD_US = 100_000;
const SHARES_MIN = 2;
const SHARES_MAX = 262_144;
/** The kernel refuses a quota below one millisecond. */
const QUOTA_MIN_US = 1_000;

type Amounts = Readonly<Record<string, string>> | undefined;

/** Kubernetes docs, "Configure Quality of Service for Pods": cpu and memory of all containers decide. */
export function qosClass(pod: Pod): QosClass {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const set = containers.map((container) => container.resources);
  const isSet = (amounts: Amounts, key: string): boolean => amounts?.[key] !== undefined && quantityMillis(amounts[key]) > 0;
  const keys = ['cpu', 'memory'];
  if (!set.some((r) => keys.some((key) => isSet(r?.requests, key) || isSet(r?.limits, key)))) return 'BestEffort';
  const guaranteed = set.every((r) => keys.every((key) => isSet(r?.limits, key) && equalRequest(r?.requests, r?.limits, key)));
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function equalRequest(requests: Amounts, limits: Amounts, key: string): boolean {
  const request = requests?.[key];
  const limit = limits?.[key];
  return request === undefined || (limit !== undefined && quantityMillis(request) === quantityMillis(limit));
}

export function containerLimits(container: Container): CgroupLimits {
  const { requests, limits } = container.resources ?? {};
  const cpuLimit = limits?.['cpu'];
  const memory = limits?.['memory'];
  return {
    cpuShares: sharesOf(quantityMillis(requests?.['cpu'] ?? cpuLimit ?? '0')),
    cpuQuotaUs: cpuLimit === undefined ? undefined : quotaOf(quantityMillis(cpuLimit)),
    memoryBytes: memory === undefined ? undefined : quantityValue(memory),
  };
}

/** A pod is limited where all its containers are; restartable init containers (sidecars) add to the sum, plain ones only raise it. */
export function podLimits(pod: Pod, pidsMax: number | undefined): CgroupLimits {
  const all = (read: (container: Container) => number | undefined): number | undefined => podTotal(pod, read);
  const cpu = all((c) => optional(c.resources?.limits?.['cpu'], quantityMillis));
  return {
    cpuShares: sharesOf(podCpuRequest(pod)),
    cpuQuotaUs: cpu === undefined ? undefined : quotaOf(cpu),
    memoryBytes: all((c) => optional(c.resources?.limits?.['memory'], quantityValue)),
    pids: pidsMax,
  };
}

/** Milli-CPUs that the pod asks for. */
export function podCpuRequest(pod: Pod): number {
  return podTotal(pod, (c) => quantityMillis(c.resources?.requests?.['cpu'] ?? c.resources?.limits?.['cpu'] ?? '0')) ?? 0;
}

/** `undefined` as soon as one container has no amount. */
function podTotal(pod: Pod, read: (container: Container) => number | undefined): number | undefined {
  let total = 0;
  for (const container of pod.spec?.containers ?? []) {
    const amount = read(container);
    if (amount === undefined) return undefined;
    total += amount;
  }
  let peak = total;
  let sidecars = 0;
  for (const container of pod.spec?.initContainers ?? []) {
    const amount = read(container);
    if (amount === undefined) return undefined;
    if (container.restartPolicy === 'Always') sidecars += amount;
    else peak = Math.max(peak, sidecars + amount);
  }
  return Math.max(peak, total + sidecars);
}

function optional(quantity: string | undefined, read: (quantity: string) => number): number | undefined {
  return quantity === undefined ? undefined : read(quantity);
}

export function sharesOf(milliCpus: number): number {
  return Math.min(SHARES_MAX, Math.max(SHARES_MIN, Math.floor((milliCpus * 1024) / 1000)));
}

export function quotaOf(milliCpus: number): number {
  return Math.max(QUOTA_MIN_US, Math.ceil((milliCpus * CPU_PERIOD_US) / 1000));
}

/** v1 shares 2..262144 to v2 weight 1..10000, the linear conversion that OCI runtimes use. */
export function weightOf(shares: number): number {
  return Math.trunc(1 + ((shares - SHARES_MIN) * 9999) / (SHARES_MAX - SHARES_MIN));
}

/** Kubernetes docs, "Node out of memory behavior": Guaranteed -997, BestEffort 1000, Burstable in between by request. */
export function oomScoreAdjustment(pod: Pod, container: Container, capacityBytes: number): number {
  const qos = qosClass(pod);
  if (pod.spec?.priorityClassName === 'system-node-critical' || qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const request = quantityValue(container.resources?.requests?.['memory'] ?? container.resources?.limits?.['memory'] ?? '0');
  const score = 1000 - Math.floor((1000 * request) / capacityBytes);
  return Math.min(999, Math.max(3, score));
}
