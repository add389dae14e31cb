/** Runs controllers: from cache changes to keys, from keys to plans, from plans to writes. The decisions are the controllers' own. */
import { storePrefix } from '../api/index.js';
import type { Reason } from '../api/index.js';
import type { CancelSignal, Clock, IdSource, Logger } from '../kit/index.js';
import type { Leadership, Revision, Store, WatchCache } from '../storage/index.js';
import { EventRecorder } from './events.js';
import { executePlan } from './executor.js';
import type { ClusterView, Controller, ControllerWatch, DecisionContext, ObjectClient, PlanFailure } from './plan.js';
import { WorkQueue } from './queue.js';
import { CacheView, resourceOfKey } from './view.js';

const WORKERS_DEFAULT = 8;
/** Keys reconciled without giving way to other work of the process. */
const KEYS_PER_TURN = 32;

export interface ControllersOptions {
  readonly controllers: readonly Controller[];
  readonly cache: WatchCache;
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  /** Shared with the scheduler where given. */
  readonly events?: EventRecorder | undefined;
  /**
   * The newest revision of the store (`Store.revision`). Asked after a write whose outcome is unknown: the key then waits
   * until the cache shows everything up to there, so that a write that did happen is not made twice.
   */
  readonly newest?: (() => Promise<Revision>) | undefined;
}

/** Refusals after which the write certainly did not happen; after all others it may have. */
const CERTAIN: ReadonlySet<Reason> = new Set<Reason>([
  'BadRequest',
  'Unauthorized',
  'Forbidden',
  'NotFound',
  'AlreadyExists',
  'Conflict',
  'Gone',
  'Invalid',
  'MethodNotAllowed',
  'RequestEntityTooLarge',
  'TooManyRequests',
]);

/** What runs; disposing stops it: no new plan starts, and the dispose waits for those under way. */
export interface RunningControllers extends AsyncDisposable {
  /** Keys that need work now, over all controllers; 0 = settled until time passes or something changes. */
  readonly busy: number;
}

/** Starts the controllers on the newest cache: first every existing object's keys, then those of each change. */
export function startControllers(options: ControllersOptions): RunningControllers {
  const view = new CacheView(options.cache);
  const events = options.events ?? new EventRecorder(options);
  const runners = options.controllers.map((controller) => new Runner(controller, { ...options, view, events }));
  for (const runner of runners) runner.start();
  return {
    get busy() {
      return runners.reduce((sum, runner) => sum + runner.busy, 0) + events.pending;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(runners.map((runner) => runner[Symbol.asyncDispose]()));
      view[Symbol.dispose]();
    },
  };
}

interface RunnerDependencies extends ControllersOptions {
  readonly view: CacheView;
  readonly events: EventRecorder;
}

class Runner implements AsyncDisposable {
  readonly #controller: Controller;
  readonly #with: RunnerDependencies;
  readonly #queue: WorkQueue;
  readonly #log: Logger;
  readonly #subscriptions: Disposable[] = [];
  /** Own writes that the cache may not show yet, by key. */
  readonly #lastWrites = new Map<string, Revision>();
  readonly #failures = new Map<string, PlanFailure>();
  readonly #running = new Set<Promise<void>>();
  #turn = 0;
  #stopped = false;

  constructor(controller: Controller, dependencies: RunnerDependencies) {
    this.#controller = controller;
    this.#with = dependencies;
    this.#log = dependencies.log.child({ controller: controller.name });
    this.#queue = new WorkQueue(dependencies.clock, () => this.#pump());
  }

  get busy(): number {
    return this.#queue.busy;
  }

