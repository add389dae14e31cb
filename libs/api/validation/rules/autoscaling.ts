/** Rules of HorizontalPodAutoscalers, `autoscaling/v2` and `v1`. */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerSpec,
  V2HPAScalingPolicy,
  V2HPAScalingRules,
  V2MetricSpec,
  V2MetricTarget,
} from '../../generated/types.js';
import { compareQuantities } from '../../quantity/quantity.js';
import type { Place, Rule } from '../place.js';
import { Check, Each, Nested, NotEmpty, OneOf, Required, Whole } from '../rule-class.js';
import { TargetReferenceRules } from './meta.js';

interface Bounds {
  readonly minReplicas?: number | undefined;
  readonly maxReplicas?: number | undefined;
}

const bounds: Rule<Bounds> = ({ minReplicas, maxReplicas = 0 }, at) => {
  if (minReplicas !== undefined && minReplicas < 1) {
    at.field('minReplicas').invalid(minReplicas, 'must be greater than or equal to 1');
  }
  const max = at.field('maxReplicas');
  if (maxReplicas < 1) max.invalid(maxReplicas, 'must be greater than 0');
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    max.invalid(maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
};

const sources = ['object', 'pods', 'resource', 'external', 'containerResource'] as const;
const sourceOf: Readonly<Record<string, (typeof sources)[number]>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

const targetTypes = ['Utilization', 'Value', 'AverageValue'];

function target(given: V2MetricTarget | undefined, at: Place): void {
  const value: Partial<V2MetricTarget> = given ?? {};
  const type = value.type ?? '';
  if (type === '') at.field('type').required('must specify a metric target type');
  else if (!targetTypes.includes(type)) {
    at.field('type').invalid(value.type, 'must be either Utilization, Value, or AverageValue');
  }
  if (value.averageUtilization !== undefined && value.averageUtilization < 1) {
    at.field('averageUtilization').invalid(value.averageUtilization, 'must be greater than 0');
  }
  for (const field of ['value', 'averageValue'] as const) {
    const amount = value[field];
    if (amount !== undefined && compareQuantities(amount, '0') <= 0) at.field(field).invalid(amount, 'must be positive');
  }
}

/** A share of the request or an absolute amount, one of them. */
function resourceTarget(given: V2MetricTarget | undefined, at: Place): void {
  const value: Partial<V2MetricTarget> = given ?? {};
  if (value.averageUtilization === undefined && value.averageValue === undefined) {
    at.field('averageUtilization').required('must set either a target raw value or a target utilization');
  } else if (value.averageUtilization !== undefined && value.averageValue !== undefined) {
    at.field('averageValue').forbidden('may not set both a target raw value and a target utilization');
  }
}

function resourceMetric(metric: V2MetricSpec, at: Place): void {
  for (const field of ['resource', 'containerResource'] as const) {
    const source = metric[field];
    if (source === undefined) continue;
    const place = at.field(field);
    if ((source.name ?? '') === '') place.field('name').required('must specify a resource name');
    target(source.target, place.field('target'));
    resourceTarget(source.target, place.field('target'));
  }
  if (metric.containerResource !== undefined && (metric.containerResource.container ?? '') === '') {
    at.down('containerResource', 'container').required('must specify a container');
  }
}

function otherMetric(metric: V2MetricSpec, at: Place): void {
  for (const field of ['object', 'pods', 'external'] as const) {
    const source = metric[field];
    if (source === undefined) continue;
    const place = at.field(field);
    if ((source.metric?.name ?? '') === '') place.down('metric', 'name').required('must specify a metric name');
    target(source.target, place.field('target'));
    const wanted: Partial<V2MetricTarget> = source.target ?? {}; // absent where a client left it out
    if (field === 'pods' && wanted.averageValue === undefined) {
      place.down('target', 'averageValue').required('must specify a positive target averageValue');
    } else if (field !== 'pods' && wanted.value === undefined && wanted.averageValue === undefined) {
      place.down('target', 'averageValue').required('must set either a target value for metric or a per-pod target');
    }
  }
}

const metric: Rule<V2MetricSpec> = (spec, at) => {
  if ((spec.type ?? '') === '') at.field('type').required('must specify a metric source type');
  const expected = sourceOf[spec.type];
  if (expected === undefined) {
    at.field('type').unsupported(spec.type ?? '', Object.keys(sourceOf));
    return;
  }
  if (spec[expected] === undefined) at.field(expected).required('must populate information for the given metric source');
  for (const field of sources) {
    if (field !== expected && spec[field] !== undefined) at.field(field).forbidden('must populate the given metric source only');
  }
  resourceMetric(spec, at);
  otherMetric(spec, at);
};

@Whole(metric)
class MetricRules {
  readonly type?: string;
}

function withinSeconds(max: number, min: number): Rule<number> {
  return (seconds, at) => {
    if (seconds < min) at.invalid(seconds, min === 0 ? 'must be greater than or equal to zero' : 'must be greater than zero');
    else if (seconds > max) at.invalid(seconds, `must be less than or equal to ${max}`);
  };
}

class PolicyRules {
  @Required()
  @OneOf('Percent', 'Pods')
  readonly type?: V2HPAScalingPolicy['type'];
  @Check<number>((value, at) => {
    if (value <= 0) at.invalid(value, 'must be greater than zero');
  })
  readonly value?: V2HPAScalingPolicy['value'];
  @Check(withinSeconds(1800, 1)) readonly periodSeconds?: V2HPAScalingPolicy['periodSeconds'];
}

class ScalingRules {
  @Check(withinSeconds(3600, 0)) readonly stabilizationWindowSeconds?: V2HPAScalingRules['stabilizationWindowSeconds'];
  @OneOf('Disabled', 'Max', 'Min') readonly selectPolicy?: V2HPAScalingRules['selectPolicy'];
  @NotEmpty('must specify at least one Policy')
  @Each(() => PolicyRules)
  readonly policies?: V2HPAScalingRules['policies'];
}

class BehaviorRules {
  @Nested(() => ScalingRules) readonly scaleUp?: V2HPAScalingRules;
  @Nested(() => ScalingRules) readonly scaleDown?: V2HPAScalingRules;
}

@Whole<V2HorizontalPodAutoscalerSpec>(bounds)
class AutoscalerSpecRules {
  @Required()
  @Nested(() => TargetReferenceRules)
  readonly scaleTargetRef?: V2HorizontalPodAutoscalerSpec['scaleTargetRef'];
  @Each(() => MetricRules) readonly metrics?: V2HorizontalPodAutoscalerSpec['metrics'];
  @Nested(() => BehaviorRules) readonly behavior?: V2HorizontalPodAutoscalerSpec['behavior'];
}

export class HorizontalPodAutoscalerRules {
  @Required()
  @Nested(() => AutoscalerSpecRules)
  readonly spec?: V2HorizontalPodAutoscaler['spec'];
}

@Whole<HorizontalPodAutoscalerSpec>(bounds)
class AutoscalerV1SpecRules {
  @Required()
  @Nested(() => TargetReferenceRules)
  readonly scaleTargetRef?: HorizontalPodAutoscalerSpec['scaleTargetRef'];
  @Check<number>((value, at) => {
    if (value < 1) at.invalid(value, 'must be greater than 0');
  })
  readonly targetCPUUtilizationPercentage?: HorizontalPodAutoscalerSpec['targetCPUUtilizationPercentage'];
}

export class HorizontalPodAutoscalerV1Rules {
  @Required()
  @Nested(() => AutoscalerV1SpecRules)
  readonly spec?: HorizontalPodAutoscaler['spec'];
}
