/**
 * Writes the newest value of each key, a bounded number of keys at a time: whatever arrives for a key while its write is on the
 * way replaces what was waiting for it. Failed writes are tried again with growing delays until they succeed, are superseded,
 * or the writer says that the key is not worth it.
 */
import type { Clock, Logger } from '../kit/index.js';

export const RETRY_FIRST_MS = 20;
export const RETRY_LONGEST_MS = 5_000;

export interface CoalescingOptions<Value> {
  readonly clock: Clock;
  readonly log: Logger;
  /** How many writes may be on their way at once. */
  readonly concurrency: number;
  /** Throwing means: try this key again later, with the newest value. */
  readonly write: (key: string, value: Value) => Promise<void>;
}

interface Slot<Value> {
  pending: { readonly value: Value } | undefined;
  failures: number;
}

export class CoalescingWriter<Value> implements Disposable {
  readonly #slots = new Map<string, Slot<Value>>();
  readonly #ready: string[] = [];
  #active = 0;
  #isDisposed = false;

  constructor(private readonly options: CoalescingOptions<Value>) {}

  put(key: string, value: Value): void {
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      slot.pending = { value };
      return;
    }
    this.#slots.set(key, { pending: { value }, failures: 0 });
    this.#ready.push(key);
    this.#pump();
  }

  /** The value that waits for its write, for callers that merge instead of replace. */
  pending(key: string): Value | undefined {
    return this.#slots.get(key)?.pending?.value;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#slots.clear();
    this.#ready.length = 0;
  }

  #pump(): void {
    while (this.#active < this.options.concurrency) {
      const key = this.#ready.shift();
      if (key === undefined) return;
      const slot = this.#slots.get(key);
      if (slot !== undefined) void this.#run(key, slot);
    }
  }

  async #run(key: string, slot: Slot<Value>): Promise<void> {
    const { pending } = slot;
    if (pending === undefined) return;
    this.#active++;
    slot.pending = undefined;
    let delayMs = 0;
    try {
      await this.options.write(key, pending.value);
      slot.failures = 0;
    } catch (error) {
      slot.pending ??= pending;
      delayMs = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** slot.failures++);
      this.options.log.debug('write will be tried again', { key, delayMs, error: String(error) });
    }
    this.#active--;
    this.#afterwards(key, slot, delayMs);
    this.#pump();
  }

  #afterwards(key: string, slot: Slot<Value>, delayMs: number): void {
    if (this.#isDisposed) return;
    if (slot.pending === undefined) return void this.#slots.delete(key);
    const again = (): void => {
      if (this.#isDisposed) return;
      this.#ready.push(key);
      this.#pump();
    };
    if (delayMs === 0) again();
    else this.options.clock.schedule(delayMs, again);
  }
}
