/** A bounded queue between one or more producers and ONE consumer that reads it with `for await`. */
import { deferred, type Deferred } from './deferred.js';
import { onCancel } from './cancel.js';
import type { CancelSignal } from './ports.js';

/**
 * Producers never wait: `push` answers false when the queue is full, and the producer decides (drop, cut, count).
 * `end` and `fail` let the consumer first read what is queued; `cut` throws the queue away.
 */
export class Channel<T> implements AsyncIterable<T> {
  private items: T[] = [];
  private head = 0;
  private closed = false;
  private error: unknown;
  private waiting: Deferred<void> | undefined;

  constructor(readonly capacity: number = Number.POSITIVE_INFINITY) {}

  get size(): number {
    return this.items.length - this.head;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** False when the item was not taken: full or closed. */
  push(item: T): boolean {
    if (this.closed || this.size >= this.capacity) return false;
    this.items.push(item);
    this.wake();
    return true;
  }

  /** No more items; the consumer's loop ends after the queued ones. */
  end(): void {
    this.closed = true;
    this.wake();
  }

  /** The consumer's loop throws `error` after the queued items. The first failure stays. */
  fail(error: unknown): void {
    if (this.closed) return;
    this.error = error;
    this.end();
  }

  /** Like `fail`, but at once: what is queued is dropped. */
  cut(error: unknown): void {
    this.items = [];
    this.head = 0;
    this.fail(error);
  }

  /** Ends the channel when the signal fires, dropping what is queued. */
  endOn(signal: CancelSignal): Disposable {
    return onCancel(signal, () => {
      this.items = [];
      this.head = 0;
      this.end();
    });
  }

  /** Everything queued now, without waiting. */
  drain(): T[] {
    const items = this.head === 0 ? this.items : this.items.slice(this.head);
    this.items = [];
    this.head = 0;
    return items;
  }

  /** Waits for at least one item and answers all that are queued; `undefined` at the end. Throws what `fail` was given. */
  async nextBatch(): Promise<T[] | undefined> {
    while (this.size === 0) {
      if (this.closed) {
        if (this.error !== undefined) throw this.error;
        return undefined;
      }
      this.waiting ??= deferred();
      await this.waiting.promise;
    }
    return this.drain();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const next = this.shift();
      if (next !== undefined) {
        yield next.item;
        continue;
      }
      if (this.closed) {
        if (this.error !== undefined) throw this.error;
        return;
      }
      this.waiting ??= deferred();
      await this.waiting.promise;
    }
  }

  private shift(): { readonly item: T } | undefined {
    if (this.size === 0) return undefined;
    const item = this.items[this.head] as T; // size > 0
    this.head += 1;
    if (this.head === this.items.length) {
      this.items = [];
      this.head = 0;
    } else if (this.head > 1_024) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return { item };
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.resolve();
  }
}
