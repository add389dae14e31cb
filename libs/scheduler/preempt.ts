/** Making room for a pod by deleting pods of lower priority (Kubernetes docs, Pod priority and preemption). */
import { countedReasons } from './explain.js';
import type { Explanation } from './explain.js';
import { nodePorts } from './filters/node-ports.js';
import { nodeResourcesFit } from './filters/node-resources-fit.js';
import type { NodeState } from './model/node-state.js';
import type { PodFacts } from './model/pod-facts.js';
import type { Snapshot } from './model/snapshot.js';
import type { FilterPlugin } from './plugin.js';

export interface Preemption {
  /** Where the pod is expected to fit once the victims are gone. */
  readonly node: string | undefined;
  readonly victims: readonly PodFacts[];
  /** Why there is none; empty where there is one. */
  readonly message: string;
}

interface Option {
  readonly node: NodeState;
  readonly victims: readonly PodFacts[];
}

/** What depends on the node and its own pods alone. */
const roomFilters: readonly FilterPlugin[] = [nodeResourcesFit, nodePorts];

/** The least harmful set of victims, or the reason why none helps. */
export function planPreemption(snapshot: Snapshot, pod: PodFacts, explanation: Explanation): Preemption {
  if (snapshot.nodes.length === 0) return { node: undefined, victims: [], message: '' };
  if (pod.pod.spec?.preemptionPolicy === 'Never') {
    return { node: undefined, victims: [], message: 'not eligible due to preemptionPolicy=Never.' };
  }
  const options: Option[] = [];
  const others = explanation.prepared.filter(({ plugin }) => !roomFilters.includes(plugin));
  for (const node of explanation.preemptible) {
    // Deleting pods makes room; what else keeps the pod away (company, labels) stays as it is.
    if (!others.every(({ filter }) => filter.check(node))) continue;
    const victims = victimsOn(node, pod, snapshot);
    if (victims !== undefined) options.push({ node, victims });
  }
  const best = options.toSorted(compareHarm)[0];
  if (best !== undefined) return { node: best.node.name, victims: best.victims.filter((victim) => !isLeaving(victim)), message: '' };
  const unhelpful = snapshot.nodes.length - explanation.preemptible.length;
  const counts = new Map<string, number>();
  if (unhelpful > 0) counts.set('Preemption is not helpful for scheduling', unhelpful);
  if (explanation.preemptible.length > 0) counts.set('No preemption victims found for incoming pod', explanation.preemptible.length);
  return { node: undefined, victims: [], message: `0/${snapshot.nodes.length} nodes are available: ${countedReasons(counts)}.` };
}

/** The fewest pods of lower priority without which `pod` fits on `node`: all removed, then as many as possible put back. */
function victimsOn(node: NodeState, pod: PodFacts, snapshot: Snapshot): readonly PodFacts[] | undefined {
  const lower = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return undefined;
  const trial = node.copy();
  for (const victim of lower) trial.remove(victim);
  if (!fits(trial, pod, snapshot)) return undefined;
  const victims: PodFacts[] = [];
  for (const victim of lower.toSorted((a, b) => b.priority - a.priority)) {
    trial.add(victim);
    if (fits(trial, pod, snapshot)) continue;
    trial.remove(victim);
    victims.push(victim);
  }
  return victims.length === 0 ? undefined : victims;
}

function fits(node: NodeState, pod: PodFacts, snapshot: Snapshot): boolean {
  return roomFilters.every((plugin) => plugin.prepare(pod, snapshot)?.check(node) ?? true);
}

function isLeaving(victim: PodFacts): boolean {
  return victim.pod.metadata.deletionTimestamp !== undefined;
}

/** Lowest highest priority, then lowest sum, then fewest, then the node's place. */
function compareHarm(a: Option, b: Option): number {
  const highest = (option: Option): number => Math.max(...option.victims.map((victim) => victim.priority));
  const sum = (option: Option): number => option.victims.reduce((total, victim) => total + victim.priority, 0);
  return highest(a) - highest(b) || sum(a) - sum(b) || a.victims.length - b.victims.length || a.node.index - b.node.index;
}
