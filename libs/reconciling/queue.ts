/**
 * The keyed work queue: a key is in it at most once, is handed to one worker at a time, and comes back later when it was
 * added while being worked on. Failures back off per key.
 */
import type { Clock, Instant } from '../kit/index.js';

export const BACKOFF_FIRST_MS = 5;
export const BACKOFF_MAX_MS = 30_000;

interface Delayed {
  readonly dueAt: Instant;
  readonly timer: Disposable;
}

export class WorkQueue implements Disposable {
  readonly #clock: Clock;
  readonly #onReady: () => void;
  readonly #ready = new Set<string>();
  readonly #working = new Set<string>();
  /** Added while being worked on: ready again once done. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #closed = false;

  /** `onReady` is called (synchronously) whenever a key becomes ready. */
  constructor(clock: Clock, onReady: () => void) {
    this.#clock = clock;
    this.#onReady = onReady;
  }

  /** Keys that are ready, worked on or waiting for a time. */
  get size(): number {
    return this.#ready.size + this.#working.size + this.#delayed.size;
  }

  /** Keys that need work now. */
  get busy(): number {
    return this.#ready.size + this.#working.size;
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    if (this.#ready.has(key)) return;
    this.#ready.add(key);
    this.#onReady();
  }

  /** Adds the key after `delayMs`; of several delays for a key the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    if (delayMs <= 0) return this.add(key);
    const dueAt = (this.#clock.now() + delayMs) as Instant;
    const before = this.#delayed.get(key);
    if (before !== undefined) {
      if (before.dueAt <= dueAt) return;
      before.timer[Symbol.dispose]();
    }
    const timer = this.#clock.schedule(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueAt, timer });
  }

  /** Adds the key after its backoff, which doubles with each failure until `forget`. */
  addAfterFailure(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(failures, 30), BACKOFF_MAX_MS));
  }

  /** How often the key has failed in a row. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The key that waits longest, now being worked on until `done`. */
  take(): string | undefined {
    const [key] = this.#ready;
    if (key === undefined) return undefined;
    this.#ready.delete(key);
    this.#working.add(key);
    return key;
  }

  done(key: string): void {
    this.#working.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer[Symbol.dispose]();
    this.#delayed.clear();
    this.#ready.clear();
    this.#again.clear();
  }
}
