/** Defaults of HorizontalPodAutoscalers, `autoscaling/v1` and `v2`. */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerBehavior,
  V2HorizontalPodAutoscalerSpec,
  V2HPAScalingRules,
  V2MetricSpec,
} from '../generated/types.js';
import { emptyObject, filler } from './filler.js';

const CPU_UTILIZATION_DEFAULT = 80;

const cpuMetric: V2MetricSpec = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: CPU_UTILIZATION_DEFAULT } },
};

/** Four pods or double, whichever is more, every 15 s, at once. */
const fillScaleUp = filler<V2HPAScalingRules>({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: () => [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
});

/** All pods every 15 s; how long to wait first stays unset, because the controller's own setting decides it. */
const fillScaleDown = filler<V2HPAScalingRules>({
  selectPolicy: 'Max',
  policies: () => [{ type: 'Percent', value: 100, periodSeconds: 15 }],
});

const fillBehavior = filler<V2HorizontalPodAutoscalerBehavior>(
  { scaleUp: emptyObject, scaleDown: emptyObject },
  { scaleUp: fillScaleUp, scaleDown: fillScaleDown },
);

function withMetrics(spec: V2HorizontalPodAutoscalerSpec): V2HorizontalPodAutoscalerSpec {
  return (spec.metrics ?? []).length > 0 ? spec : { ...spec, metrics: [cpuMetric] };
}

const fillSpec = filler<V2HorizontalPodAutoscalerSpec>({ minReplicas: 1 }, { behavior: fillBehavior });

export const fillHorizontalPodAutoscaler = filler<V2HorizontalPodAutoscaler>(
  { status: () => ({ desiredReplicas: 0 }) },
  { spec: (spec) => fillSpec(withMetrics(spec)) },
);

const METRICS_ANNOTATION = 'autoscaling.alpha.kubernetes.io/metrics';

/** In v1 the metrics other than CPU are an annotation; the CPU target is filled only where there are none. */
export function fillHorizontalPodAutoscalerV1(object: HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const hasMetrics = object.metadata?.annotations?.[METRICS_ANNOTATION] !== undefined;
  const target = hasMetrics ? {} : { targetCPUUtilizationPercentage: CPU_UTILIZATION_DEFAULT };
  return filler<HorizontalPodAutoscaler>(
    { status: () => ({ currentReplicas: 0, desiredReplicas: 0 }) },
    { spec: filler<HorizontalPodAutoscalerSpec>({ minReplicas: 1, ...target }) },
  )(object);
}
