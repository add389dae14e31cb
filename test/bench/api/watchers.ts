/** Many watches of one collection, which remember every version that they saw. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '../../../apps/cli/client/kubeconfig.js';
import { LeanClient } from './lean-client.js';
import type { WatchResult, WatchTask, WatchUntil } from './tasks.js';

const MARK = '"resourceVersion":"';
const POLL_MS = 10;

export class Watchers {
  private readonly seen: Set<string>[] = [];
  private readonly failures: Error[] = [];
  private events = 0;
  private lastAtMs = 0;

  async open(task: WatchTask, connection: Connection): Promise<void> {
    const path = `/api/v1/namespaces/${task.namespace}/pods?watch=1&resourceVersion=${task.resourceVersion}`;
    for (let index = 0; index < task.watchers; index += 1) {
      const client = await LeanClient.open(connection);
      const seen = new Set<string>();
      this.seen.push(seen);
      const answer = client.send({ method: 'GET', path }, this.reader(seen));
      answer.then(
        ({ status }) => this.failures.push(new Error(`a watch ended with ${status}`)),
        (error: Error) => this.failures.push(error),
      );
    }
  }

  async until({ versions, timeoutMs }: WatchUntil): Promise<WatchResult> {
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline && (this.events < versions.length * this.seen.length || this.lost(versions) > 0)) {
      const [failure] = this.failures;
      if (failure !== undefined) throw failure;
      await sleep(POLL_MS);
    }
    return { events: this.events, lost: this.lost(versions), lastAtMs: this.lastAtMs };
  }

  /** Takes text as it comes; an event is one line. Bookmarks name no pod and are not counted. */
  private reader(seen: Set<string>): (text: string) => void {
    let rest = '';
    return (text) => {
      let at = 0;
      const all = rest === '' ? text : rest + text;
      for (let end = all.indexOf('\n'); end >= 0; end = all.indexOf('\n', at)) {
        if (!all.startsWith('{"type":"BOOKMARK"', at)) {
          const from = all.indexOf(MARK, at) + MARK.length;
          seen.add(all.slice(from, all.indexOf('"', from)));
          this.events += 1;
        }
        at = end + 1;
      }
      rest = all.slice(at);
      this.lastAtMs = Date.now();
    };
  }

  private lost(versions: readonly string[]): number {
    return this.seen.reduce((lost, seen) => lost + versions.filter((version) => !seen.has(version)).length, 0);
  }
}
