/** Revisions: annotations that `kubectl rollout history` and `undo` read, on replica sets and on the deployment itself. */
import type { DeploymentView } from './view.js';
import { DESIRED_REPLICAS_ANNOTATION, MAX_REPLICAS_ANNOTATION, replicasOf } from './rollout.js';
import type { RolloutLimits, StoredReplicaSet } from './rollout.js';

export const REVISION_ANNOTATION = 'deployment.kubernetes.io/revision';
/** Earlier revisions of a replica set that was rolled back to. */
export const REVISION_HISTORY_ANNOTATION = 'deployment.kubernetes.io/revision-history';

/** The deployment's own bookkeeping: not copied to replica sets. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION_ANNOTATION,
  REVISION_HISTORY_ANNOTATION,
  DESIRED_REPLICAS_ANNOTATION,
  MAX_REPLICAS_ANNOTATION,
  'deprecated.deployment.rollback.to',
]);

type Annotations = Readonly<Record<string, string>>;

export function revisionOf(object: { readonly metadata: { readonly annotations?: Annotations | undefined } }): number {
  const revision = Number(object.metadata.annotations?.[REVISION_ANNOTATION] ?? 0);
  return Number.isInteger(revision) ? revision : 0;
}

/** One more than any old replica set has. */
export function nextRevision(old: readonly StoredReplicaSet[]): number {
  return old.reduce((highest, each) => Math.max(highest, revisionOf(each)), 0) + 1;
}

export function sizeAnnotations(limits: RolloutLimits): Annotations {
  return {
    [DESIRED_REPLICAS_ANNOTATION]: String(limits.desired),
    [MAX_REPLICAS_ANNOTATION]: String(limits.desired + limits.maxSurge),
  };
}

/** Annotations that the current replica set (existing or about to be) must have. */
export function currentAnnotations(view: DeploymentView): Annotations {
  const before = view.current?.metadata.annotations ?? {};
  const copied = Object.fromEntries(Object.entries(view.deployment.metadata.annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name)));
  const revision = nextRevision(view.old);
  const had = Number(before[REVISION_ANNOTATION] ?? 0);
  if (had >= revision) return { ...before, ...copied };
  const history = [before[REVISION_HISTORY_ANNOTATION], before[REVISION_ANNOTATION]].filter((text) => text !== undefined && text !== '');
  return {
    ...before,
    ...copied,
    [REVISION_ANNOTATION]: String(revision),
    ...(history.length === 0 ? {} : { [REVISION_HISTORY_ANNOTATION]: history.join(',') }),
  };
}

/** Old replica sets beyond the history limit that nothing depends on any more, lowest revision first. */
export function beyondHistory(view: DeploymentView): readonly StoredReplicaSet[] {
  const limit = view.deployment.spec?.revisionHistoryLimit ?? 10;
  const kept = view.old.filter((each) => each.metadata.deletionTimestamp === undefined);
  const surplus = kept.length - limit;
  if (surplus <= 0) return [];
  return kept
    .toSorted((a, b) => revisionOf(a) - revisionOf(b))
    .slice(0, surplus)
    .filter(isDrained);
}

function isDrained(replicaSet: StoredReplicaSet): boolean {
  const observed = replicaSet.status?.observedGeneration ?? 0;
  return replicasOf(replicaSet) === 0 && (replicaSet.status?.replicas ?? 0) === 0 && (replicaSet.metadata.generation ?? 0) <= observed;
}
