/** The table of HorizontalPodAutoscalers: what is measured against what is wanted. */
import type {
  HorizontalPodAutoscaler,
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
} from '../generated/types.js';
import { age, ageColumn, integer, nameColumn, nameOf, orNone, printer, text } from './printer.js';

const SHOWN_MAX = 2;
const UNKNOWN = '<unknown>';

const columns = [
  nameColumn,
  text('Reference', 'What is scaled.'),
  text('Targets', 'What is measured, against what is wanted.'),
  text('MinPods', 'Never fewer pods than this.'),
  text('MaxPods', 'Never more pods than this.'),
  integer('Replicas', 'How many pods there are.'),
  ageColumn,
];

interface Current {
  readonly value?: string | undefined;
  readonly averageValue?: string | undefined;
  readonly averageUtilization?: number | undefined;
}

/** The measured value in the unit of the target. */
function pairOf(target: V2MetricTarget, current: Current | undefined): string {
  if (target.averageUtilization !== undefined) {
    const measured = current?.averageUtilization;
    return `${measured === undefined ? UNKNOWN : `${measured}%`}/${target.averageUtilization}%`;
  }
  if (target.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue}`;
  return `${current?.value ?? UNKNOWN}/${target.value ?? UNKNOWN}`;
}

/** One metric; those of the object and of pods carry no name, as in Kubernetes, and averages of outside metrics say `(avg)`. */
function metricText(spec: V2MetricSpec, status: V2MetricStatus | undefined): string {
  if (spec.resource !== undefined) return `${spec.resource.name}: ${pairOf(spec.resource.target, status?.resource?.current)}`;
  if (spec.containerResource !== undefined) {
    const { name, target } = spec.containerResource;
    return `${name}: ${pairOf(target, status?.containerResource?.current)}`;
  }
  if (spec.pods !== undefined) return pairOf(spec.pods.target, status?.pods?.current);
  const [source, current] = spec.object === undefined ? [spec.external, status?.external?.current] : [spec.object, status?.object?.current];
  if (source === undefined) return '<unknown type>';
  const average = source.target.averageValue !== undefined && source.target.value === undefined;
  return `${pairOf(source.target, current)}${average ? ' (avg)' : ''}`;
}

function targetsText(autoscaler: V2HorizontalPodAutoscaler): string {
  const metrics = autoscaler.spec?.metrics ?? [];
  const current = autoscaler.status?.currentMetrics ?? [];
  const texts = metrics.slice(0, SHOWN_MAX).map((spec, index) => metricText(spec, current[index]));
  const more = metrics.length > SHOWN_MAX ? ` + ${metrics.length - SHOWN_MAX} more...` : '';
  return orNone(texts.join(', ') + more);
}

function referenceText(reference: { readonly kind: string; readonly name: string } | undefined): string {
  return reference === undefined ? '' : `${reference.kind}/${reference.name}`;
}

export const horizontalPodAutoscalerPrinter = printer<V2HorizontalPodAutoscaler>({
  columns,
  cells: (autoscaler, now) => [
    nameOf(autoscaler),
    referenceText(autoscaler.spec?.scaleTargetRef),
    targetsText(autoscaler),
    `${autoscaler.spec?.minReplicas ?? '<unset>'}`,
    `${autoscaler.spec?.maxReplicas ?? 0}`,
    autoscaler.status?.currentReplicas ?? 0,
    age(autoscaler, now),
  ],
});

export const horizontalPodAutoscalerV1Printer = printer<HorizontalPodAutoscaler>({
  columns,
  cells: (autoscaler, now) => {
    const wanted = autoscaler.spec?.targetCPUUtilizationPercentage;
    const measured = autoscaler.status?.currentCPUUtilizationPercentage;
    return [
      nameOf(autoscaler),
      referenceText(autoscaler.spec?.scaleTargetRef),
      wanted === undefined ? '<none>' : `cpu: ${measured === undefined ? UNKNOWN : `${measured}%`}/${wanted}%`,
      `${autoscaler.spec?.minReplicas ?? '<unset>'}`,
      `${autoscaler.spec?.maxReplicas ?? 0}`,
      autoscaler.status?.currentReplicas ?? 0,
      age(autoscaler, now),
    ];
  },
});
