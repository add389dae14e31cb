/** One decision: the best node for a pod, or why there is none. Pure: same snapshot, pod and random numbers, same answer. */
import type { Random } from '../kit/index.js';
import { explain } from './explain.js';
import type { Explanation } from './explain.js';
import { filters } from './filters/index.js';
import type { NodeState } from './model/node-state.js';
import type { PodFacts } from './model/pod-facts.js';
import type { Snapshot } from './model/snapshot.js';
import type { FilterPlugin, NodeFilter, NodeScorer } from './plugin.js';
import { scores } from './scores/index.js';

/** Nodes scored for one pod; in larger clusters the search starts where the last one ended, so that all get their turn. */
export const CANDIDATES_MAX = 100;

export type Decision =
  | { readonly kind: 'place'; readonly node: NodeState; readonly score: number; readonly candidates: number }
  | ({ readonly kind: 'unschedulable' } & Explanation);

export interface PreparedFilter {
  readonly plugin: FilterPlugin;
  readonly filter: NodeFilter;
}

interface PreparedScore {
  readonly weight: number;
  readonly scorer: NodeScorer;
}

/** Decides pod after pod on one snapshot. It holds only where the next search starts, and arrays for reuse. */
export class Decider {
  readonly #snapshot: Snapshot;
  readonly #random: Random;
  readonly #candidatesMax: number;
  readonly #totals: Float64Array;
  readonly #raw: Float64Array;
  readonly #candidates: NodeState[] = [];
  #start = 0;

  constructor(snapshot: Snapshot, random: Random, candidatesMax = CANDIDATES_MAX) {
    this.#snapshot = snapshot;
    this.#random = random;
    this.#candidatesMax = candidatesMax;
    this.#totals = new Float64Array(candidatesMax);
    this.#raw = new Float64Array(candidatesMax);
  }

  decide(pod: PodFacts): Decision {
    const prepared = prepareFilters(pod, this.#snapshot);
    const count = this.#findCandidates(prepared);
    if (count === 0) return { kind: 'unschedulable', ...explain(this.#snapshot, pod, prepared) };
    const [only] = this.#candidates;
    if (count === 1 && only !== undefined) return { kind: 'place', node: only, score: 0, candidates: 1 };
    this.#scoreCandidates(pod, count);
    return this.#best(count);
  }

  #findCandidates(prepared: readonly PreparedFilter[]): number {
    const { nodes } = this.#snapshot;
    const candidates = this.#candidates;
    candidates.length = 0;
    const checks = prepared.map(({ filter }) => filter);
    let index = this.#start < nodes.length ? this.#start : 0;
    for (let seen = 0; seen < nodes.length && candidates.length < this.#candidatesMax; seen += 1) {
      const node = nodes[index];
      index = index + 1 === nodes.length ? 0 : index + 1;
      if (node !== undefined && passes(checks, node)) candidates.push(node);
    }
    this.#start = index;
    return candidates.length;
  }

  #scoreCandidates(pod: PodFacts, count: number): void {
    this.#totals.fill(0, 0, count);
    for (const plugin of scores) {
      const scorer = plugin.prepare(pod, this.#snapshot);
      if (scorer !== undefined) this.#addScore({ weight: plugin.weight, scorer }, count);
    }
  }

  #addScore({ weight, scorer }: PreparedScore, count: number): void {
    const raw = this.#raw;
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < count; index += 1) {
      const node = this.#candidates[index];
      const value = node === undefined ? 0 : scorer.score(node);
      raw[index] = value;
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    const { factor, offset } = scaling(scorer, lowest, highest);
    for (let index = 0; index < count; index += 1) {
      this.#totals[index] = (this.#totals[index] ?? 0) + weight * ((raw[index] ?? 0) * factor + offset);
    }
  }

  /** The highest sum; of equals one at random, so that ties do not all go to the first node. */
  #best(count: number): Decision {
    let best = 0;
    let ties = 1;
    for (let index = 1; index < count; index += 1) {
      const difference = (this.#totals[index] ?? 0) - (this.#totals[best] ?? 0);
      if (difference > 1e-9) {
        best = index;
        ties = 1;
      } else if (difference >= -1e-9) {
        ties += 1;
        if (this.#random.next() * ties < 1) best = index;
      }
    }
    const node = this.#candidates[best];
    if (node === undefined) throw new Error(`no candidate at ${best} of ${count}`);
    return { kind: 'place', node, score: this.#totals[best] ?? 0, candidates: count };
  }
}

/** Raw numbers times `factor` plus `offset` are 0..100. All equal: everybody gets the same. */
function scaling(scorer: NodeScorer, lowest: number, highest: number): { readonly factor: number; readonly offset: number } {
  if (scorer.normalize === undefined) return { factor: 1, offset: 0 };
  const range = highest - lowest;
  if (range === 0) return { factor: 0, offset: 0 };
  return scorer.normalize === 'highest-is-best'
    ? { factor: 100 / range, offset: (-100 * lowest) / range }
    : { factor: -100 / range, offset: (100 * highest) / range };
}

function passes(checks: readonly NodeFilter[], node: NodeState): boolean {
  for (const filter of checks) if (!filter.check(node)) return false;
  return true;
}

export function prepareFilters(pod: PodFacts, snapshot: Snapshot): readonly PreparedFilter[] {
  const prepared: PreparedFilter[] = [];
  for (const plugin of filters) {
    const filter = plugin.prepare(pod, snapshot);
    if (filter !== undefined) prepared.push({ plugin, filter });
  }
  return prepared;
}
