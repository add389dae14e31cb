/** PodDisruptionBudget status: how many pods may be evicted right now. Evictions read `disruptionsAllowed`. */
import { labelSelectorRequirements, matchesLabels } from '../../api/index.js';
import type { KubeObject, PodDisruptionBudget, Condition, PodDisruptionBudgetStatus, Stored } from '../../api/index.js';
import { formatTime, parseTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import { controllerOf, resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, Plan } from '../../reconciling/index.js';
import { resolve } from '../deployment/rollout.js';
import { keyOf, splitKey } from '../workload/ownership.js';
import { isActive, isReady } from '../workload/pod-facts.js';
import type { StoredPod } from '../workload/pod-facts.js';
import { canonicalJson } from '../workload/pod-template.js';

type StoredBudget = Stored<PodDisruptionBudget>;

/** An eviction that was allowed but whose pod does not go is forgotten after this time. */
const DISRUPTED_TIMEOUT_MS = 120_000;

export const disruptionController: Controller = {
  name: 'disruption-controller',
  watches: [
    { resource: resources.podDisruptionBudgets, keys: (budget) => [keyOf(budget)] },
    { resource: resources.pods, keys: keysOfPod },
  ],
  reconcile(view, key, context) {
    const { namespace, name } = splitKey(key);
    const budget = view.get(resources.podDisruptionBudgets, namespace, name);
    return budget === undefined ? { actions: [] } : reconcileBudget(view, budget, context.now);
  },
};

function keysOfPod(pod: KubeObject, previous: KubeObject | undefined, view: ClusterView): readonly string[] {
  return view
    .list(resources.podDisruptionBudgets, pod.metadata.namespace)
    .filter((budget) => {
      const requirements = labelSelectorRequirements(budget.spec?.selector) ?? [];
      return matchesLabels(requirements, pod.metadata.labels) || matchesLabels(requirements, previous?.metadata.labels);
    })
    .map(keyOf);
}

/** Same view, same instant, same plan. */
export function reconcileBudget(view: ClusterView, budget: StoredBudget, now: Instant): Plan {
  const requirements = labelSelectorRequirements(budget.spec?.selector);
  if (requirements === undefined) return { actions: [] };
  const pods = view
    .list(resources.pods, budget.metadata.namespace)
    .filter((pod) => matchesLabels(requirements, pod.metadata.labels) && isActive(pod));
  const { expected, desired } = desiredHealthy(view, budget, pods);
  const disruptedPods = stillDisrupted(budget, pods, now);
  const currentHealthy = pods.filter((pod) => isReady(pod) && disruptedPods[pod.metadata.name] === undefined).length;
  const disruptionsAllowed = expected === 0 ? 0 : Math.max(0, currentHealthy - desired);
  const status: PodDisruptionBudgetStatus = {
    currentHealthy,
    desiredHealthy: desired,
    disruptionsAllowed,
    expectedPods: expected,
    observedGeneration: budget.metadata.generation,
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    conditions: [allowedCondition(budget, disruptionsAllowed, now)],
  };
  const requeueAfterMs = Object.keys(disruptedPods).length === 0 ? undefined : DISRUPTED_TIMEOUT_MS;
  if (canonicalJson(status) === canonicalJson(budget.status)) return { actions: [], requeueAfterMs };
  return { actions: [{ do: 'update-status', resource: resources.podDisruptionBudgets, object: { ...budget, status } }], requeueAfterMs };
}

/** `minAvailable` as a number is a number; everything else is measured against what the pods' controllers want. */
function desiredHealthy(
  view: ClusterView,
  budget: StoredBudget,
  pods: readonly StoredPod[],
): { readonly expected: number; readonly desired: number } {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  if (typeof minAvailable === 'number') return { expected: pods.length, desired: minAvailable };
  const expected = expectedCount(view, pods);
  if (minAvailable !== undefined) return { expected, desired: resolve(minAvailable, expected, Math.ceil) };
  return { expected, desired: Math.max(0, expected - resolve(maxUnavailable ?? 0, expected, Math.ceil)) };
}

/** Sum of the replicas that the pods' controllers are asked for; pods without one count as they are. */
function expectedCount(view: ClusterView, pods: readonly StoredPod[]): number {
  const wanted = new Map<string, number>();
  let alone = 0;
  for (const pod of pods) {
    const owner = controllerOf(pod);
    const scaled = owner === undefined ? undefined : scaleOf(view, pod.metadata.namespace, owner);
    if (scaled === undefined) alone += 1;
    else wanted.set(scaled.uid, scaled.replicas);
  }
  return [...wanted.values()].reduce((sum, replicas) => sum + replicas, alone);
}

/** A replica set of a Deployment speaks for the Deployment: in a rollout there are two of them. */
function scaleOf(
  view: ClusterView,
  namespace: string | undefined,
  owner: { readonly kind: string; readonly name: string },
): { readonly uid: string; readonly replicas: number } | undefined {
  if (owner.kind === 'StatefulSet') {
    const set = view.get(resources.statefulSets, namespace, owner.name);
    return set && { uid: set.metadata.uid, replicas: set.spec?.replicas ?? 1 };
  }
  if (owner.kind !== 'ReplicaSet') return undefined;
  const replicaSet = view.get(resources.replicaSets, namespace, owner.name);
  const parent = replicaSet === undefined ? undefined : controllerOf(replicaSet);
  const deployment = parent?.kind === 'Deployment' ? view.get(resources.deployments, namespace, parent.name) : undefined;
  const scaled = deployment ?? replicaSet;
  return scaled && { uid: scaled.metadata.uid, replicas: scaled.spec?.replicas ?? 1 };
}

/** Pods whose eviction was allowed and that are not yet seen to go. */
function stillDisrupted(budget: StoredBudget, pods: readonly StoredPod[], now: Instant): Readonly<Record<string, string>> {
  const present = new Set(pods.map((pod) => pod.metadata.name));
  const entries = Object.entries(budget.status?.disruptedPods ?? {});
  return Object.fromEntries(entries.filter(([name, since]) => present.has(name) && (parseTime(since) ?? 0) + DISRUPTED_TIMEOUT_MS > now));
}

function allowedCondition(budget: StoredBudget, allowed: number, now: Instant): Condition {
  const before = budget.status?.conditions?.find((condition) => condition.type === 'DisruptionAllowed');
  const status = allowed > 0 ? 'True' : 'False';
  return {
    type: 'DisruptionAllowed',
    status,
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: budget.metadata.generation,
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : formatTime(now),
  };
}
