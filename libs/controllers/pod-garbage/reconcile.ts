/** Pods that nobody will finish: on nodes that are gone, deleted before they were placed, or finished long ago and too many. */
import type { Node, Pod, PodCondition, Stored } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import { resources } from '../../reconciling/index.js';
import type { Controller, ObjectAction } from '../../reconciling/index.js';
import { isFinished, isTerminating } from '../workload/pod-facts.js';

/** Finished pods kept in the whole cluster; the oldest beyond it go. */
export const FINISHED_PODS_MAX = 12_500;
const RECHECK_MS = 20_000;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

/** One key for the whole cluster: the rules compare pods with nodes and with each other. */
const KEY = 'cluster';

type StoredPod = Stored<Pod>;

export const podGarbageController: Controller = {
  name: 'pod-garbage-collector-controller',
  watches: [
    {
      resource: resources.nodes,
      keys: (node, previous) => (previous === undefined || node === previous ? [KEY] : isOutOfService(node) ? [KEY] : []),
    },
    // A pod deleted before it was placed has no agent that could confirm it.
    { resource: resources.pods, keys: (pod) => (pod.metadata.deletionTimestamp !== undefined && nodeOf(pod) === '' ? [KEY] : []) },
  ],
  reconcile(view, _key, context) {
    const nodes = new Map(view.list(resources.nodes).map((node) => [node.metadata.name, node]));
    const actions: ObjectAction[] = [];
    const finished: StoredPod[] = [];
    for (const pod of view.list(resources.pods)) {
      const node = nodes.get(nodeOf(pod));
      if (nodeOf(pod) === '') {
        if (isTerminating(pod)) actions.push(forceDelete(pod));
      } else if (node === undefined) actions.push(...orphaned(pod, context.now));
      else if (isTerminating(pod) && isOutOfService(node)) actions.push(forceDelete(pod));
      else if (isFinished(pod) && !isTerminating(pod)) finished.push(pod);
    }
    return { actions: [...actions, ...surplus(finished)], requeueAfterMs: RECHECK_MS };
  },
};

function nodeOf(pod: object): string {
  return (pod as StoredPod).spec?.nodeName ?? ''; // decode: watched under pods
}

function isOutOfService(object: object): boolean {
  const { spec } = object as Stored<Node>; // decode: watched under nodes
  return spec?.taints?.some((taint) => taint.key === OUT_OF_SERVICE) === true;
}

/** Its node is gone: say why it ends, then remove it without waiting for anybody. */
function orphaned(pod: StoredPod, now: Instant): readonly ObjectAction[] {
  if (isFinished(pod)) return [forceDelete(pod)];
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByPodGC',
    message: 'PodGC: node no longer exists',
    lastTransitionTime: formatTime(now),
  };
  const others = (pod.status?.conditions ?? []).filter((each) => each.type !== 'DisruptionTarget');
  const status = { ...pod.status, phase: 'Failed', conditions: [...others, condition] };
  return [{ do: 'update-status', resource: resources.pods, object: { ...pod, status } }, forceDelete(pod)];
}

function surplus(finished: readonly StoredPod[]): readonly ObjectAction[] {
  const count = finished.length - FINISHED_PODS_MAX;
  if (count <= 0) return [];
  return finished
    .toSorted((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1))
    .slice(0, count)
    .map(forceDelete);
}

function forceDelete(pod: StoredPod): ObjectAction {
  const { namespace, name, uid } = pod.metadata;
  return { do: 'delete', ref: { ...resources.pods, namespace, name }, uid, gracePeriodSeconds: 0 };
}
