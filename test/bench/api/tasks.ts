/** What the bench asks of its client processes, and what they answer. */

export interface LoadTask {
  readonly do: 'load';
  readonly kubeconfig: string;
  readonly work: 'create' | 'get' | 'patch' | 'list';
  readonly namespace: string;
  /** Of this process; its objects carry it in their names. */
  readonly worker: number;
  readonly connections: number;
  /** At most; `create` ends earlier after `count` objects. */
  readonly durationMs: number;
  /** How many objects of this worker there are, or shall be. */
  readonly count: number;
  /** Whether the versions of what was written are wanted. */
  readonly remember?: boolean;
}

export interface LoadResult {
  readonly completed: number;
  readonly seconds: number;
  /** resourceVersions that writes answered, where asked for. */
  readonly versions: readonly string[];
}

export interface WatchTask {
  readonly do: 'watch';
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly watchers: number;
  readonly resourceVersion: string;
}

/** Answers the versions each watcher saw, when the last expected one came or the time is over. */
export interface WatchUntil {
  readonly do: 'until';
  readonly versions: readonly string[];
  readonly timeoutMs: number;
}

export interface WatchResult {
  readonly events: number;
  /** Of the expected versions, summed over the watchers. */
  readonly lost: number;
  /** Wall clock time of the last event. */
  readonly lastAtMs: number;
}

export type Task = LoadTask | WatchTask | WatchUntil;

/** `{ ready: true }` when watches are open. */
export type TaskAnswer = { readonly result: LoadResult | WatchResult | { readonly ready: true } } | { readonly error: string };

export function objectName(worker: number, index: number): string {
  return `bench-${worker}-${index}`;
}
