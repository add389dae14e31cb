/** A node with the pods placed on it: what it offers, what is taken, in integers that filters and scores compare. */
import type { Node, Stored, Taint } from '../../api/index.js';
import { amountOf } from './pod-facts.js';
import type { HostPort, PodFacts } from './pod-facts.js';

const PODS_DEFAULT = 110;

/** Mutable, and changed only by the Snapshot that holds it. */
export class NodeState {
  node: Stored<Node>;
  readonly name: string;
  /** Place in the snapshot's order. */
  index = 0;
  labels: Readonly<Record<string, string>> = {};
  taints: readonly Taint[] = [];
  /** PreferNoSchedule: only scored. */
  softTaints: readonly Taint[] = [];
  isUnschedulable = false;
  allocatableMilliCpu = 0;
  allocatableMemoryBytes = 0;
  allocatableEphemeralBytes = 0;
  allocatablePods = PODS_DEFAULT;
  allocatableOthers: ReadonlyMap<string, number> = new Map();
  requestedMilliCpu = 0;
  requestedMemoryBytes = 0;
  requestedEphemeralBytes = 0;
  readonly requestedOthers = new Map<string, number>();
  scoredMilliCpu = 0;
  scoredMemoryBytes = 0;
  readonly pods = new Map<string, PodFacts>();
  /** Pods of each spread group (controller) here. */
  readonly groups = new Map<string, number>();
  readonly hostPorts: HostPort[] = [];
  images: ReadonlyMap<string, number> = new Map();

  constructor(node: Stored<Node>) {
    this.node = node;
    this.name = node.metadata.name;
    this.update(node);
  }

  update(node: Stored<Node>): void {
    this.node = node;
    this.labels = node.metadata.labels ?? {};
    this.taints = (node.spec?.taints ?? []).filter((taint) => taint.effect === 'NoSchedule' || taint.effect === 'NoExecute');
    this.softTaints = (node.spec?.taints ?? []).filter((taint) => taint.effect === 'PreferNoSchedule');
    this.isUnschedulable = node.spec?.unschedulable === true;
    const others = new Map<string, number>();
    this.allocatableMilliCpu = 0;
    this.allocatableMemoryBytes = 0;
    this.allocatableEphemeralBytes = 0;
    this.allocatablePods = PODS_DEFAULT;
    for (const [name, quantity] of Object.entries(node.status?.allocatable ?? node.status?.capacity ?? {})) {
      const amount = amountOf(name, quantity);
      if (name === 'cpu') this.allocatableMilliCpu = amount;
      else if (name === 'memory') this.allocatableMemoryBytes = amount;
      else if (name === 'ephemeral-storage') this.allocatableEphemeralBytes = amount;
      else if (name === 'pods') this.allocatablePods = amount;
      else others.set(name, amount);
    }
    this.allocatableOthers = others;
    this.images = new Map((node.status?.images ?? []).flatMap((image) => (image.names ?? []).map((name) => [name, image.sizeBytes ?? 0])));
  }

  add(pod: PodFacts): void {
    this.pods.set(pod.uid, pod);
    this.#count(pod, 1);
    this.hostPorts.push(...pod.hostPorts);
  }

  remove(pod: PodFacts): void {
    if (!this.pods.delete(pod.uid)) return;
    this.#count(pod, -1);
    if (pod.hostPorts.length === 0) return;
    this.hostPorts.length = 0;
    for (const other of this.pods.values()) this.hostPorts.push(...other.hostPorts);
  }

  /** The same node with the same pods, for trying out. */
  copy(): NodeState {
    const copy = new NodeState(this.node);
    copy.index = this.index;
    for (const pod of this.pods.values()) copy.add(pod);
    return copy;
  }

  #count(pod: PodFacts, sign: 1 | -1): void {
    const { request } = pod;
    this.requestedMilliCpu += sign * request.milliCpu;
    this.requestedMemoryBytes += sign * request.memoryBytes;
    this.requestedEphemeralBytes += sign * request.ephemeralBytes;
    this.scoredMilliCpu += sign * pod.scoredMilliCpu;
    this.scoredMemoryBytes += sign * pod.scoredMemoryBytes;
    for (const [name, amount] of request.others) {
      this.requestedOthers.set(name, (this.requestedOthers.get(name) ?? 0) + sign * amount);
    }
    if (pod.spreadGroup !== undefined) {
      const count = (this.groups.get(pod.spreadGroup) ?? 0) + sign;
      if (count > 0) this.groups.set(pod.spreadGroup, count);
      else this.groups.delete(pod.spreadGroup);
    }
  }
}
