/**
 * Deployment: replaces the pods of one template by those of the next, through replica sets, within surge and availability
 * limits. One step a plan: each next step is taken from what the replica sets then report.
 */
import type { DeploymentStatus, KubeObject } from '../../api/index.js';
import type { Instant } from '../../kit/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, DecisionContext, ObjectAction, Plan } from '../../reconciling/index.js';
import { controllerOf } from '../../reconciling/index.js';
import { keyOf, ownerKeys, splitKey } from '../workload/ownership.js';
import { isTerminating } from '../workload/pod-facts.js';
import { canonicalJson, canonicalTemplate, controllerReference, POD_TEMPLATE_HASH_LABEL, safeHash } from '../workload/pod-template.js';
import { selectorMatches } from '../../api/index.js';
import {
  availability,
  find,
  isComplete,
  nextDeadlineCheckMs,
  pausing,
  progress,
  progressing,
  reasons,
  setCondition,
} from './conditions.js';
import { beyondHistory, currentAnnotations, REVISION_ANNOTATION, sizeAnnotations } from './revision.js';
import {
  availableOf,
  DESIRED_REPLICAS_ANNOTATION,
  isRollingUpdate,
  isSaturated,
  newReplicas,
  presentOf,
  roomIn,
  replicasOf,
  scaleProportionally,
  shrinkOld,
  sum,
} from './rollout.js';
import type { Resize, StoredDeployment, StoredReplicaSet } from './rollout.js';
import { active, deploymentView } from './view.js';
import type { DeploymentView } from './view.js';

export const deploymentController: Controller = {
  name: 'deployment-controller',
  workers: 16,
  watches: [
    { resource: resources.deployments, keys: (deployment) => [keyOf(deployment)] },
    { resource: resources.replicaSets, keys: keysOfReplicaSet },
    { resource: resources.pods, keys: keysOfDeletedPod },
  ],
  reconcile(view, key, context) {
    const { namespace, name } = splitKey(key);
    const deployment = view.get(resources.deployments, namespace, name);
    const seen = deployment === undefined ? undefined : deploymentView(view, deployment);
    return seen === undefined ? { actions: [] } : reconcileDeployment(seen, context);
  },
};

function keysOfReplicaSet(replicaSet: KubeObject, previous: KubeObject | undefined, view: ClusterView): readonly string[] {
  const keys = ownerKeys('Deployment', replicaSet, previous);
  if (keys.length > 0 || controllerOf(replicaSet) !== undefined) return keys;
  const labels = replicaSet.metadata.labels ?? {};
  return view
    .list(resources.deployments, replicaSet.metadata.namespace)
    .filter((deployment) => deployment.spec !== undefined && selectorMatches(deployment.spec.selector, labels))
    .map(keyOf);
}

/** Only Recreate waits for pods to be gone; everything else shows in the replica sets. */
function keysOfDeletedPod(pod: KubeObject, previous: KubeObject | undefined, view: ClusterView): readonly string[] {
  if (pod !== previous) return [];
  const owner = controllerOf(pod);
  if (owner?.kind !== 'ReplicaSet') return [];
  const replicaSet = view.get(resources.replicaSets, pod.metadata.namespace, owner.name);
  const name = replicaSet === undefined ? undefined : controllerOf(replicaSet)?.name;
  if (name === undefined) return [];
  const deployment = view.get(resources.deployments, pod.metadata.namespace, name);
  return deployment?.spec?.strategy?.type === 'Recreate' ? [keyOf(deployment)] : [];
}

/** Same view, same instant, same plan. Order within: replica sets, then status. */
export function reconcileDeployment(view: DeploymentView, context: DecisionContext): Plan {
  const { deployment } = view;
  const { now } = context;
  if (isTerminating(deployment)) return { actions: writeStatus(view, plainStatus(view, now)) };
  if (view.claims.length > 0) return { actions: view.claims };
  const bookkeeping = keepRevision(view);
  if (bookkeeping.length > 0) return { actions: bookkeeping };
  if (deployment.spec?.paused === true || isScaling(view)) {
    const cleanup = deployment.spec?.paused === true ? cleanUp(view) : [];
    return { actions: [...resizeAll(view, withinRoom(view, scaleSteps(view))), ...cleanup, ...writeStatus(view, plainStatus(view, now))] };
  }
  const steps = isRollingUpdate(deployment) ? rollingSteps(view, now) : recreateSteps(view, now);
  const status = rolloutStatus(view, now);
  const cleanup = steps.length === 0 && isComplete(view, status) ? cleanUp(view) : [];
  const isCreating = steps.some((step) => step.do === 'create' || step.do === 'update-status');
  return {
    actions: [...steps, ...cleanup, ...(isCreating ? [] : writeStatus(view, status))],
    requeueAfterMs: nextDeadlineCheckMs(view, status, now),
  };
}

