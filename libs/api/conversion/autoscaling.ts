/**
 * Autoscalers in `autoscaling/v1` and `autoscaling/v2`. What v1 has no fields for travels in annotations, as in Kubernetes:
 * metrics other than CPU utilization, behaviour, conditions and current metrics. Nothing is lost on the way there and back.
 */
import type { KubeObject } from '../object.js';
import { isRecord, type JsonRecord } from '../patch/json-value.js';
import { metricFromV1, metricToV1 } from './autoscaling-metrics.js';

const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';
const carriers: readonly string[] = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR];

function record(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Without absent members. */
function present(members: Readonly<Record<string, unknown>>): JsonRecord {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** The annotation's value; `undefined` where it is absent or unreadable, which Kubernetes ignores too. */
function readAnnotation(annotations: JsonRecord, name: string): unknown {
  const text = annotations[name];
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isCpuUtilization(metric: unknown): boolean {
  const resource = record(record(metric)['resource']);
  return (
    record(metric)['type'] === 'Resource' && resource['name'] === 'cpu' && record(resource['target'])['averageUtilization'] !== undefined
  );
}

function isCpuStatus(metric: unknown): boolean {
  const resource = record(record(metric)['resource']);
  return (
    record(metric)['type'] === 'Resource' && resource['name'] === 'cpu' && record(resource['current'])['averageUtilization'] !== undefined
  );
}

/** Takes the first match out of a list. */
function takeFirst(
  items: readonly unknown[],
  matches: (item: unknown) => boolean,
): { readonly taken: unknown; readonly rest: readonly unknown[] } {
  const at = items.findIndex(matches);
  return at < 0 ? { taken: undefined, rest: items } : { taken: items[at], rest: items.filter((_, index) => index !== at) };
}

function withAnnotations(object: KubeObject, annotations: JsonRecord): KubeObject['metadata'] {
  const { annotations: _, ...metadata } = object.metadata;
  const texts = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [name, String(value)]));
  return Object.keys(texts).length === 0 ? metadata : { ...metadata, annotations: texts };
}

/** The v1 form of a v2 autoscaler. */
export function autoscalerToV1(object: KubeObject): KubeObject {
  const { metrics, behavior, ...spec } = record(object['spec']);
  const cpu = takeFirst(list(metrics), isCpuUtilization);
  const carried: Record<string, unknown> = {};
  if (cpu.rest.length > 0) carried[METRICS] = JSON.stringify(cpu.rest.map((metric) => metricToV1(record(metric), 'target')));
  if (behavior !== undefined) carried[BEHAVIOR] = JSON.stringify(behavior);
  const target = record(record(record(cpu.taken)['resource'])['target'])['averageUtilization'];
  const status = object['status'] === undefined ? undefined : statusToV1(record(object['status']), carried);
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotations(object, { ...object.metadata.annotations, ...carried }),
    ...(object['spec'] === undefined ? {} : { spec: present({ ...spec, targetCPUUtilizationPercentage: target }) }),
    ...(status === undefined ? {} : { status }),
  };
}

function statusToV1(source: JsonRecord, carried: Record<string, unknown>): JsonRecord {
  const { currentMetrics, conditions, ...status } = source;
  const metrics = list(currentMetrics);
  const { taken } = takeFirst(metrics, isCpuStatus);
  if (metrics.length > 0) carried[CURRENT_METRICS] = JSON.stringify(metrics.map((metric) => metricToV1(record(metric), 'current')));
  if (conditions !== undefined) carried[CONDITIONS] = JSON.stringify(conditions);
  return present({
    ...status,
    currentCPUUtilizationPercentage: record(record(record(taken)['resource'])['current'])['averageUtilization'],
  });
}

/** The v2 form of a v1 autoscaler. */
export function autoscalerToV2(object: KubeObject): KubeObject {
  const annotations: JsonRecord = { ...object.metadata.annotations };
  const kept = Object.fromEntries(Object.entries(annotations).filter(([name]) => !carriers.includes(name)));
  const { targetCPUUtilizationPercentage: cpu, ...spec } = record(object['spec']);
  const others = list(readAnnotation(annotations, METRICS)).map((metric) => metricFromV1(record(metric), 'target'));
  const own =
    cpu === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpu } } }];
  const metrics = [...own, ...others];
  const behavior = readAnnotation(annotations, BEHAVIOR);
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(object, kept),
    ...(object['spec'] === undefined ? {} : { spec: present({ ...spec, metrics: metrics.length === 0 ? undefined : metrics, behavior }) }),
    ...(object['status'] === undefined ? {} : { status: statusToV2(record(object['status']), annotations) }),
  };
}

function statusToV2(source: JsonRecord, annotations: JsonRecord): JsonRecord {
  const { currentCPUUtilizationPercentage: cpu, ...status } = source;
  const carried = list(readAnnotation(annotations, CURRENT_METRICS)).map((metric) => metricFromV1(record(metric), 'current'));
  const isMissing = cpu !== undefined && !carried.some(isCpuStatus);
  const own = isMissing ? [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpu } } }] : [];
  const currentMetrics = [...own, ...carried];
  return present({
    ...status,
    currentMetrics: currentMetrics.length === 0 ? undefined : currentMetrics,
    conditions: readAnnotation(annotations, CONDITIONS),
  });
}
