/**
 * Node lifecycle: a node that is not heard of becomes Ready=Unknown, gets the taints that say so, its pods stop being
 * ready, and those whose toleration has run out are deleted. Heard again, the taints go.
 */
import type { KubeObject, Lease, Node, NodeCondition, Pod, Stored, Taint } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, ObjectAction, Plan } from '../../reconciling/index.js';
import { isFinished, isReady, isTerminating } from '../workload/pod-facts.js';
import type { StoredPod } from '../workload/pod-facts.js';
import { canonicalJson } from '../workload/pod-template.js';
import { evictionIn } from './eviction.js';
import { DEFAULT_HEALTH, NodeHealth } from './health.js';
import type { HealthSettings } from './health.js';

export const LEASE_NAMESPACE = 'kube-node-lease';
export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';

/** Conditions that become Unknown with the node. */
const HEARTBEAT_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];
const LOST_REASON = 'NodeStatusUnknown';
const LOST_MESSAGE = 'Kubelet stopped posting node status.';

/** Taints by node condition: NoSchedule ones only keep new pods away. */
const PRESSURE_TAINTS: readonly { readonly condition: string; readonly key: string }[] = [
  { condition: 'MemoryPressure', key: 'node.kubernetes.io/memory-pressure' },
  { condition: 'DiskPressure', key: 'node.kubernetes.io/disk-pressure' },
  { condition: 'PIDPressure', key: 'node.kubernetes.io/pid-pressure' },
  { condition: 'NetworkUnavailable', key: 'node.kubernetes.io/network-unavailable' },
];

type StoredNode = Stored<Node>;

export function nodeLifecycleController(settings: Partial<HealthSettings> = {}): Controller {
  const health = new NodeHealth({ ...DEFAULT_HEALTH, ...settings });
  return {
    name: 'node-controller',
    watches: [
      { resource: resources.nodes, keys: (node) => [node.metadata.name ?? ''] },
      { resource: resources.leases, keys: (lease) => (lease.metadata.namespace === LEASE_NAMESPACE ? [lease.metadata.name ?? ''] : []) },
      { resource: resources.pods, keys: keysOfPod },
    ],
    reconcile(view, key, context) {
      const node = view.get(resources.nodes, undefined, key);
      if (node === undefined) {
        health.forget(key);
        return { actions: [] };
      }
      const lease: Stored<Lease> | undefined = view.get(resources.leases, LEASE_NAMESPACE, key);
      const lostInMs = health.lostIn(key, lease?.spec?.renewTime, context.now);
      const plan = reconcileNode(view, node, lostInMs === 0, context.now);
      const waits = [health.lookEveryMs, plan.requeueAfterMs ?? health.lookEveryMs, lostInMs === 0 ? health.lookEveryMs : lostInMs];
      return { actions: plan.actions, requeueAfterMs: Math.max(1, Math.min(...waits)) };
    },
  };
}

/** A pod that comes to, or stands on, a node whose taints evict. */
function keysOfPod(pod: KubeObject, previous: KubeObject | undefined, view: ClusterView): readonly string[] {
  const name = nodeNameOf(pod);
  if (name === undefined || (previous !== undefined && nodeNameOf(previous) === name && pod !== previous)) return [];
  const node = view.get(resources.nodes, undefined, name);
  return node?.spec?.taints?.some((taint) => taint.effect === 'NoExecute') === true ? [name] : [];
}

function nodeNameOf(object: KubeObject): string | undefined {
  const pod = object as unknown as Stored<Pod>; // decode: watched under pods
  return pod.spec?.nodeName;
}

/** Same view, same verdict, same plan. Order: the truth about the node, then about its pods, then evictions. */
export function reconcileNode(view: ClusterView, node: StoredNode, isLost: boolean, now: Instant): Plan {
  const conditions = isLost ? lostConditions(node, now) : (node.status?.conditions ?? []);
  const status: readonly ObjectAction[] =
    conditions === node.status?.conditions || canonicalJson(conditions) === canonicalJson(node.status?.conditions)
      ? []
      : [
          { do: 'update-status', resource: resources.nodes, object: { ...node, status: { ...node.status, conditions } } },
          {
            do: 'event',
            regarding: node,
            type: 'Normal',
            reason: 'NodeNotReady',
            message: `Node ${node.metadata.name} status is now: NodeNotReady`,
          },
        ];
  // One write of the node a plan: the other would meet its own conflict. The status comes first, the taints right after it.
  if (status.length > 0) return { actions: status, requeueAfterMs: 1 };
  const taints = taintsFor(node, now);
  if (canonicalJson(taints) !== canonicalJson(node.spec?.taints)) {
    return {
      actions: [{ do: 'update', resource: resources.nodes, object: { ...node, spec: { ...node.spec, taints } } }],
      requeueAfterMs: 1,
    };
  }
  return podActions(view, node, taints, now);
}

