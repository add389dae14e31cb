/** All nodes and placed pods, kept incrementally: the scheduler's whole knowledge. Decisions only read it. */
import type { Node, Stored } from '../../api/index.js';
import { SelectorCounters, TermCounters } from './counters.js';
import type { PodCounter } from './counters.js';
import { NodeState } from './node-state.js';
import type { PodFacts, PodSelector } from './pod-facts.js';
import { NO_VOLUMES } from './volumes.js';
import type { VolumeView } from './volumes.js';

const ZONE = 'topology.kubernetes.io/zone';

export class Snapshot {
  /** In the order of their arrival; the place is `NodeState.index`. */
  readonly nodes: NodeState[] = [];
  readonly #byName = new Map<string, NodeState>();
  readonly #placed = new Map<string, { readonly node: NodeState; readonly pod: PodFacts }>();
  /** Pods on nodes that are not known (yet), by node name. */
  readonly #waiting = new Map<string, Map<string, PodFacts>>();
  readonly #selectors = new SelectorCounters();
  /** Terms by which placed pods keep others away. */
  readonly antiAffinityTerms = new TermCounters();
  /** How many nodes have an image, by name. */
  readonly imageNodes = new Map<string, number>();
  taintedNodes = 0;
  unschedulableNodes = 0;
  /** Nodes with PreferNoSchedule taints. */
  avoidedNodes = 0;
  /** Nodes by zone; spreading over zones matters where there are several. */
  readonly #zones = new Map<string, number>();
  readonly #domains = new Map<string, Set<string>>();
  readonly #groupZones = new Map<string, Map<string, number>>();

  constructor(readonly volumes: VolumeView = NO_VOLUMES) {}

  node(name: string): NodeState | undefined {
    return this.#byName.get(name);
  }

  get podCount(): number {
    return this.#placed.size;
  }

  /** Adds the node, or takes its new form. Answers whether anything that a decision looks at has changed. */
  putNode(node: Stored<Node>): boolean {
    const before = this.#byName.get(node.metadata.name);
    if (before === undefined) {
      this.#addNode(new NodeState(node));
      return true;
    }
    const isSame = decisiveText(before.node) === decisiveText(node);
    const hasNewLabels = JSON.stringify(before.labels) !== JSON.stringify(node.metadata.labels ?? {});
    // Pods are counted by their node's labels: taken out under the old ones, put back under the new.
    const pods = hasNewLabels ? [...before.pods.values()] : [];
    for (const pod of pods) this.removePod(pod.uid);
    this.#tally(before, -1);
    before.update(node);
    this.#tally(before, 1);
    for (const pod of pods) this.placePod(pod, before.name);
    if (hasNewLabels) this.#forgetDomains();
    return !isSame;
  }

  deleteNode(name: string): void {
    const node = this.#byName.get(name);
    if (node === undefined) return;
    const pods = [...node.pods.values()];
    for (const pod of pods) this.removePod(pod.uid);
    for (const pod of pods) this.#wait(name, pod);
    this.#tally(node, -1);
    this.#byName.delete(name);
    this.nodes.splice(node.index, 1);
    for (let index = node.index; index < this.nodes.length; index += 1) {
      const moved = this.nodes[index];
      if (moved !== undefined) moved.index = index;
    }
    this.#forgetDomains();
  }

  /** Places the pod (again: a pod is on one node at most). */
  placePod(pod: PodFacts, nodeName: string): void {
    const before = this.#placed.get(pod.uid);
    if (before !== undefined && before.pod === pod && before.node.name === nodeName) return;
    this.removePod(pod.uid);
    const node = this.#byName.get(nodeName);
    if (node === undefined) {
      this.#wait(nodeName, pod);
      return;
    }
    node.add(pod);
    this.#placed.set(pod.uid, { node, pod });
    this.#count(node, pod, 1);
  }

