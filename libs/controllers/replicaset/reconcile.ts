/** ReplicaSet: keeps `spec.replicas` active pods of its template. */
import type { KubeObject, LabelSelector, PodTemplateSpec, ReplicaSet, ReplicaSetStatus, Stored } from '../../api/index.js';
import { controllerOf, resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, DecisionContext, ObjectAction, Plan, PlanFailure, TypedResource } from '../../reconciling/index.js';
import { withCondition, withoutCondition } from '../workload/conditions.js';
import { claim, keyOf, ownerKeys, splitKey } from '../workload/ownership.js';
import { availableIn, countsTheSame, isActive, isReady, isTerminating } from '../workload/pod-facts.js';
import type { StoredPod } from '../workload/pod-facts.js';
import { canonicalJson, podFromTemplate } from '../workload/pod-template.js';
import { selectorMatches } from '../../api/index.js';
import type { Instant } from '../../kit/index.js';
import { podsToDelete } from './scale-down.js';

/** Pods created or deleted by one plan; the rest follows in the next. */
export const REPLICAS_PER_PLAN_MAX = 500;

export type StoredReplicaSet = Stored<ReplicaSet>;

/** A kind that is kept like a replica set. */
export interface ReplicaKind {
  readonly name: string;
  readonly kind: string;
  readonly resource: TypedResource<ReplicaSet>;
  /** The stored object with what differs from a replica set brought to its shape. */
  readonly read: (stored: StoredReplicaSet) => StoredReplicaSet;
}

export function replicaController(replicas: ReplicaKind): Controller {
  return {
    name: replicas.name,
    workers: 16,
    watches: [
      { resource: replicas.resource, keys: (replicaSet) => [keyOf(replicaSet)] },
      { resource: resources.pods, keys: (pod, previous, view) => keysOfPod(replicas, view, { pod, previous }) },
    ],
    reconcile(view, key, context) {
      const { namespace, name } = splitKey(key);
      const stored = view.get(replicas.resource, namespace, name);
      if (stored === undefined) return { actions: [] };
      const plan = reconcileReplicaSet(view, replicas.read(stored), context);
      return { ...plan, actions: plan.actions.map((action) => asStored(action, replicas, stored)) };
    },
  };
}

export const replicaSetController = replicaController({
  name: 'replicaset-controller',
  kind: 'ReplicaSet',
  resource: resources.replicaSets,
  read: (stored) => stored,
});

/** Status goes to the kind that it is of, beside the spec as it is stored. */
function asStored(action: ObjectAction, { resource }: ReplicaKind, stored: StoredReplicaSet): ObjectAction {
  if (action.do !== 'update-status') return action;
  return { ...action, resource, object: { ...stored, status: action.object['status'] } };
}

/** The pod's owner, or, for an orphan, every replica set of the namespace that could adopt it. */
function keysOfPod(
  { kind, resource, read }: ReplicaKind,
  view: ClusterView,
  { pod, previous }: { readonly pod: KubeObject; readonly previous: KubeObject | undefined },
): readonly string[] {
  if (previous !== undefined && previous !== pod && countsTheSame(decodePod(pod), decodePod(previous))) return [];
  const keys = ownerKeys(kind, pod, previous);
  if (keys.length > 0 || controllerOf(pod) !== undefined) return keys;
  const labels = pod.metadata.labels ?? {};
  return view
    .list(resource, pod.metadata.namespace)
    .map(read)
    .filter((replicaSet) => replicaSet.spec !== undefined && selectorMatches(replicaSet.spec.selector, labels))
    .map(keyOf);
}

/** Watched under pods. */
function decodePod(object: KubeObject): StoredPod {
  return object as unknown as StoredPod;
}

/** Same view, same instant, same plan (names of new pods come from `context.ids`). */
export function reconcileReplicaSet(view: ClusterView, replicaSet: StoredReplicaSet, context: DecisionContext): Plan {
  const spec = replicaSet.spec;
  if (spec === undefined) return { actions: [] };
  const claimed = claim(view, resources.pods, replicaSet, spec.selector);
  const active = claimed.owned.filter(isActive);
  const scaling = isTerminating(replicaSet) ? [] : scale(view, replicaSet, active, context);
  const status = statusAction(replicaSet, active, context, scaling.length > 0);
  const requeueAfterMs = nextAvailable(active, spec.minReadySeconds ?? 0, context.now);
  // A refused create is reported before it is tried again: the plan would stop before a status at its end.
  const actions =
    context.lastFailure === undefined ? [...claimed.actions, ...scaling, ...status] : [...status, ...claimed.actions, ...scaling];
  return { actions, requeueAfterMs };
}

