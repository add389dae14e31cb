/** One look at one HorizontalPodAutoscaler: the replicas that its target is to have, and the status that says why. */
import { formatBytes, formatMillis, quantityMillis } from '../api/index.js';
import type {
  V2HorizontalPodAutoscalerCondition,
  V2HorizontalPodAutoscalerSpec,
  V2HorizontalPodAutoscalerStatus,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from '../api/index.js';
import { formatTime } from '../kit/index.js';
import type { Instant } from '../kit/index.js';
import { normalize, remember } from './behavior.js';
import type { History } from './behavior.js';
import { replicasForAverage, replicasForUtilization } from './replicas.js';
import type { Failure, Proposal, Question } from './replicas.js';
import type { Measure, PodSample } from './samples.js';
import type { AutoscalerSettings } from './settings.js';

export interface AutoscalerView {
  readonly spec: V2HorizontalPodAutoscalerSpec;
  readonly status: V2HorizontalPodAutoscalerStatus | undefined;
  /** `spec.replicas` of the target. */
  readonly currentReplicas: number;
  readonly samples: readonly PodSample[];
  readonly history: History;
}

export interface AutoscalerDecision {
  readonly replicas: number;
  readonly status: V2HorizontalPodAutoscalerStatus;
  readonly history: History;
  /** Why the number changes; for the SuccessfulRescale event. */
  readonly reason: string;
  /** Warnings: reason and message. */
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

type Conditions = readonly V2HorizontalPodAutoscalerCondition[];

/** Same view, settings and instant: same decision. */
export function decideReplicas(view: AutoscalerView, settings: AutoscalerSettings, now: Instant): AutoscalerDecision {
  const { spec, currentReplicas: current } = view;
  const min = spec.minReplicas ?? 1;
  let conditions = set(view.status?.conditions ?? [], ableToScale.gotScale, now);
  if (current === 0 && min !== 0) {
    conditions = set(conditions, scalingDisabled, now);
    return finish(view, { conditions, replicas: 0, metrics: view.status?.currentMetrics, reason: '' }, [], now);
  }
  if (current > spec.maxReplicas) {
    return finish(view, { conditions, replicas: spec.maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' }, [], now);
  }
  if (current < min)
    return finish(view, { conditions, replicas: min, reason: 'Current number of replicas below Spec.MinReplicas' }, [], now);
  const asked = askMetrics(view, settings, now);
  if (asked.kind === 'failed') {
    conditions = set(conditions, { type: 'ScalingActive', status: 'False', reason: asked.reason, message: asked.message }, now);
    const warnings = [
      { reason: asked.reason, message: asked.error },
      { reason: 'FailedComputeMetricsReplicas', message: asked.message },
    ];
    return finish(view, { conditions, replicas: current, metrics: asked.metrics, reason: '' }, warnings, now);
  }
  const valid = `the HPA was able to successfully calculate a replica count from ${asked.metricName}`;
  conditions = set(conditions, { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound', message: valid }, now);
  // After a start nothing is known of the past: the present size stands for it, so that a restart does not scale down at once.
  const history = view.history.recommendations.length > 0 ? view.history : remember(view.history, current, 0, now);
  const bounds = { current, min, max: spec.maxReplicas };
  const normalized = normalize(asked.replicas, bounds, spec.behavior, { history, settings, now });
  conditions = set(conditions, { type: 'AbleToScale', status: 'True', ...normalized.stabilized }, now);
  const limited = normalized.limited === undefined ? withinRange : { type: 'ScalingLimited', status: 'True', ...normalized.limited };
  conditions = set(conditions, limited, now);
  const reason = normalized.replicas > current ? `${asked.metricName} above target` : 'All metrics below target';
  const outcome = { conditions, replicas: normalized.replicas, metrics: asked.metrics, reason };
  return finish({ ...view, history: remember(history, asked.replicas, 0, now) }, outcome, [], now);
}

const ableToScale = {
  gotScale: {
    type: 'AbleToScale',
    status: 'True',
    reason: 'SucceededGetScale',
    message: "the HPA controller was able to get the target's current scale",
  },
} as const;

const scalingDisabled = {
  type: 'ScalingActive',
  status: 'False',
  reason: 'ScalingDisabled',
  message: 'scaling is disabled since the replica count of the target is zero',
};

const withinRange = {
  type: 'ScalingLimited',
  status: 'False',
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};

interface Outcome {
  readonly conditions: Conditions;
  readonly replicas: number;
  readonly metrics?: readonly V2MetricStatus[] | undefined;
  readonly reason: string;
}

function finish(view: AutoscalerView, outcome: Outcome, warnings: AutoscalerDecision['warnings'], now: Instant): AutoscalerDecision {
  const { replicas, reason } = outcome;
  const delta = replicas - view.currentReplicas;
  const rescaled = {
    type: 'AbleToScale',
    status: 'True',
    reason: 'SucceededRescale',
    message: `the HPA controller was able to update the target scale to ${replicas}`,
  };
  const conditions = delta === 0 ? outcome.conditions : set(outcome.conditions, rescaled, now);
  const changes = delta === 0 ? view.history.changes : [...view.history.changes, { at: now, delta }];
  return {
    replicas,
    reason,
    warnings,
    history: { ...view.history, changes },
    status: {
      currentReplicas: view.currentReplicas,
      desiredReplicas: replicas,
      currentMetrics: outcome.metrics,
      conditions,
      lastScaleTime: delta === 0 ? view.status?.lastScaleTime : formatTime(now),
    },
  };
}

/** The status where the target cannot be read at all. */
export function withoutTarget(
  status: V2HorizontalPodAutoscalerStatus | undefined,
  message: string,
  now: Instant,
): V2HorizontalPodAutoscalerStatus {
  const condition = {
    type: 'AbleToScale',
    status: 'False',
    reason: 'FailedGetScale',
    message: `the HPA controller was unable to get the target's current scale: ${message}`,
  };
  return { desiredReplicas: 0, ...status, conditions: set(status?.conditions ?? [], condition, now) };
}

type Asked =
  | { readonly kind: 'asked'; readonly replicas: number; readonly metricName: string; readonly metrics: readonly V2MetricStatus[] }
  | {
      readonly kind: 'failed';
      readonly reason: string;
      /** For the condition. */
      readonly message: string;
      /** For the event of the metric itself. */
      readonly error: string;
      readonly metrics: readonly V2MetricStatus[] | undefined;
    };

/** The largest that any metric asks for. A metric that fails forbids scaling down, not up. */
function askMetrics(view: AutoscalerView, settings: AutoscalerSettings, now: Instant): Asked {
  const { spec, currentReplicas } = view;
  const metrics: V2MetricStatus[] = [];
  let best: { replicas: number; metricName: string } | undefined;
  let failed: { reason: string; error: string } | undefined;
  for (const metric of spec.metrics ?? []) {
    const answer = askMetric(metric, view, settings, now);
    if ('error' in answer) {
      failed ??= answer;
      continue;
    }
    metrics.push(answer.status);
    if (best === undefined || answer.replicas > best.replicas) best = { replicas: answer.replicas, metricName: answer.metricName };
  }
  if (best !== undefined && (failed === undefined || best.replicas >= currentReplicas)) return { kind: 'asked', ...best, metrics };
  const { reason, error } = failed ?? { reason: 'InvalidMetricSourceType', error: 'no metrics are specified' };
  const message = `the HPA was unable to compute the replica count: ${error}`;
  return { kind: 'failed', reason, message, error, metrics: metrics.length === 0 ? view.status?.currentMetrics : metrics };
}

interface MetricAnswer {
  readonly replicas: number;
  readonly metricName: string;
  readonly status: V2MetricStatus;
}

function askMetric(
  metric: V2MetricSpec,
  view: AutoscalerView,
  settings: AutoscalerSettings,
  now: Instant,
): MetricAnswer | (Failure & { reason: string }) {
  if (metric.type === 'Resource' && metric.resource !== undefined) {
    const { name, target } = metric.resource;
    const answer = askResource({ resource: name }, target, question({ resource: name }, view, settings, now));
    if ('error' in answer)
      return { reason: 'FailedGetResourceMetric', error: `failed to get ${name} ${measuredBy(target)}: ${answer.error}` };
    const status: V2MetricStatus = { type: 'Resource', resource: { name, current: answer.current } };
    return { replicas: answer.replicas, metricName: `${name} resource${percentage(target)}`, status };
  }
  if (metric.type === 'ContainerResource' && metric.containerResource !== undefined) {
    const { name, container, target } = metric.containerResource;
    const measure = { resource: name, container };
    const answer = askResource(measure, target, question(measure, view, settings, now));
    if ('error' in answer) {
      return { reason: 'FailedGetContainerResourceMetric', error: `failed to get ${name} ${measuredBy(target)}: ${answer.error}` };
    }
    const status: V2MetricStatus = { type: 'ContainerResource', containerResource: { name, container, current: answer.current } };
    return { replicas: answer.replicas, metricName: `${name} container resource${percentage(target)}`, status };
  }
  // Custom and external metrics need an adapter that this cluster does not have.
  const reason = { Pods: 'FailedGetPodsMetric', Object: 'FailedGetObjectMetric', External: 'FailedGetExternalMetric' }[metric.type];
  const name = metric.pods?.metric.name ?? metric.object?.metric.name ?? metric.external?.metric.name ?? metric.type;
  const api = metric.type === 'External' ? 'external.metrics.k8s.io' : 'custom.metrics.k8s.io';
  return {
    reason: reason ?? 'InvalidMetricSourceType',
    error: `unable to get metric ${name}: no metrics returned from ${metric.type === 'External' ? 'external' : 'custom'} metrics API: ${api} is not served`,
  };
}

function percentage(target: V2MetricTarget): string {
  return target.averageUtilization === undefined ? '' : ' utilization (percentage of request)';
}

function measuredBy(target: V2MetricTarget): string {
  return target.averageUtilization === undefined ? 'usage' : 'utilization';
}

function question(measure: Measure, view: AutoscalerView, settings: AutoscalerSettings, now: Instant): Question {
  const { behavior } = view.spec;
  const tolerance = (own: string | undefined): number => (own === undefined ? settings.tolerance : quantityMillis(own) / 1000);
  return {
    measure,
    samples: view.samples,
    currentReplicas: view.currentReplicas,
    tolerances: { up: tolerance(behavior?.scaleUp?.tolerance), down: tolerance(behavior?.scaleDown?.tolerance) },
    settings,
    now,
  };
}

function askResource(
  measure: Measure,
  target: V2MetricTarget,
  asked: Question,
): { replicas: number; current: V2MetricValueStatus } | Failure {
  const answer = replicasForTarget(target, asked);
  if ('error' in answer) return answer;
  const averageMillis = Math.ceil(answer.averageMillis);
  const averageValue = measure.resource === 'cpu' ? formatMillis(averageMillis) : formatBytes(Math.ceil(averageMillis / 1000));
  const utilization = answer.utilization === undefined ? {} : { averageUtilization: answer.utilization };
  return { replicas: answer.replicas, current: { averageValue, ...utilization } };
}

function replicasForTarget(target: V2MetricTarget, asked: Question): Proposal | Failure {
  if (target.averageUtilization !== undefined) return replicasForUtilization(asked, target.averageUtilization);
  if (target.averageValue !== undefined) return replicasForAverage(asked, quantityMillis(target.averageValue));
  return { error: 'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set' };
}

type NewCondition = Omit<V2HorizontalPodAutoscalerCondition, 'lastTransitionTime'>;

/** The condition in place, its transition time moving only with its status. */
function set(conditions: Conditions, next: NewCondition, now: Instant): Conditions {
  const before = conditions.find((condition) => condition.type === next.type);
  const lastTransitionTime = before?.status === next.status ? (before.lastTransitionTime ?? formatTime(now)) : formatTime(now);
  const entry = { ...next, lastTransitionTime };
  return before === undefined ? [...conditions, entry] : conditions.map((condition) => (condition === before ? entry : condition));
}
