/** A clock that stands still until a test (or the simulator) moves it. Tasks run in the order of their time, then of their scheduling. */
import { instant } from '../time.js';
import type { CancelSignal, Clock, Instant } from '../ports.js';

interface Task {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** How often pending promise callbacks are let run between two tasks; long chains of awaits need it. */
const MICROTASK_ROUNDS = 50;

export class FakeClock implements Clock {
  #now: number;
  #order = 0;
  #tasks: Task[] = [];

  /** Starts at 2026-01-01T00:00:00Z unless told otherwise. */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): Instant {
    return instant(this.#now);
  }

  schedule(delayMs: number, task: () => void): Disposable {
    const entry: Task = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run: task };
    this.#tasks.push(entry);
    return { [Symbol.dispose]: () => void (this.#tasks = this.#tasks.filter((other) => other !== entry)) };
  }

  sleep(delayMs: number, signal?: CancelSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        timer[Symbol.dispose]();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.schedule(delayMs, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** How many tasks wait for their time. */
  get pending(): number {
    return this.#tasks.length;
  }

  /** Moves time forward by `ms`, running what becomes due, each at its own instant, with promises settled in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    for (let task = this.#takeDue(until); task !== undefined; task = this.#takeDue(until)) {
      this.#now = Math.max(this.#now, task.at);
      task.run();
      await this.settle();
    }
    this.#now = until;
  }

  /** Lets pending promise callbacks run without moving time. */
  async settle(): Promise<void> {
    for (let round = 0; round < MICROTASK_ROUNDS; round++) await Promise.resolve();
  }

  #takeDue(until: number): Task | undefined {
    let first: Task | undefined;
    for (const task of this.#tasks) {
      if (task.at > until) continue;
      if (first === undefined || task.at < first.at || (task.at === first.at && task.order < first.order)) first = task;
    }
    if (first !== undefined) this.#tasks = this.#tasks.filter((task) => task !== first);
    return first;
  }
}