  start(): void {
    for (const watch of this.#controller.watches) this.#follow(watch);
  }

  #follow(watch: ControllerWatch): void {
    const { cache, view } = this.#with;
    const prefix = watch.resource === 'all' ? '/registry/' : storePrefix(watch.resource);
    const wake = (key: string, keys: (resource: { group: string; resource: string }) => readonly string[]): void => {
      const resource = watch.resource === 'all' ? resourceOfKey(key) : watch.resource;
      if (resource === undefined) return;
      for (const woken of keys(resource)) this.#queue.add(woken);
    };
    this.#subscriptions.push(
      cache.subscribe(prefix, (event) => {
        if (event.type === 'put') {
          wake(event.current.key, (resource) => watch.keys(event.current.object, event.previous?.object, view, resource));
        } else {
          wake(event.previous.key, (resource) => watch.keys(event.previous.object, event.previous.object, view, resource));
        }
      }),
    );
    for (const cached of cache.list(prefix)) wake(cached.key, (resource) => watch.keys(cached.object, undefined, view, resource));
  }

  #pump(): void {
    const limit = this.#controller.workers ?? WORKERS_DEFAULT;
    while (!this.#stopped && this.#running.size < limit) {
      const key = this.#queue.take();
      if (key === undefined) return;
      const work = this.#work(key).finally(() => {
        this.#running.delete(work);
        this.#queue.done(key);
        this.#pump();
      });
      this.#running.add(work);
    }
  }

  async #work(key: string): Promise<void> {
    try {
      await this.#giveWay();
      await this.#catchUp(key);
      if (this.#stopped) return;
      await this.#reconcile(key);
    } catch (error) {
      this.#log.error('reconcile failed', { key, error: describeError(error) });
      // Where not even the newest revision can be asked, the next try meets the same store and fails again.
      await this.#awaitUnknown(key).catch(() => undefined);
      this.#queue.addAfterFailure(key);
    }
  }

  async #giveWay(): Promise<void> {
    this.#turn += 1;
    if (this.#turn % KEYS_PER_TURN === 0) await this.#with.clock.sleep(0);
    // Always asynchronous: a listener of the cache must never run a reconcile inside the cache's own update.
    else await Promise.resolve();
  }

  async #catchUp(key: string): Promise<void> {
    const revision = this.#lastWrites.get(key);
    if (revision === undefined) return;
    await this.#with.cache.reached(revision);
    this.#lastWrites.delete(key);
  }

  async #reconcile(key: string): Promise<void> {
    const { view, clock, ids, client, events } = this.#with;
    const context: DecisionContext = { now: clock.now(), ids, lastFailure: this.#failures.get(key) };
    const plan = this.#controller.reconcile(view, key, context);
    const outcome = await executePlan(plan, { client, events, source: this.#controller.name });
    if (outcome.revision > 0) this.#lastWrites.set(key, outcome.revision as Revision);
    if (outcome.failure !== undefined) {
      if (!CERTAIN.has(outcome.failure.reason)) await this.#awaitUnknown(key);
      this.#failed(key, outcome.failure);
      return;
    }
    this.#failures.delete(key);
    this.#queue.forget(key);
    if (plan.requeueAfterMs !== undefined) this.#queue.addAfter(key, plan.requeueAfterMs);
  }

  async #awaitUnknown(key: string): Promise<void> {
    const newest = await this.#with.newest?.();
    if (newest !== undefined) this.#lastWrites.set(key, newest);
  }

  /** Conflicts are the normal way to learn of another writer; everything else is said once a failure. */
  #failed(key: string, failure: PlanFailure): void {
    const quiet = failure.reason === 'Conflict' || failure.reason === 'AlreadyExists' || failure.reason === 'NotFound';
    if (!quiet) {
      this.#failures.set(key, failure);
      this.#log.warn('plan stopped', { key, ...failure, failures: this.#queue.failures(key) + 1 });
    }
    this.#queue.addAfterFailure(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
    this.#queue[Symbol.dispose]();
    await Promise.all(this.#running);
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

export interface LeadOptions {
  readonly store: Pick<Store, 'campaign'>;
  /** What is led: `controllers`, `scheduler`. */
  readonly name: string;
  readonly candidate: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Starts the leader's work. The signal aborts when leadership is lost; the work is then disposed before the next campaign. */
  readonly start: (leadership: Leadership) => AsyncDisposable | Promise<AsyncDisposable>;
}

/** Milliseconds before a new campaign after one failed. */
const CAMPAIGN_RETRY_MS = 500;

/** Campaigns, works while leading, campaigns again when leadership is lost; until `signal` aborts. */
export async function leadWhile(options: LeadOptions, signal: CancelSignal): Promise<void> {
  const log = options.log.child({ election: options.name, candidate: options.candidate });
  while (!signal.aborted) {
    try {
      await using leadership = await options.store.campaign(options.name, options.candidate, signal);
      log.info('became leader', { term: leadership.term });
      await using _work = await options.start(leadership);
      await firstOf(leadership.lost, signal);
      log.info('stopped leading', { lost: leadership.lost.aborted });
    } catch (error) {
      if (signal.aborted) return;
      log.warn('election failed', { error: describeError(error) });
      await options.clock.sleep(CAMPAIGN_RETRY_MS, signal);
    }
  }
}

async function firstOf(...signals: readonly CancelSignal[]): Promise<void> {
  if (signals.some((signal) => signal.aborted)) return;
  await new Promise<void>((resolve) => {
    for (const signal of signals) signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A client that refuses to write once leadership is lost: the fence in front of a plan that is still under way. */
export function fencedClient(client: ObjectClient, leadership: Pick<Leadership, 'lost'>): ObjectClient {
  const guard =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (leadership.lost.aborted) throw new NotLeaderError();
      return await call(...args);
    };
  return {
    create: guard((...args: Parameters<ObjectClient['create']>) => client.create(...args)),
    update: guard((...args: Parameters<ObjectClient['update']>) => client.update(...args)),
    updateStatus: guard((...args: Parameters<ObjectClient['updateStatus']>) => client.updateStatus(...args)),
    finalize: guard((...args: Parameters<ObjectClient['finalize']>) => client.finalize(...args)),
    delete: guard((...args: Parameters<ObjectClient['delete']>) => client.delete(...args)),
    bind: guard((...args: Parameters<ObjectClient['bind']>) => client.bind(...args)),
  };
}

/** This process is no longer the leader; somebody else decides now. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
  constructor() {
    super('leadership lost: the write was not sent');
  }
}

export type { ClusterView };
