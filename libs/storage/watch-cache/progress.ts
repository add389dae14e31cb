/** How far the cache is, and who waits for it to be further. */
import { Heap, deferred, type Clock, type Deferred } from '../../kit/index.js';
import { StoreUnavailableError, type Revision } from '../store.js';

interface Waiter {
  readonly revision: Revision;
  readonly done: Deferred<void>;
}

export class Progress {
  private readonly waiters = new Heap<Waiter>((a, b) => a.revision < b.revision);
  private at: Revision;

  constructor(
    start: Revision,
    private readonly clock: Clock,
  ) {
    this.at = start;
  }

  get revision(): Revision {
    return this.at;
  }

  advance(revision: Revision): void {
    if (revision <= this.at) return;
    this.at = revision;
    for (let next = this.waiters.peek(); next !== undefined && next.revision <= revision; next = this.waiters.peek()) {
      this.waiters.pop();
      next.done.resolve();
    }
  }

  async reached(revision: Revision, timeoutMs: number): Promise<void> {
    if (revision <= this.at) return;
    const done = deferred();
    this.waiters.push({ revision, done });
    using _timer = this.clock.schedule(timeoutMs, () =>
      done.reject(new StoreUnavailableError(`the watch cache is at ${this.at} and did not reach ${revision} within ${timeoutMs} ms`)),
    );
    await done.promise;
  }
}
