/** A pod as the scheduler sees it: quantities are integers, selectors are parsed, once a pod object. */
import { labelSelectorRequirements, quantityMillis, quantityValue } from '../../api/index.js';
import type { Affinity, LabelRequirement, NodeSelectorTerm, Pod, PodAffinityTerm, Stored, Toleration } from '../../api/index.js';
import { controllerOf } from '../../reconciling/index.js';

/** Resources beside CPU, memory and ephemeral storage, by name: hugepages and extended ones. */
export type OtherResources = ReadonlyMap<string, number>;

export interface ResourceRequest {
  readonly milliCpu: number;
  readonly memoryBytes: number;
  readonly ephemeralBytes: number;
  readonly others: OtherResources;
}

export interface HostPort {
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

/** One `topologySpreadConstraint`, own or the cluster's default. */
export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly hard: boolean;
  readonly minDomains: number;
  readonly selector: PodSelector;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

/** Pods of some namespaces with some labels. `id` is the same for selectors that mean the same. */
export interface PodSelector {
  readonly id: string;
  /** `undefined` = all namespaces. */
  readonly namespaces: readonly string[] | undefined;
  /** `undefined` selects nothing. */
  readonly requirements: readonly LabelRequirement[] | undefined;
}

export interface AffinityTerm {
  readonly id: string;
  readonly topologyKey: string;
  readonly selector: PodSelector;
  readonly weight: number;
}

export interface PodFacts {
  readonly pod: Stored<Pod>;
  readonly uid: string;
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly priority: number;
  readonly request: ResourceRequest;
  /** As `request`, with defaults for what is not requested: only for scores, so that pods without requests spread too. */
  readonly scoredMilliCpu: number;
  readonly scoredMemoryBytes: number;
  readonly hostPorts: readonly HostPort[];
  readonly tolerations: readonly Toleration[];
  readonly nodeSelector: Readonly<Record<string, string>> | undefined;
  /** Terms are alternatives; `undefined` = no requirement. */
  readonly requiredNodeTerms: readonly NodeSelectorTerm[] | undefined;
  readonly affinity: Affinity | undefined;
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  /** Positive weights attract, negative ones repel. */
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly spread: readonly SpreadConstraint[];
  /** Pods of one controller are spread over nodes and zones unless they say otherwise. */
  readonly spreadGroup: string | undefined;
  readonly images: readonly string[];
}

/** Kubernetes' defaults for scoring a container that requests nothing. */
const DEFAULT_MILLI_CPU = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

const known = new WeakMap<Stored<Pod>, PodFacts>();

export function podFacts(pod: Stored<Pod>): PodFacts {
  const before = known.get(pod);
  if (before !== undefined) return before;
  const facts = read(pod);
  known.set(pod, facts);
  return facts;
}

function read(pod: Stored<Pod>): PodFacts {
  const spec = pod.spec;
  const namespace = pod.metadata.namespace ?? 'default';
  const affinity = spec?.affinity;
  const request = requestOf(pod);
  const terms = (list: readonly PodAffinityTerm[] | undefined, sign = 0): AffinityTerm[] =>
    (list ?? []).map((term) => affinityTerm(term, pod, sign));
  const constraints = spec?.topologySpreadConstraints ?? [];
  return {
    pod,
    uid: pod.metadata.uid,
    key: `${namespace}/${pod.metadata.name}`,
    namespace,
    labels: pod.metadata.labels,
    priority: spec?.priority ?? 0,
    request,
    scoredMilliCpu: request.milliCpu === 0 ? DEFAULT_MILLI_CPU * (spec?.containers.length ?? 1) : request.milliCpu,
    scoredMemoryBytes: request.memoryBytes === 0 ? DEFAULT_MEMORY_BYTES * (spec?.containers.length ?? 1) : request.memoryBytes,
    hostPorts: hostPortsOf(pod),
    tolerations: spec?.tolerations ?? [],
    nodeSelector: spec?.nodeSelector,
    requiredNodeTerms: affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms,
    affinity,
    requiredAffinity: terms(affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: terms(affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: [
      ...(affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) =>
        affinityTerm(each.podAffinityTerm, pod, each.weight),
      ),
      ...(affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) =>
        affinityTerm(each.podAffinityTerm, pod, -each.weight),
      ),
    ],
    spread: constraints.map((constraint) => ({
      topologyKey: constraint.topologyKey,
      maxSkew: constraint.maxSkew,
      hard: constraint.whenUnsatisfiable === 'DoNotSchedule',
      minDomains: constraint.minDomains ?? 1,
      selector: podSelector([namespace], withMatchLabelKeys(constraint.labelSelector, constraint.matchLabelKeys, pod)),
      honorsAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
      honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
    })),
    spreadGroup: constraints.length > 0 ? undefined : controllerOf(pod)?.uid,
    images: (spec?.containers ?? []).map((container) => container.image ?? ''),
  };
}

function affinityTerm(term: PodAffinityTerm, pod: Stored<Pod>, weight: number): AffinityTerm {
  const own = pod.metadata.namespace ?? 'default';
  const listed = term.namespaces ?? [];
  // A namespace selector that is empty means all namespaces; others would need the namespaces' labels.
  const isEverywhere = term.namespaceSelector !== undefined;
  const namespaces = isEverywhere ? undefined : listed.length === 0 ? [own] : listed;
  const labels = withMismatchLabelKeys(withMatchLabelKeys(term.labelSelector, term.matchLabelKeys, pod), term.mismatchLabelKeys, pod);
  const selector = podSelector(namespaces, labels);
  return { id: `${term.topologyKey}|${selector.id}`, topologyKey: term.topologyKey, selector, weight };
}

function podSelector(namespaces: readonly string[] | undefined, requirements: readonly LabelRequirement[] | undefined): PodSelector {
  return { id: JSON.stringify([namespaces, requirements]), namespaces, requirements };
}

function withMatchLabelKeys(
  selector: PodAffinityTerm['labelSelector'],
  keys: readonly string[] | undefined,
  pod: Stored<Pod>,
): readonly LabelRequirement[] | undefined {
  const requirements = labelSelectorRequirements(selector);
  if (requirements === undefined || keys === undefined) return requirements;
  return [...requirements, ...keyRequirements(keys, 'in', pod)];
}

function withMismatchLabelKeys(
  requirements: readonly LabelRequirement[] | undefined,
  keys: readonly string[] | undefined,
  pod: Stored<Pod>,
): readonly LabelRequirement[] | undefined {
  if (requirements === undefined || keys === undefined) return requirements;
  return [...requirements, ...keyRequirements(keys, 'notin', pod)];
}

function keyRequirements(keys: readonly string[], operator: 'in' | 'notin', pod: Stored<Pod>): readonly LabelRequirement[] {
  return keys.flatMap((key) => {
    const value = pod.metadata.labels?.[key];
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
}

function hostPortsOf(pod: Stored<Pod>): readonly HostPort[] {
  const ports: HostPort[] = [];
  for (const container of pod.spec?.containers ?? []) {
    for (const port of container.ports ?? []) {
      const number = port.hostPort ?? (pod.spec?.hostNetwork === true ? port.containerPort : 0);
      if (number > 0) ports.push({ protocol: port.protocol ?? 'TCP', ip: port.hostIP ?? '0.0.0.0', port: number });
    }
  }
  return ports;
}

type Quantities = Readonly<Record<string, string>>;

/** Sum of the containers, or more where an init container needs more; plus overhead (Kubernetes docs, Init containers, "Resource sharing"). */
export function requestOf(pod: Stored<Pod>): ResourceRequest {
  const total = new Map<string, number>();
  for (const container of pod.spec?.containers ?? []) addTo(total, container.resources?.requests);
  const sidecars = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const init of pod.spec?.initContainers ?? []) {
    if (init.restartPolicy === 'Always') {
      addTo(total, init.resources?.requests);
      addTo(sidecars, init.resources?.requests);
      raise(peak, sidecars);
    } else {
      const alone = new Map(sidecars);
      addTo(alone, init.resources?.requests);
      raise(peak, alone);
    }
  }
  raise(total, peak);
  for (const [name, quantity] of Object.entries(pod.spec?.resources?.requests ?? {})) total.set(name, amountOf(name, quantity));
  addTo(total, pod.spec?.overhead);
  const milliCpu = total.get('cpu') ?? 0;
  const memoryBytes = total.get('memory') ?? 0;
  const ephemeralBytes = total.get('ephemeral-storage') ?? 0;
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) total.delete(name);
  return { milliCpu, memoryBytes, ephemeralBytes, others: total };
}

/** CPU in thousandths, everything else in whole units. */
export function amountOf(resource: string, quantity: string): number {
  return resource === 'cpu' ? quantityMillis(quantity) : quantityValue(quantity);
}

function addTo(total: Map<string, number>, quantities: Quantities | undefined): void {
  if (quantities === undefined) return;
  for (const name of Object.keys(quantities)) total.set(name, (total.get(name) ?? 0) + amountOf(name, quantities[name] ?? '0'));
}

function raise(total: Map<string, number>, floor: ReadonlyMap<string, number>): void {
  for (const [name, amount] of floor) if ((total.get(name) ?? 0) < amount) total.set(name, amount);
}
