/**
 * What this process has itself seen of each node's lease. A lease's own time is not compared with our clock: hosts' clocks
 * differ, and after a pause of the control plane every lease looks old although every agent lives.
 */
import type { Instant } from '../../kit/index.js';

export interface HealthSettings {
  /** A lease not renewed for this long is a lost node. */
  readonly graceMs: number;
  /** After the start of this process agents first have to find it again. */
  readonly startupMs: number;
  /** When no node at all renews, the fault is more likely ours: wait longer. */
  readonly allLostMs: number;
}

export const DEFAULT_HEALTH: HealthSettings = { graceMs: 3_000, startupMs: 10_000, allLostMs: 15_000 };

/** Looks further apart than this mean that the process itself stood still; nobody is judged by that time. */
const STALL_MS = 2_000;

interface Seen {
  readonly renewTime: string | undefined;
  /** When this renewal was first seen here. */
  at: Instant;
}

export class NodeHealth {
  readonly #settings: HealthSettings;
  readonly #seen = new Map<string, Seen>();
  #lastLook: Instant | undefined;

  constructor(settings: HealthSettings) {
    this.#settings = settings;
  }

  /** The longest that a caller may wait before it looks again, so that a stall can be told from a pause between looks. */
  get lookEveryMs(): number {
    return STALL_MS / 4;
  }

  /** Milliseconds until the node counts as lost; 0 = it does. `renewTime` is the newest that its lease shows. */
  lostIn(node: string, renewTime: string | undefined, now: Instant): number {
    this.#noteLook(now);
    const before = this.#seen.get(node);
    if (before === undefined) {
      // The grace of the first sight is longer: whether the agent is alive shows only once it has connected.
      const at = (now + this.#settings.startupMs - this.#settings.graceMs) as Instant;
      this.#seen.set(node, { renewTime, at: renewTime === undefined ? now : at });
    } else if (before.renewTime !== renewTime) {
      this.#seen.set(node, { renewTime, at: now });
    }
    const at = this.#seen.get(node)?.at ?? now;
    const grace = this.#isAnyFresh(now) ? this.#settings.graceMs : this.#settings.allLostMs;
    return Math.max(0, at + grace - now);
  }

  forget(node: string): void {
    this.#seen.delete(node);
  }

  #isAnyFresh(now: Instant): boolean {
    for (const { at } of this.#seen.values()) if (now - at <= this.#settings.graceMs) return true;
    return false;
  }

  #noteLook(now: Instant): void {
    if (this.#lastLook !== undefined && now - this.#lastLook > STALL_MS) {
      for (const seen of this.#seen.values()) if (seen.at < now) seen.at = now;
    }
    this.#lastLook = now;
  }
}
