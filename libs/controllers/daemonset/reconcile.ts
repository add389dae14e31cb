/** DaemonSet: one pod on every node that may have it. The scheduler places the pods; each names its node by an affinity term. */
import type {
  Affinity,
  DaemonSet,
  DaemonSetStatus,
  KubeObject,
  Node,
  PodSpec,
  PodTemplateSpec,
  Stored,
  Toleration,
} from '../../api/index.js';
import { resources } from '../../reconciling/index.js';
import type { ClusterView, Controller, DecisionContext, ObjectAction, Plan } from '../../reconciling/index.js';
import { NodeState, nodeAffinityOf, podFacts, untolerated } from '../../scheduler/index.js';
import { resolve } from '../deployment/rollout.js';
import { claim, keyOf, ownerKeys, splitKey } from '../workload/ownership.js';
import { availableIn, isFinished, isReady, isTerminating } from '../workload/pod-facts.js';
import type { StoredPod } from '../workload/pod-facts.js';
import { canonicalJson, podFromTemplate } from '../workload/pod-template.js';
import { beyondHistory, hashOf, REVISION_HASH_LABEL, revisionsOf } from '../workload/revisions.js';
import type { Revisions } from '../workload/revisions.js';

type StoredDaemonSet = Stored<DaemonSet>;
type StoredNode = Stored<Node>;

/** Pods created by one plan. */
const CREATES_PER_PLAN_MAX = 250;

/** Daemons stay on nodes that others leave (Kubernetes docs, DaemonSet, "Taints and tolerations"). */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const HOST_NETWORK_TOLERATION: Toleration = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' };

export const daemonSetController: Controller = {
  name: 'daemonset-controller',
  watches: [
    { resource: resources.daemonSets, keys: (set) => [keyOf(set)] },
    { resource: resources.pods, keys: (pod, previous) => ownerKeys('DaemonSet', pod, previous) },
    { resource: resources.controllerRevisions, keys: (revision, previous) => ownerKeys('DaemonSet', revision, previous) },
    {
      resource: resources.nodes,
      keys: (node, previous, view) =>
        previous !== undefined && previous !== node && placementText(node) === placementText(previous)
          ? []
          : view.list(resources.daemonSets).map(keyOf),
    },
  ],
  reconcile(view, key, context) {
    const { namespace, name } = splitKey(key);
    const set = view.get(resources.daemonSets, namespace, name);
    return set?.spec === undefined ? { actions: [] } : reconcileDaemonSet(view, set, context);
  },
};

function placementText(node: KubeObject): string {
  const { spec } = node as unknown as StoredNode; // decode: watched under nodes
  return JSON.stringify([node.metadata.labels, spec?.taints]);
}

interface NodePods {
  readonly node: StoredNode;
  readonly mayRun: boolean;
  readonly mayStay: boolean;
  readonly pods: readonly StoredPod[];
}

interface SetView {
  readonly set: StoredDaemonSet;
  readonly template: PodTemplateSpec;
  readonly revisions: Revisions;
  readonly nodes: readonly NodePods[];
  readonly context: DecisionContext;
}

/** Same view, same instant, same plan (names of new pods come from `context.ids`). */
export function reconcileDaemonSet(view: ClusterView, set: StoredDaemonSet, context: DecisionContext): Plan {
  const { template, selector } = set.spec ?? {};
  if (template === undefined || selector === undefined) return { actions: [] };
  const claimed = claim(view, resources.pods, set, selector);
  const revisions = revisionsOf(view, set, template, set.status?.collisionCount ?? 0);
  if (!isTerminating(set) && claimed.actions.length + revisions.actions.length > 0) {
    return { actions: [...claimed.actions, ...revisions.actions] };
  }
  const seen: SetView = { set, template, revisions, nodes: nodePods(view, set, template, claimed.owned), context };
  const steps = isTerminating(set) ? [] : [...placeSteps(seen), ...updateSteps(seen)];
  const used = new Set([revisions.updateHash, ...claimed.owned.map(hashOf)]);
  const cleanup = isTerminating(set) ? [] : beyondHistory(revisions.all, used, set.spec?.revisionHistoryLimit ?? 10);
  return { actions: [...steps, ...writeStatus(seen), ...cleanup] };
}