function scale(
  view: ClusterView,
  replicaSet: StoredReplicaSet,
  active: readonly StoredPod[],
  context: DecisionContext,
): readonly ObjectAction[] {
  const missing = (replicaSet.spec?.replicas ?? 1) - active.length;
  const template = replicaSet.spec?.template;
  if (missing > 0 && template !== undefined) return creates(replicaSet, template, Math.min(missing, REPLICAS_PER_PLAN_MAX), context);
  if (missing >= 0) return [];
  const surplus = Math.min(-missing, REPLICAS_PER_PLAN_MAX);
  return podsToDelete(active, relatedPods(view, replicaSet, active), surplus, context.now).map((pod) => ({
    do: 'delete' as const,
    ref: { ...resources.pods, namespace: pod.metadata.namespace, name: pod.metadata.name },
    uid: pod.metadata.uid,
    reportTo: replicaSet,
  }));
}

function creates(
  replicaSet: StoredReplicaSet,
  template: PodTemplateSpec,
  count: number,
  context: DecisionContext,
): readonly ObjectAction[] {
  const names = new Set<string>();
  while (names.size < count) names.add(`${replicaSet.metadata.name}-${context.ids.suffix(5)}`);
  return [...names].map((name) => ({
    do: 'create' as const,
    resource: resources.pods,
    object: podFromTemplate(template, replicaSet, name),
    reportTo: replicaSet,
  }));
}

/** Active pods of all replica sets of the same Deployment: what "spread over nodes" is measured with. */
function relatedPods(view: ClusterView, replicaSet: StoredReplicaSet, active: readonly StoredPod[]): readonly StoredPod[] {
  const owner = controllerOf(replicaSet);
  if (owner === undefined) return active;
  return view
    .ownedOf(resources.replicaSets, owner.uid)
    .flatMap((sibling) => view.ownedOf(resources.pods, sibling.metadata.uid))
    .filter(isActive);
}

function nextAvailable(active: readonly StoredPod[], minReadySeconds: number, now: Instant): number | undefined {
  if (minReadySeconds <= 0) return undefined;
  const waits = active.map((pod) => availableIn(pod, minReadySeconds, now)).filter((wait) => wait !== undefined && wait > 0);
  return waits.length === 0 ? undefined : Math.min(...waits.map((wait) => wait ?? 0)) + 1;
}

function statusAction(
  replicaSet: StoredReplicaSet,
  active: readonly StoredPod[],
  context: DecisionContext,
  isScaling: boolean,
): readonly ObjectAction[] {
  const status = replicaSetStatus(replicaSet, active, context, isScaling);
  if (canonicalJson(status) === canonicalJson(replicaSet.status)) return [];
  return [{ do: 'update-status', resource: resources.replicaSets, object: { ...replicaSet, status } }];
}

/** What the view shows, not what the plan hopes for. */
export function replicaSetStatus(
  replicaSet: StoredReplicaSet,
  active: readonly StoredPod[],
  context: Pick<DecisionContext, 'now' | 'lastFailure'>,
  isScaling: boolean,
): ReplicaSetStatus {
  const minReadySeconds = replicaSet.spec?.minReadySeconds ?? 0;
  const labels: LabelSelector = { matchLabels: replicaSet.spec?.template?.metadata?.labels };
  const count = (holds: (pod: StoredPod) => boolean): number => active.reduce((sum, pod) => sum + (holds(pod) ? 1 : 0), 0);
  return withoutZeros({
    replicas: active.length,
    fullyLabeledReplicas: count((pod) => selectorMatches(labels, pod.metadata.labels ?? {})),
    readyReplicas: count(isReady),
    availableReplicas: count((pod) => availableIn(pod, minReadySeconds, context.now) === 0),
    observedGeneration: replicaSet.metadata.generation,
    conditions: replicaFailure(replicaSet, context, isScaling),
  });
}

/** Counts of zero are left out (but for `replicas`), as Kubernetes does. */
function withoutZeros(status: ReplicaSetStatus): ReplicaSetStatus {
  const kept = Object.entries(status).filter(([, value]) => value !== 0 && value !== undefined);
  return { ...Object.fromEntries(kept), replicas: status.replicas };
}

/** `ReplicaFailure` says why pods cannot be created or deleted; it goes when scaling works or is no longer needed. */
function replicaFailure(
  replicaSet: StoredReplicaSet,
  context: { readonly now: Instant; readonly lastFailure?: PlanFailure | undefined },
  isScaling: boolean,
): ReplicaSetStatus['conditions'] {
  const before = replicaSet.status?.conditions;
  const failure = context.lastFailure;
  if (failure === undefined || !isScaling || (failure.action !== 'create' && failure.action !== 'delete')) {
    const others = withoutCondition(before, 'ReplicaFailure');
    return others.length === 0 ? undefined : others;
  }
  const reason = failure.action === 'create' ? 'FailedCreate' : 'FailedDelete';
  return [...withCondition(before, { type: 'ReplicaFailure', status: 'True', reason, message: failure.message }, context.now)];
}
