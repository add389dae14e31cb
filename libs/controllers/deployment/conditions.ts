/** A Deployment's conditions: is it available, does it progress, do its replica sets fail. */
import type { DeploymentCondition, DeploymentStatus } from '../../api/index.js';
import { formatTime, parseTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import type { DeploymentView } from './view.js';

export const reasons = {
  /** Enough pods are available. */
  minimumAvailable: 'MinimumReplicasAvailable',
  minimumUnavailable: 'MinimumReplicasUnavailable',
  /** A replica set was made for the present template. */
  created: 'NewReplicaSetCreated',
  /** One with the present template was already there. */
  found: 'FoundNewReplicaSet',
  /** Pods of the new replica set came, became ready or available, or old ones went. */
  updated: 'ReplicaSetUpdated',
  /** The rollout is complete. */
  complete: 'NewReplicaSetAvailable',
  /** Nothing progressed for progressDeadlineSeconds: `kubectl rollout status` fails. */
  timedOut: 'ProgressDeadlineExceeded',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
} as const;

/** No deadline: the largest 32-bit number says "never". */
const NO_DEADLINE_SECONDS = 2_147_483_647;

type Conditions = readonly DeploymentCondition[];

interface NewCondition {
  readonly type: 'Available' | 'Progressing' | 'ReplicaFailure';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** Same status and reason: the old entry stays (unless `touch`); same status: the transition time stays. */
export function setCondition(conditions: Conditions, next: NewCondition, now: Instant, touch = false): Conditions {
  const before = find(conditions, next.type);
  if (!touch && before?.status === next.status && before.reason === next.reason) return conditions;
  const at = formatTime(now);
  const lastTransitionTime = before?.status === next.status ? (before.lastTransitionTime ?? at) : at;
  return [...remove(conditions, next.type), { ...next, lastUpdateTime: at, lastTransitionTime }];
}

export function find(conditions: Conditions | undefined, type: NewCondition['type']): DeploymentCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

function remove(conditions: Conditions, type: NewCondition['type']): Conditions {
  return conditions.filter((condition) => condition.type !== type);
}

export function hasDeadline(view: DeploymentView): boolean {
  const deadline = view.deployment.spec?.progressDeadlineSeconds;
  return deadline !== undefined && deadline !== NO_DEADLINE_SECONDS;
}

export function availability(conditions: Conditions, isAvailable: boolean, now: Instant): Conditions {
  const next: NewCondition = isAvailable
    ? { type: 'Available', status: 'True', reason: reasons.minimumAvailable, message: 'Deployment has minimum availability.' }
    : {
        type: 'Available',
        status: 'False',
        reason: reasons.minimumUnavailable,
        message: 'Deployment does not have minimum availability.',
      };
  return setCondition(conditions, next, now);
}

/** `kubectl rollout pause` and `resume` show in Progressing, so that the deadline starts anew. */
export function pausing(view: DeploymentView, conditions: Conditions, now: Instant): Conditions {
  if (!hasDeadline(view)) return conditions;
  const reason = find(conditions, 'Progressing')?.reason;
  if (reason === reasons.timedOut) return conditions;
  const isPaused = view.deployment.spec?.paused === true;
  if (isPaused && reason !== reasons.paused) return setCondition(conditions, unknown(reasons.paused, 'Deployment is paused'), now);
  if (!isPaused && reason === reasons.paused) return setCondition(conditions, unknown(reasons.resumed, 'Deployment is resumed'), now);
  return conditions;
}

function unknown(reason: string, message: string): NewCondition {
  return { type: 'Progressing', status: 'Unknown', reason, message };
}

export function progressing(reason: string, message: string): NewCondition {
  return { type: 'Progressing', status: 'True', reason, message };
}

/** Where the rollout stands, judged by what changed from the stored status to `next`. */
export function progress(view: DeploymentView, next: DeploymentStatus, now: Instant): Conditions {
  const conditions = withFailures(view, next.conditions ?? [], now);
  if (!hasDeadline(view)) return remove(conditions, 'Progressing');
  const before = find(conditions, 'Progressing');
  const wasComplete = (next.replicas ?? 0) === (next.updatedReplicas ?? 0) && before?.reason === reasons.complete;
  if (wasComplete) return conditions;
  const name = view.current === undefined ? `Deployment "${view.deployment.metadata.name}"` : `ReplicaSet "${view.current.metadata.name}"`;
  if (isComplete(view, next)) return setCondition(conditions, progressing(reasons.complete, `${name} has successfully progressed.`), now);
  if (isProgressing(view.deployment.status ?? {}, next)) {
    return setCondition(conditions, progressing(reasons.updated, `${name} is progressing.`), now, true);
  }
  if (!isTimedOut(view, before, now)) return conditions;
  const message = `${name} has timed out progressing.`;
  return setCondition(conditions, { type: 'Progressing', status: 'False', reason: reasons.timedOut, message }, now);
}

/** The failure of a replica set is the deployment's, the current one's before the old ones'. */
function withFailures(view: DeploymentView, conditions: Conditions, now: Instant): Conditions {
  const sets = view.current === undefined ? view.old : [view.current, ...view.old];
  for (const replicaSet of sets) {
    const failure = replicaSet.status?.conditions?.find((condition) => condition.type === 'ReplicaFailure');
    if (failure === undefined) continue;
    const { status, reason = '', message = '' } = failure;
    return setCondition(conditions, { type: 'ReplicaFailure', status: status === 'True' ? 'True' : 'False', reason, message }, now);
  }
  return remove(conditions, 'ReplicaFailure');
}

/** All replicas are new, available, and no old one is left. */
export function isComplete(view: DeploymentView, status: DeploymentStatus): boolean {
  const desired = view.limits.desired;
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (view.deployment.metadata.generation ?? 0)
  );
}

function isProgressing(before: DeploymentStatus, next: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (next.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(next) < old(before) ||
    (next.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isTimedOut(view: DeploymentView, condition: DeploymentCondition | undefined, now: Instant): boolean {
  if (condition === undefined || condition.reason === reasons.complete) return false;
  if (condition.reason === reasons.timedOut) return true;
  const wait = deadlineIn(view, condition, now);
  return wait !== undefined && wait < 0;
}

/** Milliseconds until the deadline passes, counted from the last progress. */
function deadlineIn(view: DeploymentView, condition: DeploymentCondition, now: Instant): number | undefined {
  const from = parseTime(condition.lastUpdateTime);
  const deadline = view.deployment.spec?.progressDeadlineSeconds;
  return from === undefined || deadline === undefined ? undefined : from + deadline * 1000 - now;
}

/** When to look again although nothing happened: just after the deadline. */
export function nextDeadlineCheckMs(view: DeploymentView, status: DeploymentStatus, now: Instant): number | undefined {
  const condition = find(status.conditions, 'Progressing');
  if (!hasDeadline(view) || condition === undefined || isComplete(view, status)) return undefined;
  if (condition.reason === reasons.timedOut || condition.reason === reasons.complete || view.deployment.spec?.paused === true)
    return undefined;
  const wait = deadlineIn(view, condition, now);
  return wait === undefined ? undefined : Math.max(wait, 0) + 1_000;
}