function nodePods(view: ClusterView, set: StoredDaemonSet, template: PodTemplateSpec, pods: readonly StoredPod[]): readonly NodePods[] {
  const byNode = new Map<string, StoredPod[]>();
  for (const pod of pods) {
    const name = nodeNameOf(pod);
    byNode.set(name, [...(byNode.get(name) ?? []), pod]);
  }
  // The template as a pod, to ask the scheduler's own rules.
  const metadata = { name: set.metadata.name, uid: set.metadata.uid, resourceVersion: '', creationTimestamp: '' };
  const spec = { ...template.spec, containers: template.spec?.containers ?? [], tolerations: tolerationsOf(template.spec) };
  const facts = podFacts({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
  const isWanted = nodeAffinityOf(facts);
  return view.list(resources.nodes).map((node) => {
    const state = new NodeState(node);
    const matches = (spec.nodeName === undefined || spec.nodeName === state.name) && (isWanted === undefined || isWanted(state));
    const untoleratedNow = untolerated(facts.tolerations, state.taints);
    const evicting = state.taints.filter((taint) => taint.effect === 'NoExecute');
    return {
      node,
      mayRun: matches && untoleratedNow === undefined,
      mayStay: matches && untolerated(facts.tolerations, evicting) === undefined,
      pods: byNode.get(state.name) ?? [],
    };
  });
}

/** Where the pod is, or where its affinity term says that it will be. */
function nodeNameOf(pod: StoredPod): string {
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const field = terms.flatMap((term) => term.matchFields ?? []).find((each) => each.key === 'metadata.name');
  return pod.spec?.nodeName ?? field?.values?.[0] ?? '';
}

function tolerationsOf(spec: PodSpec | undefined): readonly Toleration[] {
  return [...(spec?.tolerations ?? []), ...DAEMON_TOLERATIONS, ...(spec?.hostNetwork === true ? [HOST_NETWORK_TOLERATION] : [])];
}

/** One pod on each node that may have one; finished pods are replaced, second ones and those on other nodes go. */
function placeSteps(seen: SetView): readonly ObjectAction[] {
  const creates: ObjectAction[] = [];
  const deletes: ObjectAction[] = [];
  for (const { node, mayRun, mayStay, pods } of seen.nodes) {
    const staying = pods.filter((pod) => !isTerminating(pod));
    const finished = staying.filter(isFinished);
    const running = staying
      .filter((pod) => !isFinished(pod))
      .toSorted((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
    deletes.push(...finished.map((pod) => deletion(seen.set, pod)));
    if (!mayStay) deletes.push(...running.map((pod) => deletion(seen.set, pod)));
    else if (running.length > 1 && !isSurging(seen)) deletes.push(...running.slice(1).map((pod) => deletion(seen.set, pod)));
    else if (mayRun && running.length === 0 && pods.length === finished.length) creates.push(creation(seen, node.metadata.name));
  }
  return [...deletes, ...creates.slice(0, CREATES_PER_PLAN_MAX)];
}

function isSurging(seen: SetView): boolean {
  return limitsOf(seen).maxSurge > 0;
}

function limitsOf({ set, nodes }: SetView): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const wanted = nodes.filter(({ mayRun }) => mayRun).length;
  const { maxSurge = 0, maxUnavailable = 1 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  const surge = resolve(maxSurge, wanted, Math.ceil);
  const unavailable = resolve(maxUnavailable, wanted, Math.ceil);
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** Old pods go as far as maxUnavailable allows, those that do not serve first; with a surge the new one comes before. */
function updateSteps(seen: SetView): readonly ObjectAction[] {
  if (seen.set.spec?.updateStrategy?.type === 'OnDelete') return [];
  const { maxSurge, maxUnavailable } = limitsOf(seen);
  const updateHash = seen.revisions.updateHash;
  const served = seen.nodes.filter(({ mayRun }) => mayRun);
  const old = served.flatMap((each) =>
    each.pods.filter((pod) => hashOf(pod) !== updateHash && !isTerminating(pod) && !isFinished(pod)).map((pod) => ({ pod, each })),
  );
  if (maxSurge > 0) return surgeSteps(seen, old, maxSurge);
  const unavailable = served.filter((each) => !each.pods.some((pod) => isAvailable(seen, pod))).length;
  const idle = old.filter(({ pod }) => !isAvailable(seen, pod));
  const serving = old.filter(({ pod }) => isAvailable(seen, pod));
  const budget = Math.max(0, maxUnavailable - unavailable);
  return [...idle, ...serving.slice(0, budget)].map(({ pod }) => deletion(seen.set, pod));
}

function surgeSteps(
  seen: SetView,
  old: readonly { readonly pod: StoredPod; readonly each: NodePods }[],
  maxSurge: number,
): readonly ObjectAction[] {
  const isNew = (pod: StoredPod): boolean => hashOf(pod) === seen.revisions.updateHash && !isTerminating(pod);
  const replaced = old.filter(({ each }) => each.pods.some((pod) => isNew(pod) && isAvailable(seen, pod)));
  const surging = old.filter(({ each }) => each.pods.some(isNew)).length - replaced.length;
  const next = old.filter(({ each }) => !each.pods.some(isNew)).slice(0, Math.max(0, maxSurge - surging));
  return [...replaced.map(({ pod }) => deletion(seen.set, pod)), ...next.map(({ each }) => creation(seen, each.node.metadata.name))];
}

function isAvailable(seen: SetView, pod: StoredPod): boolean {
  return !isTerminating(pod) && availableIn(pod, seen.set.spec?.minReadySeconds ?? 0, seen.context.now) === 0;
}

function creation(seen: SetView, nodeName: string): ObjectAction {
  const { set, template, revisions, context } = seen;
  const pod = podFromTemplate(template, set, `${set.metadata.name}-${context.ids.suffix(5)}`);
  const labels = {
    ...pod.metadata.labels,
    [REVISION_HASH_LABEL]: revisions.updateHash,
    'pod-template-generation': String(set.metadata.generation ?? 1),
  };
  const spec = { ...template.spec, tolerations: tolerationsOf(template.spec), affinity: onNode(template.spec?.affinity, nodeName) };
  return { do: 'create', resource: resources.pods, object: { ...pod, metadata: { ...pod.metadata, labels }, spec }, reportTo: set };
}

/** Every alternative of the template's own requirement, and the node's name. */
function onNode(affinity: Affinity | undefined, nodeName: string): Affinity {
  const field = { key: 'metadata.name', operator: 'In', values: [nodeName] };
  const own = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const nodeSelectorTerms = own.length === 0 ? [{ matchFields: [field] }] : own.map((term) => ({ ...term, matchFields: [field] }));
  return {
    ...affinity,
    nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  };
}

function deletion(set: StoredDaemonSet, pod: StoredPod): ObjectAction {
  const { namespace, name, uid } = pod.metadata;
  return { do: 'delete', ref: { ...resources.pods, namespace, name }, uid, reportTo: set };
}

function writeStatus(seen: SetView): readonly ObjectAction[] {
  const { set, nodes } = seen;
  const wanted = nodes.filter(({ mayRun }) => mayRun);
  const present = wanted.filter(({ pods }) => pods.length > 0);
  const withPod = (holds: (pod: StoredPod) => boolean): number => wanted.filter(({ pods }) => pods.some(holds)).length;
  const available = withPod((pod) => isAvailable(seen, pod));
  const optional = {
    updatedNumberScheduled: withPod((pod) => hashOf(pod) === seen.revisions.updateHash),
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  };
  const status: DaemonSetStatus = {
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== 0)),
    currentNumberScheduled: present.length,
    desiredNumberScheduled: wanted.length,
    numberMisscheduled: nodes.filter(({ mayRun, pods }) => !mayRun && pods.length > 0).length,
    numberReady: withPod((pod) => isReady(pod) && !isTerminating(pod)),
    observedGeneration: set.metadata.generation,
    collisionCount: set.status?.collisionCount,
  };
  if (canonicalJson(status) === canonicalJson(set.status)) return [];
  return [{ do: 'update-status', resource: resources.daemonSets, object: { ...set, status } }];
}
