/** StatefulSet: pods with stable names, made in order, updated in reverse order, each with its own volume claims. */
import type { KubeObject, PodTemplateSpec, StatefulSet, StatefulSetStatus, Stored } from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, DecisionContext, ObjectAction, Plan } from '../../reconciling/index.js';
import { claim, keyOf, ownerKeys, splitKey } from '../workload/ownership.js';
import { availableIn, isFinished, isReady, isTerminating } from '../workload/pod-facts.js';
import type { StoredPod } from '../workload/pod-facts.js';
import { canonicalJson, podFromTemplate } from '../workload/pod-template.js';
import { beyondHistory, hashOf, REVISION_HASH_LABEL, revisionsOf, templateOf } from '../workload/revisions.js';
import type { Revisions } from '../workload/revisions.js';
import { claimActions, claimOwnerActions, withClaims } from './claims.js';

export const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
export const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index';

export type StoredStatefulSet = Stored<StatefulSet>;

export const statefulSetController: Controller = {
  name: 'statefulset-controller',
  watches: [
    { resource: resources.statefulSets, keys: (set) => [keyOf(set)] },
    { resource: resources.pods, keys: (pod, previous) => ownerKeys('StatefulSet', pod, previous) },
    { resource: resources.controllerRevisions, keys: (revision, previous) => ownerKeys('StatefulSet', revision, previous) },
  ],
  reconcile(view, key, context) {
    const { namespace, name } = splitKey(key);
    const set = view.get(resources.statefulSets, namespace, name);
    return set?.spec === undefined ? { actions: [] } : reconcileStatefulSet(view, set, context);
  },
};

interface SetView {
  readonly view: ClusterView;
  readonly set: StoredStatefulSet;
  readonly template: PodTemplateSpec;
  readonly revisions: Revisions;
  /** Hash of the revision that pods below the partition keep. */
  readonly currentHash: string;
  /** By ordinal. */
  readonly pods: ReadonlyMap<number, StoredPod>;
  readonly first: number;
  /** One past the last wanted ordinal. */
  readonly end: number;
  readonly context: DecisionContext;
}

/** Same view, same instant, same plan. */
export function reconcileStatefulSet(view: ClusterView, set: StoredStatefulSet, context: DecisionContext): Plan {
  const template = set.spec?.template;
  const selector = set.spec?.selector;
  if (template === undefined || selector === undefined) return { actions: [] };
  const claimed = claim(view, resources.pods, set, selector);
  const revisions = revisionsOf(view, set, template, set.status?.collisionCount ?? 0);
  if (!isTerminating(set) && claimed.actions.length + revisions.actions.length > 0) {
    return { actions: [...claimed.actions, ...revisions.actions] };
  }
  const first = set.spec?.ordinals?.start ?? 0;
  const currentHash = currentHashOf(set, revisions);
  const pods = new Map(claimed.owned.flatMap((pod) => withOrdinal(set, pod)));
  const seen: SetView = { view, set, template, revisions, currentHash, pods, first, end: first + (set.spec?.replicas ?? 1), context };
  const steps = isTerminating(set) ? [] : [...claimOwners(seen), ...nextSteps(seen)];
  const used = new Set([currentHash, revisions.updateHash, ...claimed.owned.map(hashOf)]);
  const cleanup = isTerminating(set) ? [] : beyondHistory(revisions.all, used, set.spec?.revisionHistoryLimit ?? 10);
  return { actions: [...steps, ...writeStatus(seen), ...cleanup], requeueAfterMs: nextAvailable(seen) };
}

/** Before pods go: a claim that goes with a pod must know it in time. */
function claimOwners({ view, set, pods, first, end }: SetView): readonly ObjectAction[] {
  return [...pods].flatMap(([ordinal, pod]) => claimOwnerActions(view, set, pod, ordinal < first || ordinal >= end));
}

function currentHashOf(set: StoredStatefulSet, revisions: Revisions): string {
  const name = set.status?.currentRevision;
  return revisions.all.find((each) => each.metadata.name === name)?.metadata.labels?.[REVISION_HASH_LABEL] ?? revisions.updateHash;
}

