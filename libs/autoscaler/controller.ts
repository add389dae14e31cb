/** The controller around the decision: finds the target and its pods, remembers recommendations, scales and reports. */
import { findByKind, labelSelectorRequirements, matchesLabels } from '../api/index.js';
import type {
  GroupResource,
  KubeObject,
  LabelSelector,
  Stored,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerStatus,
} from '../api/index.js';
import type { UsageSource } from '../apiserver/index.js';
import type { Instant } from '../kit/index.js';
import { resources } from '../reconciling/index.js';
import type { ClusterView, Controller, ObjectAction, Plan } from '../reconciling/index.js';
import { NO_HISTORY } from './behavior.js';
import type { History } from './behavior.js';
import { decideReplicas, withoutTarget } from './decide.js';
import type { PodSample } from './samples.js';
import { DEFAULT_SETTINGS } from './settings.js';
import type { AutoscalerSettings } from './settings.js';

type StoredHpa = Stored<V2HorizontalPodAutoscaler>;

/** Measured values alone are written at most this often; everything else at once. */
const METRICS_WRITE_MS = 5_000;

interface Memory {
  readonly uid: string;
  history: History;
  /** A scale that was asked for; it becomes history once the target shows it. */
  pending: { readonly replicas: number; readonly history: History } | undefined;
  metricsWrittenAt: Instant;
}

export function hpaController(usage: UsageSource, settings: Partial<AutoscalerSettings> = {}): Controller {
  const tuned = { ...DEFAULT_SETTINGS, ...settings };
  const memories = new Map<string, Memory>();
  return {
    name: 'horizontal-pod-autoscaler',
    watches: [
      { resource: resources.horizontalPodAutoscalers, keys: (hpa) => [`${hpa.metadata.namespace ?? ''}/${hpa.metadata.name ?? ''}`] },
    ],
    reconcile(view, key, context) {
      const slash = key.indexOf('/');
      const hpa = view.get(resources.horizontalPodAutoscalers, key.slice(0, slash), key.slice(slash + 1));
      if (hpa === undefined || hpa.metadata.deletionTimestamp !== undefined) {
        memories.delete(key);
        return { actions: [] };
      }
      const memory = memoryOf(memories, key, hpa);
      return { actions: reconcileHpa(view, hpa, { usage, settings: tuned, memory, now: context.now }), requeueAfterMs: tuned.intervalMs };
    },
  };
}

function memoryOf(memories: Map<string, Memory>, key: string, hpa: StoredHpa): Memory {
  const before = memories.get(key);
  if (before?.uid === hpa.metadata.uid) return before;
  const memory: Memory = { uid: hpa.metadata.uid, history: NO_HISTORY, pending: undefined, metricsWrittenAt: 0 as Instant };
  memories.set(key, memory);
  return memory;
}

interface Surroundings {
  readonly usage: UsageSource;
  readonly settings: AutoscalerSettings;
  readonly memory: Memory;
  readonly now: Instant;
}

function reconcileHpa(view: ClusterView, hpa: StoredHpa, around: Surroundings): Plan['actions'] {
  const { memory, settings, now } = around;
  const target = findTarget(view, hpa);
  if ('error' in target) {
    const status = withoutTarget(hpa.status, target.error, now);
    const writes = writeStatus(hpa, status, around);
    return writes.length === 0 ? [] : [...writes, warning(hpa, 'FailedGetScale', target.error)];
  }
  if (hpa.spec === undefined) return [];
  if (memory.pending?.replicas === target.replicas) memory.history = memory.pending.history;
  memory.pending = undefined;
  const samples = samplesOf(view, hpa, target.selector, around.usage);
  const seen = { spec: hpa.spec, status: hpa.status, currentReplicas: target.replicas, samples, history: memory.history };
  const decision = decideReplicas(seen, settings, now);
  const status = { ...decision.status, observedGeneration: hpa.metadata.generation };
  if (decision.replicas === target.replicas) {
    memory.history = decision.history;
    const writes = writeStatus(hpa, status, around);
    // What still fails in the same way has been said.
    return writes.length === 0 ? [] : [...writes, ...decision.warnings.map((each) => warning(hpa, each.reason, each.message))];
  }
  memory.pending = { replicas: decision.replicas, history: decision.history };
  return [
    { do: 'update', resource: target.resource, object: withReplicas(target.object, decision.replicas) },
    {
      do: 'event',
      regarding: hpa,
      type: 'Normal',
      reason: 'SuccessfulRescale',
      message: `New size: ${decision.replicas}; reason: ${decision.reason}`,
    },
    ...writeStatus(hpa, status, around),
  ];
}