function rollingSteps(view: DeploymentView, now: Instant): readonly ObjectAction[] {
  const { current, limits, old } = view;
  if (current === undefined) return createReplicaSet(view, now);
  const replicas = newReplicas(limits, true, old, current);
  if (replicas !== replicasOf(current)) return resizeAll(view, [{ replicaSet: current, replicas }]);
  return resizeAll(view, shrinkOld(limits, current, old));
}

/** All old pods go, then all new ones come: never both. */
function recreateSteps(view: DeploymentView, now: Instant): readonly ObjectAction[] {
  const { current, limits, old } = view;
  const running = active(old);
  if (running.length > 0)
    return resizeAll(
      view,
      running.map((replicaSet) => ({ replicaSet, replicas: 0 })),
    );
  if (view.oldPodsExist()) return [];
  if (current === undefined) return createReplicaSet(view, now);
  return replicasOf(current) === limits.desired ? [] : resizeAll(view, [{ replicaSet: current, replicas: limits.desired }]);
}

/** Replicas were changed by somebody (kubectl scale, HPA): an active replica set was told another number. */
function isScaling(view: DeploymentView): boolean {
  return active(view.all).some((replicaSet) => {
    const told = replicaSet.metadata.annotations?.[DESIRED_REPLICAS_ANNOTATION];
    return told !== undefined && told !== String(view.limits.desired);
  });
}

function scaleSteps(view: DeploymentView): readonly Resize[] {
  const { limits, current, old, all } = view;
  const running = active(all);
  const only = running.length === 0 ? (current ?? old.at(-1)) : running.length === 1 ? running[0] : undefined;
  if (only !== undefined) return [{ replicaSet: only, replicas: limits.desired }];
  if (running.length === 0) return [];
  if (isSaturated(limits, current)) return active(old).map((replicaSet) => ({ replicaSet, replicas: 0 }));
  return isRollingUpdate(view.deployment) ? scaleProportionally(limits, view.deployment, running) : [];
}

/** Growth only into what is really free: pods of a replica set that was just made smaller may still be there. */
function withinRoom(view: DeploymentView, steps: readonly Resize[]): readonly Resize[] {
  let room = roomIn(view.limits, view.all);
  return steps.map(({ replicaSet, replicas }) => {
    const growth = Math.min(room, Math.max(0, replicas - presentOf(replicaSet)));
    room -= growth;
    return { replicaSet, replicas: Math.min(replicas, presentOf(replicaSet) + growth) };
  });
}

/** Updates for those whose size or noted sizes differ, each with its event. */
function resizeAll(view: DeploymentView, steps: readonly Resize[]): readonly ObjectAction[] {
  return steps.flatMap(({ replicaSet, replicas }) => {
    const before = replicasOf(replicaSet);
    const sizes = sizeAnnotations(view.limits);
    const annotations = replicaSet.metadata.annotations ?? {};
    const isNoted = Object.entries(sizes).every(([name, value]) => annotations[name] === value);
    if (before === replicas && isNoted) return [];
    const object: KubeObject = {
      ...replicaSet,
      metadata: { ...replicaSet.metadata, annotations: { ...annotations, ...sizes } },
      spec: { ...replicaSet.spec, replicas },
    };
    const update: ObjectAction = { do: 'update', resource: resources.replicaSets, object };
    return before === replicas ? [update] : [update, scalingEvent(view.deployment, replicaSet.metadata.name, before, replicas)];
  });
}

