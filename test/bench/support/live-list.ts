/** Objects of one collection as a watch shows them, to wait on without polling. */
import type { ApiClient } from '../../../apps/cli/client/api-client.js';
import { lines } from './lines.js';

export interface LiveObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

export class LiveList<T extends LiveObject> implements Disposable {
  private readonly stopping = new AbortController();
  private readonly objects = new Map<string, T>();
  private readonly waiting = new Set<() => void>();
  private failure: unknown;

  private constructor(
    private readonly client: ApiClient,
    private readonly path: string,
  ) {}

  /** Resolves when the list is read and the watch is open. `path`: of a collection, without a query. */
  static async open<T extends LiveObject>(client: ApiClient, path: string): Promise<LiveList<T>> {
    const list = new LiveList<T>(client, path);
    await list.watch();
    return list;
  }

  get all(): readonly T[] {
    return [...this.objects.values()];
  }

  get(name: string): T | undefined {
    return this.objects.get(name);
  }

  /** Resolves in the turn in which the event arrives that makes `done` true. Throws with `what` after `timeoutMs`. */
  until(what: string, timeoutMs: number, done: (list: this) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.waiting.delete(check);
      };
      const check = (): void => {
        if (this.failure !== undefined) {
          end();
          reject(this.failure instanceof Error ? this.failure : new Error(String(this.failure)));
        } else if (done(this)) {
          end();
          resolve();
        }
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`not within ${timeoutMs} ms: ${what}`));
      }, timeoutMs);
      this.waiting.add(check);
      check();
    });
  }

  [Symbol.dispose](): void {
    this.stopping.abort();
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopping;
    const list = await this.client.json<{ metadata: { resourceVersion: string }; items: readonly T[] }>(this.path, { signal });
    for (const object of list.items) this.objects.set(object.metadata.name, object);
    const query = `watch=1&resourceVersion=${list.metadata.resourceVersion}`;
    const stream = await this.client.stream(`${this.path}?${query}`, { signal });
    void this.follow(lines(stream));
  }

  private async follow(events: AsyncIterable<string>): Promise<void> {
    try {
      for await (const line of events) this.take(JSON.parse(line) as WatchEvent<T>);
      throw new Error(`the watch of ${this.path} ended`);
    } catch (error) {
      if (!this.stopping.signal.aborted) this.failure = error;
    }
    this.wake();
  }

  private take({ type, object }: WatchEvent<T>): void {
    if (type === 'ERROR') throw new Error(`the watch of ${this.path} failed: ${JSON.stringify(object)}`);
    if (type === 'DELETED') this.objects.delete(object.metadata.name);
    else if (type !== 'BOOKMARK') this.objects.set(object.metadata.name, object);
    this.wake();
  }

  private wake(): void {
    for (const check of this.waiting) check();
  }
}