interface Target {
  readonly resource: GroupResource;
  readonly object: KubeObject;
  readonly replicas: number;
  readonly selector: LabelSelector | undefined;
}

function findTarget(view: ClusterView, hpa: StoredHpa): Target | { readonly error: string } {
  const reference = hpa.spec?.scaleTargetRef;
  const { apiVersion = '' } = reference ?? {};
  const { kind, name } = reference ?? { kind: '', name: '' };
  const info = findByKind(apiVersion, kind);
  const resource: GroupResource | undefined = info ?? customResource(view, apiVersion, kind);
  if (resource === undefined) return { error: `no matches for kind "${kind}" in group "${apiVersion.split('/')[0] ?? ''}"` };
  const object: KubeObject | undefined = view.get(resource, hpa.metadata.namespace, name);
  if (object === undefined) return { error: `${qualified(resource)} "${name}" not found` };
  const spec = object['spec'] as
    | { readonly replicas?: number; readonly selector?: LabelSelector | Readonly<Record<string, string>> }
    | undefined; // decode: a scalable kind
  const selector =
    kind === 'ReplicationController'
      ? { matchLabels: spec?.selector as Readonly<Record<string, string>> }
      : (spec?.selector as LabelSelector);
  return { resource: { group: resource.group, resource: resource.resource }, object, replicas: spec?.replicas ?? 1, selector };
}

function customResource(view: ClusterView, apiVersion: string, kind: string): GroupResource | undefined {
  const group = apiVersion.split('/')[0] ?? '';
  const found = view
    .list(resources.customResourceDefinitions)
    .find((definition) => definition.spec.group === group && definition.spec.names.kind === kind);
  return found === undefined ? undefined : { group, resource: found.spec.names.plural };
}

function qualified(resource: GroupResource): string {
  return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
}

function samplesOf(view: ClusterView, hpa: StoredHpa, selector: LabelSelector | undefined, usage: UsageSource): readonly PodSample[] {
  const requirements = labelSelectorRequirements(selector);
  if (requirements === undefined) return [];
  const newest = new Map(usage.pods(hpa.metadata.namespace).map((each) => [each.uid, each]));
  return view
    .list(resources.pods, hpa.metadata.namespace)
    .filter((pod) => matchesLabels(requirements, pod.metadata.labels))
    .map((pod) => ({ pod, usage: newest.get(pod.metadata.uid) }));
}

function withReplicas(object: KubeObject, replicas: number): KubeObject {
  return { ...object, spec: { ...(object['spec'] as object), replicas } };
}

function writeStatus(hpa: StoredHpa, status: V2HorizontalPodAutoscalerStatus, { memory, now }: Surroundings): readonly ObjectAction[] {
  const decisive = (each: V2HorizontalPodAutoscalerStatus | undefined): string =>
    JSON.stringify([each?.conditions, each?.currentReplicas, each?.desiredReplicas, each?.lastScaleTime, each?.observedGeneration]);
  const isSame = decisive(status) === decisive(hpa.status);
  const isSameMetrics = JSON.stringify(status.currentMetrics) === JSON.stringify(hpa.status?.currentMetrics);
  if (isSame && (isSameMetrics || now - memory.metricsWrittenAt < METRICS_WRITE_MS)) return [];
  memory.metricsWrittenAt = now;
  return [{ do: 'update-status', resource: resources.horizontalPodAutoscalers, object: { ...hpa, status } }];
}

function warning(hpa: StoredHpa, reason: string, message: string): ObjectAction {
  return { do: 'event', regarding: hpa, type: 'Warning', reason, message };
}
