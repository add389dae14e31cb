/** Bounds and coalesces concurrent work. */
import { deferred, type Deferred } from './deferred.js';

/** At most `limit` runs at a time; the others wait in the order of their calls. */
export class Limiter {
  private running = 0;
  private readonly queue: Deferred<void>[] = [];

  constructor(readonly limit: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.limit) {
      const turn = deferred();
      this.queue.push(turn);
      await turn.promise; // the finisher hands its place over
    } else {
      this.running += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.queue.shift();
      if (next === undefined) this.running -= 1;
      else next.resolve();
    }
  }
}

/** Calls with the same key while one is under way share its result, and its failure. */
export class SingleFlight<T> {
  private readonly flights = new Map<string, Promise<T>>();

  run(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.flights.get(key);
    if (known !== undefined) return known;
    const flight = work().finally(() => this.flights.delete(key));
    this.flights.set(key, flight);
    return flight;
  }
}
