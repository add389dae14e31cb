/** A clock that moves only when told to. Timers fire in time order, and what they set off runs before the next one. */
import { onCancel } from '../cancel.js';
import { Heap } from '../heap.js';
import type { CancelSignal, Clock, Instant } from '../ports.js';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  task: (() => void) | undefined;
}

/** Turns of the microtask queue given to woken code between two timers: enough for deep chains of awaits. */
const SETTLE_TURNS = 50;

export class FakeClock implements Clock {
  private nowMs: number;
  private order = 0;
  private readonly timers = new Heap<Timer>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));

  /** Default start: 2026-01-01T00:00:00Z. */
  constructor(startMs = 1_767_225_600_000) {
    this.nowMs = startMs;
  }

  now(): Instant {
    return this.nowMs as Instant;
  }

  schedule(delayMs: number, task: () => void): Disposable {
    const timer: Timer = { atMs: this.nowMs + Math.max(0, delayMs), order: (this.order += 1), task };
    this.timers.push(timer);
    return {
      [Symbol.dispose]: () => {
        timer.task = undefined;
      },
    };
  }

  sleep(delayMs: number, signal?: CancelSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.schedule(delayMs, resolve);
      if (signal !== undefined) {
        onCancel(signal, () => {
          timer[Symbol.dispose]();
          resolve();
        });
      }
    });
  }

  /** How many tasks wait for their time. */
  get pending(): number {
    return this.timers.toArray().filter((timer) => timer.task !== undefined).length;
  }

  /** Lets `ms` pass: runs every timer due until then, each followed by the code that it wakes. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await this.settle();
    for (let next = this.nextTimer(); next !== undefined && next.atMs <= endMs; next = this.nextTimer()) {
      this.timers.pop();
      this.nowMs = next.atMs;
      next.task?.();
      await this.settle();
    }
    this.nowMs = endMs;
  }

  /** Lets woken code run without time passing. */
  async settle(turns = SETTLE_TURNS): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  }

  /** Instant of the next timer, for simulators that jump. */
  nextAt(): Instant | undefined {
    return this.nextTimer()?.atMs as Instant | undefined;
  }

  private nextTimer(): Timer | undefined {
    while (this.timers.size > 0 && this.timers.peek()?.task === undefined) this.timers.pop();
    return this.timers.peek();
  }
}
