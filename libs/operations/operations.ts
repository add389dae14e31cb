/**
 * Runs operations: enqueues those that wait, works off deliveries, and writes progress. Every replica may run it; the
 * objects in the store decide, the queue only delivers.
 */
import { storeKey, storePrefix, type KubeObject } from '../api/index.js';
import { CancelSource, onCancel, type CancelSignal, type Clock, type Logger } from '../kit/index.js';
import type { ObjectClient } from '../reconciling/index.js';
import type { WatchCache } from '../storage/index.js';
import { attemptOf, decideEnqueue, decideRun, statusAfter, type OperationEvent } from './decide.js';
import {
  operationsResource,
  type JobQueue,
  type OperationHandlers,
  type OperationJob,
  type OperationReporter,
  type StoredOperation,
} from './ports.js';

const REPORT_INTERVAL_MS = 200;
const ENQUEUE_RETRY_MS = 1_000;
const WRITE_ATTEMPTS_MAX = 10;

export interface OperationsOptions {
  readonly cache: WatchCache;
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly queue: JobQueue;
  readonly handlers: OperationHandlers;
}

/** Starts enqueuing and working. Disposing stops both; running handlers are told, and their jobs are delivered again elsewhere. */
export function startOperations(options: OperationsOptions): AsyncDisposable {
  return new Operations(options);
}

class Operations implements AsyncDisposable {
  readonly #stopping = new CancelSource();
  readonly #subscription: Disposable;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, CancelSource>();

  constructor(private readonly options: OperationsOptions) {
    const prefix = storePrefix(operationsResource);
    this.#subscription = options.cache.subscribe(prefix, (event) => {
      if (event.type === 'put') this.#look(event.current.key, decodeOperation(event.current.object));
      else this.#running.get(event.previous.key)?.abort();
    });
    for (const entry of options.cache.list(prefix)) this.#look(entry.key, decodeOperation(entry.object));
    options.queue.work((job) => this.#work(job));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]();
    this.#stopping.abort();
    await this.options.queue[Symbol.asyncDispose]();
  }

  #look(key: string, operation: StoredOperation): void {
    if (operation.spec.cancel === true) this.#running.get(key)?.abort();
    if (decideEnqueue(operation) === 'nothing' || this.#waiting.has(key) || this.#running.has(key)) return;
    this.#waiting.add(key);
    void this.#enqueue(key).finally(() => this.#waiting.delete(key));
  }

  /** Tries until the queue has it: an operation waits while Redis is away, it is never lost. */
  async #enqueue(key: string): Promise<void> {
    const { cache, clock, log, queue } = this.options;
    while (!this.#stopping.signal.aborted) {
      const operation = this.#read(cache.get(key)?.object);
      const decision = operation === undefined ? 'nothing' : decideEnqueue(operation);
      if (operation === undefined || decision === 'nothing') return;
      try {
        if (decision === 'cancel') await this.#record(key, { is: 'cancelled' });
        else await queue.enqueue(jobOf(operation));
        return;
      } catch (error) {
        log.warn('operation waits for its queue', { key, error: messageOf(error) });
        await clock.sleep(ENQUEUE_RETRY_MS, this.#stopping.signal);
      }
    }
  }

  async #work(job: OperationJob): Promise<void> {
    const key = storeKey(operationsResource, undefined, job.name);
    const operation = this.#read(this.options.cache.get(key)?.object);
    const decision = decideRun(operation, job);
    if (operation === undefined || decision === 'skip') return;
    if (decision === 'cancel') return this.#record(key, { is: 'cancelled' });
    const cancel = new CancelSource();
    using _link = onCancel(this.#stopping.signal, () => cancel.abort());
    this.#running.set(key, cancel);
    try {
      await this.#record(key, { is: 'started' });
      await this.#run(key, operation, cancel.signal);
    } finally {
      this.#running.delete(key);
    }
  }

  async #run(key: string, operation: StoredOperation, signal: CancelSignal): Promise<void> {
    const handler = this.options.handlers[operation.spec.type];
    await using reports = new Reports(this.options.clock, (event) => this.#record(key, event));
    let outcome: OperationEvent;
    try {
      if (handler === undefined)
        throw new Error(
          `spec.type: Unsupported value: "${operation.spec.type}": supported values: ${Object.keys(this.options.handlers).join(', ')}`,
        );
      outcome = { is: 'succeeded', message: await handler(operation, reports, signal) };
    } catch (error) {
      outcome = { is: 'failed', message: messageOf(error) };
    }
    // A worker that is being stopped has not decided anything: the job is delivered again.
    if (this.#stopping.signal.aborted) throw new Error('the worker was stopped');
    await reports.flush();
    await this.#record(key, signal.aborted ? { is: 'cancelled' } : outcome);
  }

  /** Writes the status that follows from the newest object; conflicts are retried on what won. */
  async #record(key: string, event: OperationEvent): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const operation = this.#read(this.options.cache.get(key)?.object);
      if (operation === undefined) return;
      try {
        const written = await this.options.client.updateStatus(operationsResource, {
          ...operation,
          status: statusAfter(operation, event, this.options.clock.now()),
        });
        await this.options.cache.reached(Number(written.metadata.resourceVersion) as Parameters<WatchCache['reached']>[0]);
        return;
      } catch (error) {
        if (attempt >= WRITE_ATTEMPTS_MAX) throw error;
        await this.options.clock.sleep(attempt * 20, this.#stopping.signal);
      }
    }
  }

  #read(object: KubeObject | undefined): StoredOperation | undefined {
    return object === undefined ? undefined : decodeOperation(object);
  }
}

/** Collects what a handler says and writes it at most five times a second, in order. */
class Reports implements OperationReporter, AsyncDisposable {
  #lines: string[] = [];
  #percent = 0;
  #message = '';
  #timer: Disposable | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly clock: Clock,
    private readonly write: (event: OperationEvent) => Promise<void>,
  ) {}

  log(line: string): void {
    this.#lines.push(line);
    this.#schedule();
  }

  progress(percent: number, message: string): void {
    this.#percent = Math.round(percent);
    this.#message = message;
    this.#schedule();
  }

  async flush(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0 || this.#message !== '')
      this.#writing = this.#writing.then(() => this.write({ is: 'reported', percent: this.#percent, message: this.#message, lines }));
    await this.#writing.catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#writing.catch(() => undefined);
  }

  #schedule(): void {
    this.#timer ??= this.clock.schedule(REPORT_INTERVAL_MS, () => void this.flush());
  }
}

function jobOf(operation: StoredOperation): OperationJob {
  return {
    name: operation.metadata.name,
    uid: operation.metadata.uid,
    attempt: attemptOf(operation),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The cache holds validated objects of this resource only. */
function decodeOperation(object: KubeObject): StoredOperation {
  return object as StoredOperation;
}