function scalingEvent(deployment: StoredDeployment, name: string, from: number, to: number): ObjectAction {
  const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`;
  return { do: 'event', regarding: deployment, type: 'Normal', reason: 'ScalingReplicaSet', message };
}

/** Creates the replica set of the present template, or counts a name collision (the next try has another hash). */
function createReplicaSet(view: DeploymentView, now: Instant): readonly ObjectAction[] {
  const { deployment, limits } = view;
  const template = deployment.spec?.template;
  if (template === undefined) return [];
  const collisions = deployment.status?.collisionCount ?? 0;
  const hash = safeHash(`${canonicalTemplate(template)}${collisions === 0 ? '' : collisions}`);
  const name = `${deployment.metadata.name}-${hash}`;
  if (view.replicaSetNamed(name) !== undefined) {
    return writeStatus(view, { ...rolloutStatus(view, now), collisionCount: collisions + 1 });
  }
  const replicas = newReplicas(limits, isRollingUpdate(deployment), view.old, undefined);
  const labels = { ...template.metadata?.labels, [POD_TEMPLATE_HASH_LABEL]: hash };
  const object: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: { ...currentAnnotations(view), ...sizeAnnotations(limits) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      minReadySeconds: deployment.spec?.minReadySeconds,
      selector: {
        ...deployment.spec?.selector,
        matchLabels: { ...deployment.spec?.selector.matchLabels, [POD_TEMPLATE_HASH_LABEL]: hash },
      },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  const status = plainStatus(view, now);
  const condition = progressing(reasons.created, `Created new replica set "${name}"`);
  const conditions = setCondition(status.conditions ?? [], condition, now);
  return [
    { do: 'create', resource: resources.replicaSets, object },
    ...(replicas > 0 ? [scalingEvent(deployment, name, 0, replicas)] : []),
    ...writeStatus(view, { ...status, conditions }),
  ];
}

/** Revision, copied annotations and minReadySeconds of the current replica set; the deployment's own revision after it. */
function keepRevision(view: DeploymentView): readonly ObjectAction[] {
  const { current, deployment } = view;
  if (current === undefined) return [];
  const annotations = currentAnnotations(view);
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  const isKept =
    canonicalJson(annotations) === canonicalJson(current.metadata.annotations) && (current.spec?.minReadySeconds ?? 0) === minReadySeconds;
  if (!isKept) {
    const object: KubeObject = { ...current, metadata: { ...current.metadata, annotations }, spec: { ...current.spec, minReadySeconds } };
    return [{ do: 'update', resource: resources.replicaSets, object }];
  }
  const revision = annotations[REVISION_ANNOTATION] ?? '1';
  if (deployment.metadata.annotations?.[REVISION_ANNOTATION] === revision) return [];
  const marked = { ...deployment.metadata.annotations, [REVISION_ANNOTATION]: revision };
  const object: KubeObject = { ...deployment, metadata: { ...deployment.metadata, annotations: marked } };
  return [{ do: 'update', resource: resources.deployments, object }];
}

function cleanUp(view: DeploymentView): readonly ObjectAction[] {
  return beyondHistory(view).map((replicaSet) => ({
    do: 'delete' as const,
    ref: { ...resources.replicaSets, namespace: replicaSet.metadata.namespace, name: replicaSet.metadata.name },
    uid: replicaSet.metadata.uid,
    propagation: 'Background' as const,
  }));
}

/** Counts and availability; Progressing only as far as pausing goes. */
export function plainStatus(view: DeploymentView, now: Instant): DeploymentStatus {
  const { deployment, all, current, limits } = view;
  const availableReplicas = sum(all, availableOf);
  const conditions = pausing(view, deployment.status?.conditions ?? [], now);
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: sum(all, (each) => each.status?.replicas ?? 0),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum(all, (each) => each.status?.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, sum(all, replicasOf) - availableReplicas),
    collisionCount: deployment.status?.collisionCount,
    conditions: availability(conditions, availableReplicas >= limits.desired - limits.maxUnavailable, now),
  };
}

function rolloutStatus(view: DeploymentView, now: Instant): DeploymentStatus {
  const status = plainStatus(view, now);
  const isFound = view.current !== undefined && find(status.conditions, 'Progressing') === undefined;
  const found = progressing(reasons.found, `Found new replica set "${view.current?.metadata.name ?? ''}"`);
  const conditions = isFound ? setCondition(status.conditions ?? [], found, now) : (status.conditions ?? []);
  return { ...status, conditions: progress(view, { ...status, conditions }, now) };
}

function writeStatus(view: DeploymentView, status: DeploymentStatus): readonly ObjectAction[] {
  const { deployment } = view;
  const next = trimmed(status);
  if (canonicalJson(next) === canonicalJson(deployment.status)) return [];
  return [{ do: 'update-status', resource: resources.deployments, object: { ...deployment, status: next } }];
}

/** Counts of zero are left out, as Kubernetes' omitempty does. */
function trimmed(status: DeploymentStatus): DeploymentStatus {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0 && value !== undefined));
}
export type { StoredReplicaSet };
