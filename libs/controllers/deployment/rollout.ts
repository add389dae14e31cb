/** The arithmetic of a rolling update: how far up and down the replica sets may go (Kubernetes docs, Deployment, "Max surge" and "Max unavailable"). */
import type { Deployment, ReplicaSet, Stored } from '../../api/index.js';

export type StoredDeployment = Stored<Deployment>;
export type StoredReplicaSet = Stored<ReplicaSet>;

/** Replica count that a replica set had to serve when it was last scaled; tells a scaling from a rollout. */
export const DESIRED_REPLICAS_ANNOTATION = 'deployment.kubernetes.io/desired-replicas';
/** Desired + surge at that time; proportional scaling is measured with it. */
export const MAX_REPLICAS_ANNOTATION = 'deployment.kubernetes.io/max-replicas';

export interface RolloutLimits {
  readonly desired: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** A replica set and the size it is to have. */
export interface Resize {
  readonly replicaSet: StoredReplicaSet;
  readonly replicas: number;
}

export function isRollingUpdate(deployment: StoredDeployment): boolean {
  return deployment.spec?.strategy?.type !== 'Recreate';
}

/** Percentages resolved: surge rounds up, unavailable rounds down; both zero would stand still, so unavailable becomes 1. */
export function rolloutLimits(deployment: StoredDeployment): RolloutLimits {
  const desired = deployment.spec?.replicas ?? 1;
  if (!isRollingUpdate(deployment)) return { desired, maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = resolve(maxSurge, desired, Math.ceil);
  const unavailable = resolve(maxUnavailable, desired, Math.floor);
  return { desired, maxSurge: surge, maxUnavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, desired) };
}

/** `5` or `"25%"` of `total`. */
export function resolve(value: number | string, total: number, round: (n: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  return percent === undefined ? Number(value) || 0 : round((Number(percent) * total) / 100);
}

export function replicasOf(replicaSet: StoredReplicaSet | undefined): number {
  return replicaSet === undefined ? 0 : (replicaSet.spec?.replicas ?? 1);
}

export function availableOf(replicaSet: StoredReplicaSet | undefined): number {
  return replicaSet?.status?.availableReplicas ?? 0;
}

/**
 * Available pods that will stay: a replica set that was just made smaller still reports the pods that it is about to
 * delete, and counting those would let the next one shrink too early.
 */
function lastingOf(replicaSet: StoredReplicaSet): number {
  return Math.min(availableOf(replicaSet), replicasOf(replicaSet));
}

/** Pods that are or will be: a replica set that was just made smaller still has those that it is about to delete. */
export function presentOf(replicaSet: StoredReplicaSet): number {
  return Math.max(replicasOf(replicaSet), replicaSet.status?.replicas ?? 0);
}

export function sum(replicaSets: readonly StoredReplicaSet[], count: (replicaSet: StoredReplicaSet) => number): number {
  return replicaSets.reduce((total, replicaSet) => total + count(replicaSet), 0);
}

/** How large the new replica set may be now, beside `old`, without exceeding desired + surge. */
export function newReplicas(
  limits: RolloutLimits,
  rolling: boolean,
  old: readonly StoredReplicaSet[],
  current: StoredReplicaSet | undefined,
): number {
  const size = replicasOf(current);
  if (!rolling || size > limits.desired) return limits.desired;
  const all = current === undefined ? old : [...old, current];
  return size + Math.min(roomIn(limits, all), limits.desired - size);
}

/**
 * Pods that may be added now. None while a replica set has not yet seen its newest size: only after that its status counts
 * every pod that it still has, and the limit holds for pods and not just for numbers in specs.
 */
export function roomIn(limits: RolloutLimits, all: readonly StoredReplicaSet[]): number {
  const isSettled = all.every((each) => (each.status?.observedGeneration ?? 0) >= (each.metadata.generation ?? 0));
  return isSettled ? Math.max(0, limits.desired + limits.maxSurge - sum(all, presentOf)) : 0;
}

/**
 * Which old replica sets shrink now: first their unhealthy pods (they serve nobody), then as many available ones as
 * maxUnavailable allows. Oldest first.
 */
export function shrinkOld(limits: RolloutLimits, current: StoredReplicaSet, old: readonly StoredReplicaSet[]): readonly Resize[] {
  const minAvailable = limits.desired - limits.maxUnavailable;
  const total = sum(old, replicasOf) + replicasOf(current);
  const unavailableNew = replicasOf(current) - lastingOf(current);
  const removable = total - minAvailable - unavailableNew;
  if (removable <= 0) return [];
  const sizes = new Map(old.map((replicaSet) => [replicaSet, replicasOf(replicaSet)]));
  const ordered = old.toSorted(byCreation);
  removeUnhealthy(ordered, sizes, removable);
  const available = sum(old, lastingOf) + lastingOf(current);
  removeAvailable(ordered, sizes, available - minAvailable);
  return [...sizes]
    .filter(([replicaSet, replicas]) => replicas !== replicasOf(replicaSet))
    .map(([replicaSet, replicas]) => ({ replicaSet, replicas }));
}

function removeUnhealthy(ordered: readonly StoredReplicaSet[], sizes: Map<StoredReplicaSet, number>, removable: number): void {
  let left = removable;
  for (const replicaSet of ordered) {
    const size = sizes.get(replicaSet) ?? 0;
    const step = Math.min(left, Math.max(0, size - availableOf(replicaSet)));
    sizes.set(replicaSet, size - step);
    left -= step;
  }
}

function removeAvailable(ordered: readonly StoredReplicaSet[], sizes: Map<StoredReplicaSet, number>, removable: number): void {
  let left = Math.max(0, removable);
  for (const replicaSet of ordered) {
    const size = sizes.get(replicaSet) ?? 0;
    const step = Math.min(left, size);
    sizes.set(replicaSet, size - step);
    left -= step;
  }
}

/** Creation order, names deciding between equals. */
export function byCreation(a: StoredReplicaSet, b: StoredReplicaSet): number {
  if (a.metadata.creationTimestamp !== b.metadata.creationTimestamp) {
    return a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1;
  }
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** The new replica set alone carries the deployment: it has the size, was told so, and all of it is available. */
export function isSaturated(limits: RolloutLimits, current: StoredReplicaSet | undefined): boolean {
  if (current === undefined) return false;
  const told = Number(current.metadata.annotations?.[DESIRED_REPLICAS_ANNOTATION]);
  return replicasOf(current) === limits.desired && told === limits.desired && availableOf(current) === limits.desired;
}

/**
 * Scaling in the middle of a rollout: the change is divided over the active replica sets in proportion to their sizes, so
 * that a paused or slow rollout keeps its mix (Kubernetes docs, Deployment, "Proportional scaling").
 */
export function scaleProportionally(
  limits: RolloutLimits,
  deployment: StoredDeployment,
  active: readonly StoredReplicaSet[],
): readonly Resize[] {
  const allowed = limits.desired > 0 ? limits.desired + limits.maxSurge : 0;
  const toAdd = allowed - sum(active, replicasOf);
  const ordered = active.toSorted((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)));
  let added = 0;
  const sizes = ordered.map((replicaSet) => {
    const share = toAdd === 0 ? 0 : shareOf(limits, deployment, replicaSet, { toAdd, added });
    added += share;
    return { replicaSet, replicas: replicasOf(replicaSet) + share };
  });
  const [largest, ...others] = sizes;
  if (largest === undefined) return [];
  // What rounding left over goes to the largest.
  return [{ ...largest, replicas: Math.max(0, largest.replicas + (toAdd - added)) }, ...others];
}

function shareOf(
  limits: RolloutLimits,
  deployment: StoredDeployment,
  replicaSet: StoredReplicaSet,
  change: { readonly toAdd: number; readonly added: number },
): number {
  const size = replicasOf(replicaSet);
  if (size === 0 || change.toAdd === change.added) return 0;
  const allowed = change.toAdd - change.added;
  const fraction = limits.desired === 0 ? -size : fractionOf(limits, deployment, replicaSet, size);
  return change.toAdd > 0 ? Math.min(fraction, allowed) : Math.max(fraction, allowed);
}

function fractionOf(limits: RolloutLimits, deployment: StoredDeployment, replicaSet: StoredReplicaSet, size: number): number {
  const noted = Number(replicaSet.metadata.annotations?.[MAX_REPLICAS_ANNOTATION]);
  const before = Number.isInteger(noted) && noted > 0 ? noted : (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return Math.round((size * (limits.desired + limits.maxSurge)) / before) - size;
}