function withOrdinal(set: StoredStatefulSet, pod: StoredPod): readonly (readonly [number, StoredPod])[] {
  const prefix = `${set.metadata.name}-`;
  const ordinal = pod.metadata.name.startsWith(prefix) ? Number(pod.metadata.name.slice(prefix.length)) : Number.NaN;
  return Number.isInteger(ordinal) ? [[ordinal, pod]] : [];
}

function isParallel(set: StoredStatefulSet): boolean {
  return set.spec?.podManagementPolicy === 'Parallel';
}

function isHealthy(pod: StoredPod | undefined): boolean {
  return pod !== undefined && pod.status?.phase === 'Running' && isReady(pod) && !isTerminating(pod);
}

function isAvailable(seen: SetView, pod: StoredPod | undefined): boolean {
  return isHealthy(pod) && pod !== undefined && availableIn(pod, seen.set.spec?.minReadySeconds ?? 0, seen.context.now) === 0;
}

/** First what is missing, then what is too much, then what is old; in order, one at a time unless Parallel. */
function nextSteps(seen: SetView): readonly ObjectAction[] {
  const created = createSteps(seen);
  if (created.actions.length > 0 || created.waits) return created.actions;
  const removed = removeSteps(seen);
  if (removed.actions.length > 0 || removed.waits) return removed.actions;
  return updateSteps(seen);
}

interface Steps {
  readonly actions: readonly ObjectAction[];
  /** A pod is on its way: nothing further before it has arrived. */
  readonly waits: boolean;
}

function createSteps(seen: SetView): Steps {
  const actions: ObjectAction[] = [];
  for (let ordinal = seen.first; ordinal < seen.end; ordinal += 1) {
    const pod = seen.pods.get(ordinal);
    if (pod === undefined) actions.push(...createPod(seen, ordinal));
    else if (isFinished(pod) && !isTerminating(pod)) actions.push(deletion(seen.set, pod));
    if (isParallel(seen.set)) continue;
    if (actions.length > 0) return { actions, waits: true };
    if (!isAvailable(seen, pod)) return { actions, waits: isBlocking(seen, ordinal) };
  }
  return { actions, waits: false };
}

/** An unhealthy pod of an old revision may be what an update repairs: it does not block that, only further pods. */
function isBlocking(seen: SetView, ordinal: number): boolean {
  const pod = seen.pods.get(ordinal);
  if (pod !== undefined && isTerminating(pod)) return true;
  const isOld = pod !== undefined && hashOf(pod) !== seen.revisions.updateHash && ordinal >= partitionOf(seen.set);
  return !isOld;
}

function removeSteps(seen: SetView): Steps {
  const surplus = [...seen.pods].filter(([ordinal]) => ordinal < seen.first || ordinal >= seen.end).toSorted(([a], [b]) => b - a);
  const deletable = surplus.filter(([, pod]) => !isTerminating(pod)).map(([, pod]) => deletion(seen.set, pod));
  if (isParallel(seen.set)) return { actions: deletable, waits: false };
  // One at a time, highest first; the next only when that one is gone.
  if (deletable.length < surplus.length) return { actions: [], waits: true };
  return { actions: deletable.slice(0, 1), waits: deletable.length > 0 };
}

function partitionOf(set: StoredStatefulSet): number {
  return (set.spec?.ordinals?.start ?? 0) + (set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0);
}

/** From the highest ordinal down to the partition, the next only when the last one is available again. */
function updateSteps(seen: SetView): readonly ObjectAction[] {
  if (seen.set.spec?.updateStrategy?.type === 'OnDelete') return [];
  const budget = Math.max(1, Number(seen.set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1) || 1);
  const actions: ObjectAction[] = [];
  let unavailable = 0;
  for (let ordinal = seen.end - 1; ordinal >= partitionOf(seen.set); ordinal -= 1) {
    const pod = seen.pods.get(ordinal);
    const isOld = pod !== undefined && hashOf(pod) !== seen.revisions.updateHash;
    if (isOld && !isTerminating(pod)) actions.push(deletion(seen.set, pod));
    if (isOld || !isAvailable(seen, pod)) unavailable += 1;
    if (unavailable >= budget) return actions;
  }
  return actions;
}

