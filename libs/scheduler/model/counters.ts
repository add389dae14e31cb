/**
 * Counts of pods, by node and by topology domain, kept up to date with every placement: what affinity and spreading ask
 * ("how many pods of this selector are in that zone?") is a lookup and not a walk over all pods.
 */
import { matchesLabels } from '../../api/index.js';
import type { NodeState } from './node-state.js';
import type { AffinityTerm, PodFacts, PodSelector } from './pod-facts.js';

/** Counters kept; beyond it the one unused for longest is dropped and built anew when asked again. */
export const COUNTERS_MAX = 2_048;

export function selects(selector: PodSelector, pod: PodFacts): boolean {
  if (selector.requirements === undefined) return false;
  if (selector.namespaces !== undefined && !selector.namespaces.includes(pod.namespace)) return false;
  return matchesLabels(selector.requirements, pod.labels);
}

/** Pods counted by node, and from that by the value of any node label. */
export class PodCounter {
  readonly perNode = new Map<NodeState, number>();
  readonly #domains = new Map<string, Map<string, number>>();
  total = 0;

  add(node: NodeState, count: 1 | -1): void {
    const next = (this.perNode.get(node) ?? 0) + count;
    if (next === 0) this.perNode.delete(node);
    else this.perNode.set(node, next);
    this.total += count;
    for (const [topologyKey, domains] of this.#domains) {
      const value = node.labels[topologyKey];
      if (value !== undefined) bump(domains, value, count);
    }
  }

  on(node: NodeState): number {
    return this.perNode.get(node) ?? 0;
  }

  /** Counts by value of the label `topologyKey`; nodes without it do not count. */
  domains(topologyKey: string): ReadonlyMap<string, number> {
    const before = this.#domains.get(topologyKey);
    if (before !== undefined) return before;
    const domains = new Map<string, number>();
    for (const [node, count] of this.perNode) {
      const value = node.labels[topologyKey];
      if (value !== undefined) bump(domains, value, count);
    }
    this.#domains.set(topologyKey, domains);
    return domains;
  }

  /** Labels of nodes changed: domains are counted anew when asked. */
  forgetDomains(): void {
    this.#domains.clear();
  }
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

/** Which pods a selector finds: built on the first question, then kept. */
export class SelectorCounters {
  readonly #counters = new Map<string, { readonly selector: PodSelector; readonly counter: PodCounter }>();

  of(selector: PodSelector, nodes: readonly NodeState[]): PodCounter {
    const before = this.#counters.get(selector.id);
    if (before !== undefined) return before.counter;
    const counter = new PodCounter();
    for (const node of nodes) for (const pod of node.pods.values()) if (selects(selector, pod)) counter.add(node, 1);
    if (this.#counters.size >= COUNTERS_MAX) {
      const [oldest] = this.#counters.keys();
      if (oldest !== undefined) this.#counters.delete(oldest);
    }
    this.#counters.set(selector.id, { selector, counter });
    return counter;
  }

  change(node: NodeState, pod: PodFacts, by: 1 | -1): void {
    for (const { selector, counter } of this.#counters.values()) if (selects(selector, pod)) counter.add(node, by);
  }

  forgetDomains(): void {
    for (const { counter } of this.#counters.values()) counter.forgetDomains();
  }
}

/** Pods that carry a term themselves: for anti-affinity in the other direction, and preferred affinity of running pods. */
export class TermCounters {
  readonly #terms = new Map<string, { readonly term: AffinityTerm; readonly counter: PodCounter }>();

  change(node: NodeState, terms: readonly AffinityTerm[], by: 1 | -1): void {
    for (const term of terms) {
      let entry = this.#terms.get(term.id);
      if (entry === undefined) this.#terms.set(term.id, (entry = { term, counter: new PodCounter() }));
      entry.counter.add(node, by);
      if (entry.counter.total === 0) this.#terms.delete(term.id);
    }
  }

  /** Terms of placed pods that select `pod`. */
  matching(pod: PodFacts): readonly { readonly term: AffinityTerm; readonly counter: PodCounter }[] {
    if (this.#terms.size === 0) return [];
    return [...this.#terms.values()].filter(({ term }) => selects(term.selector, pod));
  }

  forgetDomains(): void {
    for (const { counter } of this.#terms.values()) counter.forgetDomains();
  }
}
