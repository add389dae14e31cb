/** How many replicas one metric asks for. All amounts are thousandths; ratios are usage / target. */
import type { Instant } from '../kit/index.js';
import { groupPods, requestMillis } from './samples.js';
import type { GroupedPods, Measure, PodSample, StoredPod } from './samples.js';
import type { AutoscalerSettings } from './settings.js';

export interface Proposal {
  readonly replicas: number;
  /** Percent of the requests; only for utilization targets. */
  readonly utilization?: number | undefined;
  /** Mean usage of a pod, in thousandths. */
  readonly averageMillis: number;
}

export interface Failure {
  readonly error: string;
}

export interface Question {
  readonly measure: Measure;
  readonly samples: readonly PodSample[];
  readonly currentReplicas: number;
  readonly tolerances: { readonly up: number; readonly down: number };
  readonly settings: AutoscalerSettings;
  readonly now: Instant;
}

const NO_SAMPLES = 'did not receive metrics for targeted pods (pods might be unready)';

/** Replicas that bring the mean utilization to `targetPercent` of the requests. */
export function replicasForUtilization(question: Question, targetPercent: number): Proposal | Failure {
  const groups = groupPods(question.samples, question.measure, question.settings, question.now);
  if (groups.ready.size === 0) return { error: NO_SAMPLES };
  const requests = requestsOf(question);
  if ('error' in requests) return requests;
  const ratioOf = (usages: ReadonlyMap<string, number>): number => utilizationOf(usages, requests) / targetPercent;
  // A pod without sample is assumed to use all that it requests when that speaks against scaling down.
  const assumed = (pod: StoredPod): number => ((requests.get(pod.metadata.uid) ?? 0) * Math.max(100, targetPercent)) / 100;
  const replicas = propose(question, groups, { ratioOf, assumed });
  return { replicas, utilization: utilizationOf(groups.ready, requests), averageMillis: average(groups.ready) };
}

/** Replicas that bring the mean usage to `targetMillis`. */
export function replicasForAverage(question: Question, targetMillis: number): Proposal | Failure {
  const groups = groupPods(question.samples, question.measure, question.settings, question.now);
  if (groups.ready.size === 0) return { error: NO_SAMPLES };
  const ratioOf = (usages: ReadonlyMap<string, number>): number => average(usages) / targetMillis;
  const replicas = propose(question, groups, { ratioOf, assumed: () => targetMillis });
  return { replicas, averageMillis: average(groups.ready) };
}

interface Rules {
  readonly ratioOf: (usages: ReadonlyMap<string, number>) => number;
  /** Usage that a pod without sample is given when the others are below the target. */
  readonly assumed: (pod: StoredPod) => number;
}

/** Missing and unready pods are filled in so that they damp the change, and never turn its direction. */
function propose(question: Question, groups: GroupedPods, rules: Rules): number {
  const { currentReplicas } = question;
  const ratio = rules.ratioOf(groups.ready);
  const fillsUnready = groups.unready.length > 0 && ratio > 1;
  if (!fillsUnready && groups.missing.length === 0) {
    return isTolerable(question, ratio) ? currentReplicas : ceil(ratio * groups.ready.size);
  }
  const filled = new Map(groups.ready);
  for (const pod of groups.missing) {
    if (ratio < 1) filled.set(pod.metadata.uid, rules.assumed(pod));
    else if (ratio > 1) filled.set(pod.metadata.uid, 0);
  }
  if (fillsUnready) for (const pod of groups.unready) filled.set(pod.metadata.uid, 0);
  const damped = rules.ratioOf(filled);
  if (isTolerable(question, damped) || (ratio < 1 && damped > 1) || (ratio > 1 && damped < 1)) return currentReplicas;
  const replicas = ceil(damped * filled.size);
  const turnsAround = (damped < 1 && replicas > currentReplicas) || (damped > 1 && replicas < currentReplicas);
  return turnsAround ? currentReplicas : replicas;
}

function isTolerable({ tolerances }: Question, ratio: number): boolean {
  return ratio >= 1 - tolerances.down && ratio <= 1 + tolerances.up;
}

/** Up, but not for the last digit of a floating point product (3.0000000000000004). */
function ceil(replicas: number): number {
  return Math.ceil(replicas - 1e-9);
}

function requestsOf(question: Question): ReadonlyMap<string, number> | Failure {
  const requests = new Map<string, number>();
  for (const { pod } of question.samples) {
    const request = requestMillis(pod, question.measure);
    if (typeof request !== 'number') return request;
    requests.set(pod.metadata.uid, request);
  }
  return requests;
}

/** Whole percent, rounded down, as Kubernetes computes it. */
function utilizationOf(usages: ReadonlyMap<string, number>, requests: ReadonlyMap<string, number>): number {
  let used = 0;
  let requested = 0;
  for (const [uid, usage] of usages) {
    used += usage;
    requested += requests.get(uid) ?? 0;
  }
  return requested === 0 ? 0 : Math.floor((used * 100) / requested);
}

function average(usages: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const usage of usages.values()) sum += usage;
  return usages.size === 0 ? 0 : sum / usages.size;
}
