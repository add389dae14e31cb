/**
 * What one agent has, what it has been sent and not yet acknowledged, and what changed since: full assignments and deltas.
 *
 * Invariants: at most one delta is on its way; a version is never used for two contents; whatever is neither acknowledged nor
 * on its way is `dirty`, so a lost or refused delta is made good by the next.
 */
import type { Assignment, AssignedResource, ResourceKey } from './messages.js';
import { parseResourceId } from './resources.js';
import type { ResourceId } from './resources.js';

/** Past this many pending changes a full assignment is cheaper than to remember them. */
export const DIRTY_RESOURCES_MAX = 20_000;

export interface AssignmentSource {
  current(node: string, id: ResourceId): AssignedResource | undefined;
  all(node: string): readonly AssignedResource[];
}

export class AssignmentTracker {
  readonly #dirty = new Set<ResourceId>();
  #needsFull = true;
  #version = 0;
  #acked = 0;
  #inFlight: { readonly version: number; readonly ids: readonly ResourceId[]; readonly full: boolean } | undefined;

  constructor(
    readonly node: string,
    private readonly source: AssignmentSource,
  ) {}

  get acked(): number {
    return this.#acked;
  }

  /** Something that this node sees may have changed. Harmless when it has not. */
  touch(id: ResourceId): void {
    if (this.#needsFull && this.#inFlight === undefined) return;
    this.#dirty.add(id);
    if (this.#dirty.size > DIRTY_RESOURCES_MAX) this.#forceFull();
  }

  /** A new stream of the agent, which has `version` of the numbering that this tracker made (0 = nothing, or another numbering). */
  connected(version: number): void {
    const lost = this.#inFlight;
    this.#inFlight = undefined;
    if (version !== 0 && lost?.version === version) {
      this.#acked = version;
      return;
    }
    if (version === 0 || version !== this.#acked || lost?.full === true) return this.#forceFull();
    for (const id of lost?.ids ?? []) this.#dirty.add(id);
  }

  /** Answers true when this was a refusal: the caller records it. A full assignment follows. */
  acknowledged(version: number, error: string): boolean {
    if (this.#inFlight?.version !== version) return false;
    this.#inFlight = undefined;
    if (error === '') {
      this.#acked = version;
      return false;
    }
    this.#forceFull();
    return true;
  }

  /** The next message to send, if one is due. The caller sends it: it counts as on its way. */
  next(): Assignment | undefined {
    if (this.#inFlight !== undefined) return undefined;
    if (this.#needsFull) return this.#nextFull();
    if (this.#dirty.size === 0) return undefined;
    const ids = [...this.#dirty];
    this.#dirty.clear();
    const upserts: AssignedResource[] = [];
    const removals: ResourceKey[] = [];
    for (const id of ids) {
      const resource = this.source.current(this.node, id);
      if (resource === undefined) removals.push(parseResourceId(id));
      else upserts.push(resource);
    }
    this.#inFlight = { version: ++this.#version, ids, full: false };
    return { version: this.#version, full: false, upserts, removals };
  }

  #nextFull(): Assignment {
    this.#needsFull = false;
    this.#dirty.clear();
    this.#inFlight = { version: ++this.#version, ids: [], full: true };
    return { version: this.#version, full: true, upserts: this.source.all(this.node), removals: [] };
  }

  #forceFull(): void {
    this.#needsFull = true;
    this.#dirty.clear();
  }
}