  /** Answers whether the pod was placed. */
  removePod(uid: string): boolean {
    for (const pods of this.#waiting.values()) pods.delete(uid);
    const placed = this.#placed.get(uid);
    if (placed === undefined) return false;
    this.#placed.delete(uid);
    placed.node.remove(placed.pod);
    this.#count(placed.node, placed.pod, -1);
    return true;
  }

  /** The node that holds the pod. */
  nodeOf(uid: string): NodeState | undefined {
    return this.#placed.get(uid)?.node;
  }

  /** Placed pods that the selector finds. */
  counter(selector: PodSelector): PodCounter {
    return this.#selectors.of(selector, this.nodes);
  }

  /** The values that nodes have for a label. */
  domains(topologyKey: string): ReadonlySet<string> {
    const before = this.#domains.get(topologyKey);
    if (before !== undefined) return before;
    const values = new Set<string>();
    for (const node of this.nodes) {
      const value = node.labels[topologyKey];
      if (value !== undefined) values.add(value);
    }
    this.#domains.set(topologyKey, values);
    return values;
  }

  /** Pods of a spread group by zone; `undefined` where there is at most one zone. */
  groupZones(group: string): ReadonlyMap<string, number> | undefined {
    return this.#zones.size > 1 ? this.#groupZones.get(group) : undefined;
  }

  #addNode(node: NodeState): void {
    this.#domains.clear();
    node.index = this.nodes.length;
    this.nodes.push(node);
    this.#byName.set(node.name, node);
    this.#tally(node, 1);
    const waiting = this.#waiting.get(node.name);
    this.#waiting.delete(node.name);
    for (const pod of waiting?.values() ?? []) this.placePod(pod, node.name);
  }

  #wait(nodeName: string, pod: PodFacts): void {
    let pods = this.#waiting.get(nodeName);
    if (pods === undefined) this.#waiting.set(nodeName, (pods = new Map()));
    pods.set(pod.uid, pod);
  }

  #count(node: NodeState, pod: PodFacts, by: 1 | -1): void {
    this.#selectors.change(node, pod, by);
    this.antiAffinityTerms.change(node, pod.requiredAntiAffinity, by);
    if (pod.spreadGroup !== undefined) this.#countZone(pod.spreadGroup, node.labels[ZONE], by);
  }

  #countZone(group: string, zone: string | undefined, by: 1 | -1): void {
    if (zone === undefined) return;
    let zones = this.#groupZones.get(group);
    if (zones === undefined) this.#groupZones.set(group, (zones = new Map()));
    const next = (zones.get(zone) ?? 0) + by;
    if (next > 0) zones.set(zone, next);
    else zones.delete(zone);
    if (zones.size === 0) this.#groupZones.delete(group);
  }

  #tally(node: NodeState, by: 1 | -1): void {
    if (node.taints.length > 0) this.taintedNodes += by;
    if (node.isUnschedulable) this.unschedulableNodes += by;
    if (node.softTaints.length > 0) this.avoidedNodes += by;
    const zone = node.labels[ZONE];
    if (zone !== undefined) {
      const zones = (this.#zones.get(zone) ?? 0) + by;
      if (zones > 0) this.#zones.set(zone, zones);
      else this.#zones.delete(zone);
    }
    for (const image of node.images.keys()) {
      const count = (this.imageNodes.get(image) ?? 0) + by;
      if (count > 0) this.imageNodes.set(image, count);
      else this.imageNodes.delete(image);
    }
  }

  #forgetDomains(): void {
    this.#domains.clear();
    this.#selectors.forgetDomains();
    this.antiAffinityTerms.forgetDomains();
  }
}

/** What of a node can change a decision from "no" to "yes". Heartbeats and images do not. */
function decisiveText(node: Stored<Node>): string {
  const { spec, status, metadata } = node;
  return JSON.stringify([metadata.labels, spec?.taints, spec?.unschedulable, status?.allocatable]);
}