/** Pods that the update has not reached keep their revision, also when they have to be made anew. */
function createPod(seen: SetView, ordinal: number): readonly ObjectAction[] {
  const { set, revisions } = seen;
  const isRolling = set.spec?.updateStrategy?.type !== 'OnDelete';
  const untouched = ordinal < partitionOf(set) || ordinal < seen.first + (set.status?.currentReplicas ?? 0);
  const keepsCurrent = isRolling && untouched && seen.currentHash !== revisions.updateHash;
  const revision = keepsCurrent ? revisions.all.find((each) => hashOf(each) === seen.currentHash) : revisions.update;
  const template = (revision === undefined ? undefined : templateOf(revision)) ?? seen.template;
  const name = `${set.metadata.name}-${ordinal}`;
  const pod = podFromTemplate(template, set, name);
  const labels = {
    ...pod.metadata.labels,
    [POD_NAME_LABEL]: name,
    [POD_INDEX_LABEL]: String(ordinal),
    [REVISION_HASH_LABEL]: revision === undefined ? revisions.updateHash : hashOf(revision),
  };
  const spec = { ...template.spec, hostname: name, subdomain: set.spec?.serviceName, ...withClaims(set, template, name) };
  const { generateName: _, ...metadata } = { ...pod.metadata, labels };
  return [
    ...claimActions(seen.view, set, name),
    { do: 'create', resource: resources.pods, object: { ...pod, metadata, spec }, reportTo: set, reportAs: podEvent('create', name, set) },
  ];
}

function deletion(set: StoredStatefulSet, pod: StoredPod): ObjectAction {
  const { namespace, name, uid } = pod.metadata;
  return { do: 'delete', ref: { ...resources.pods, namespace, name }, uid, reportTo: set, reportAs: podEvent('delete', name, set) };
}

function podEvent(verb: 'create' | 'delete', pod: string, set: StoredStatefulSet): string {
  return `${verb} Pod ${pod} in StatefulSet ${set.metadata.name} successful`;
}

function nextAvailable(seen: SetView): number | undefined {
  const minReady = seen.set.spec?.minReadySeconds ?? 0;
  if (minReady <= 0) return undefined;
  const waits = [...seen.pods.values()].map((pod) => availableIn(pod, minReady, seen.context.now) ?? 0).filter((wait) => wait > 0);
  return waits.length === 0 ? undefined : Math.min(...waits) + 1;
}

function writeStatus(seen: SetView): readonly ObjectAction[] {
  const { set } = seen;
  const status = statusOf(seen);
  if (canonicalJson(status) === canonicalJson(set.status)) return [];
  const object: KubeObject = { ...set, status };
  return [{ do: 'update-status', resource: resources.statefulSets, object }];
}

function statusOf(seen: SetView): StatefulSetStatus {
  const { set, revisions, currentHash } = seen;
  const pods = [...seen.pods.values()];
  const staying = pods.filter((pod) => !isTerminating(pod));
  const count = (holds: (pod: StoredPod) => boolean): number => pods.filter(holds).length;
  const updatedReplicas = staying.filter((pod) => hashOf(pod) === revisions.updateHash).length;
  const readyReplicas = count((pod) => pod.status?.phase === 'Running' && isReady(pod) && !isTerminating(pod));
  const wanted = set.spec?.replicas ?? 1;
  const isComplete = updatedReplicas === pods.length && readyReplicas === pods.length && pods.length === wanted;
  const updateName = `${set.metadata.name}-${revisions.updateHash}`;
  const currentRevision = isComplete ? updateName : `${set.metadata.name}-${currentHash}`;
  const currentReplicas = isComplete ? updatedReplicas : staying.filter((pod) => hashOf(pod) === currentHash).length;
  const counts = { readyReplicas, currentReplicas, updatedReplicas };
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)),
    replicas: pods.length,
    availableReplicas: count((pod) => isAvailable(seen, pod)),
    observedGeneration: set.metadata.generation,
    currentRevision,
    updateRevision: updateName,
    collisionCount: set.status?.collisionCount ?? 0,
  };
}
