/** What one bench is, and what it is given: progress for people, and charge of everything that must be ended. */
import { Lifetimes } from '../../apps/control-plane/lifetimes.js';

/** One line of JSON; the fields that the targets name come first. */
export type Figures = Readonly<Record<string, number>>;

export interface Bench {
  readonly name: string;
  /** One line for the list of names. */
  readonly about: string;
  /** The whole run is given up after this time. */
  readonly limitMs: number;
  run(context: BenchContext): Promise<Figures>;
}

/** Ends what a run started, also when the run is broken off while something is still starting. */
export class BenchContext implements AsyncDisposable {
  private readonly lifetimes = new Lifetimes();
  private readonly starting = new Set<Promise<unknown>>();
  private readonly startedAt = performance.now();
  private isOver = false;

  /** A line for people, with the seconds since the start. */
  progress(text: string): void {
    process.stderr.write(`${((performance.now() - this.startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
  }

  /** Takes charge of what `start` answers, also when the run ends before it does. */
  async use<T extends AsyncDisposable | Disposable>(start: () => T | Promise<T>): Promise<T> {
    if (this.isOver) throw new Error('the run was broken off');
    const promise = (async () => this.lifetimes.use(await start()))();
    this.starting.add(promise);
    try {
      return await promise;
    } finally {
      this.starting.delete(promise);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isOver = true;
    await Promise.allSettled(this.starting);
    await this.lifetimes[Symbol.asyncDispose]();
  }
}