function lostConditions(node: StoredNode, now: Instant): readonly NodeCondition[] {
  const at = formatTime(now);
  const known = node.status?.conditions ?? [];
  const types = new Set([...known.map((condition) => condition.type), 'Ready']);
  return [...types].map((type) => {
    const before = known.find((condition) => condition.type === type);
    if (!HEARTBEAT_CONDITIONS.includes(type) && before !== undefined) return before;
    if (before?.status === 'Unknown') return before;
    const reason = before === undefined ? 'NodeStatusNeverUpdated' : LOST_REASON;
    const message = before === undefined ? 'Kubelet never posted node status.' : LOST_MESSAGE;
    return { type, status: 'Unknown', reason, message, lastTransitionTime: at, lastHeartbeatTime: before?.lastHeartbeatTime ?? at };
  });
}

/** The node's taints, with those that follow from its conditions as they must be and all others as they are. */
function taintsFor(node: StoredNode, now: Instant): readonly Taint[] | undefined {
  const status = (type: string): string | undefined => node.status?.conditions?.find((condition) => condition.type === type)?.status;
  const ready = status('Ready');
  const wanted: Taint[] = [];
  // A node that has never reported is not ready, but nothing runs there that could be evicted.
  if (ready === undefined) wanted.push({ key: NOT_READY, effect: 'NoSchedule' });
  if (ready === 'False') wanted.push({ key: NOT_READY, effect: 'NoSchedule' }, { key: NOT_READY, effect: 'NoExecute' });
  if (ready === 'Unknown') wanted.push({ key: UNREACHABLE, effect: 'NoSchedule' }, { key: UNREACHABLE, effect: 'NoExecute' });
  for (const { condition, key } of PRESSURE_TAINTS) if (status(condition) === 'True') wanted.push({ key, effect: 'NoSchedule' });
  if (node.spec?.unschedulable === true) wanted.push({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' });
  const owned = new Set([NOT_READY, UNREACHABLE, 'node.kubernetes.io/unschedulable', ...PRESSURE_TAINTS.map(({ key }) => key)]);
  const present = node.spec?.taints ?? [];
  const isSame = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
  const kept = present.filter((taint) => !owned.has(taint.key) || wanted.some((each) => isSame(each, taint)));
  const added = wanted.filter((taint) => !present.some((each) => isSame(each, taint)));
  const taints = [...kept, ...added.map((taint) => ({ ...taint, timeAdded: formatTime(now) }))];
  return taints.length === 0 ? undefined : taints;
}

function podActions(view: ClusterView, node: StoredNode, taints: readonly Taint[] | undefined, now: Instant): Plan {
  const evicting = (taints ?? []).filter((taint) => taint.effect === 'NoExecute');
  const isReadyNode = node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
  if (evicting.length === 0 && isReadyNode) return { actions: [] };
  const pods = view.list(resources.pods).filter((pod) => pod.spec?.nodeName === node.metadata.name && !isFinished(pod));
  const actions: ObjectAction[] = [];
  let nextMs: number | undefined;
  for (const pod of pods) {
    const wait = isTerminating(pod) ? undefined : evictionIn(pod, evicting, now);
    if (wait === 0) actions.push(...evict(pod));
    else if (!isReadyNode && isUnreachable(node) && isReady(pod)) actions.push(notReady(pod, now));
    if (wait !== undefined && wait > 0) nextMs = Math.min(nextMs ?? wait, wait);
  }
  return { actions, requeueAfterMs: nextMs };
}

function isUnreachable(node: StoredNode): boolean {
  return node.spec?.taints?.some((taint) => taint.key === UNREACHABLE) === true;
}

function evict(pod: StoredPod): readonly ObjectAction[] {
  const { namespace = '', name, uid } = pod.metadata;
  return [
    {
      do: 'event',
      regarding: pod,
      type: 'Normal',
      reason: 'TaintManagerEviction',
      message: `Marking for deletion Pod ${namespace}/${name}`,
    },
    { do: 'delete', ref: { ...resources.pods, namespace, name }, uid },
  ];
}

/** Nobody can say that it serves: services stop sending to it. The agent's own word replaces this when it is back. */
function notReady(pod: StoredPod, now: Instant): ObjectAction {
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready' && condition.status === 'True'
      ? { ...condition, status: 'False', reason: 'NodeNotReady', lastTransitionTime: formatTime(now) }
      : condition,
  );
  return { do: 'update-status', resource: resources.pods, object: { ...pod, status: { ...pod.status, conditions } } };
}
