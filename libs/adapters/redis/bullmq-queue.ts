/** JobQueue on BullMQ: delivery with locks, so that the job of a dead worker is delivered again within seconds. */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Logger } from '../../kit/index.js';
import type { JobQueue, OperationJob } from '../../operations/index.js';

/** A worker that has not renewed its lock for this long is dead. */
const LOCK_MS = 5_000;
const STALLED_CHECK_MS = 2_500;
const DELIVERIES_MAX = 1_000;
const CONCURRENCY = 4;
const PING_TIMEOUT_MS = 1_000;

export function openJobQueue(options: { readonly url: string; readonly name: string; readonly log: Logger }): JobQueue {
  return new BullQueue(options.url, options.name, options.log);
}

class BullQueue implements JobQueue {
  readonly #producer: Redis;
  readonly #consumer: Redis;
  #queue: Queue<OperationJob> | undefined;
  #worker: Worker<OperationJob> | undefined;

  constructor(
    url: string,
    private readonly name: string,
    private readonly log: Logger,
  ) {
    const retryStrategy = (times: number): number => Math.min(times * 100, 1_000);
    // The producer fails fast while Redis is away (the caller retries); BullMQ wants its consumer to wait for ever.
    this.#producer = new Redis(url, { maxRetriesPerRequest: 1, enableOfflineQueue: false, retryStrategy });
    this.#consumer = new Redis(url, { maxRetriesPerRequest: null, retryStrategy });
    let away = false;
    this.#consumer.on('error', (error) => {
      if (!away) log.warn('redis is away', { error: error.message });
      away = true;
    });
    this.#consumer.on('ready', () => {
      if (away) log.info('redis is back');
      away = false;
    });
    this.#producer.on('error', () => undefined);
  }

  async enqueue(job: OperationJob): Promise<void> {
    await this.#open().add('run', job, { jobId: `${job.uid}-${job.attempt}`, removeOnComplete: true, removeOnFail: true, attempts: 1 });
  }

  /** BullMQ asks Redis for its version when a Queue is made, so it is made when Redis answers. */
  #open(): Queue<OperationJob> {
    if (this.#producer.status !== 'ready') throw new Error('redis is away');
    if (this.#queue === undefined) {
      this.#queue = new Queue<OperationJob>(this.name, { connection: this.#producer });
      this.#queue.on('error', () => undefined);
    }
    return this.#queue;
  }

  work(run: (job: OperationJob) => Promise<void>): void {
    this.#worker = new Worker<OperationJob>(this.name, (job) => run(job.data), {
      connection: this.#consumer,
      concurrency: CONCURRENCY,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: DELIVERIES_MAX,
    });
    this.#worker.on('error', () => undefined);
    this.#worker.on('failed', (job, error) => this.log.warn('operation job failed', { job: job?.id, error: error.message }));
  }

  async problem(): Promise<string | undefined> {
    try {
      const answered = await Promise.race([
        this.#producer.ping(),
        new Promise<string>((resolve) => setTimeout(resolve, PING_TIMEOUT_MS, 'timeout').unref()),
      ]);
      return answered === 'PONG' ? undefined : `no answer within ${PING_TIMEOUT_MS} ms`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.close(true).catch(() => undefined);
    await this.#queue?.close().catch(() => undefined);
    this.#producer.disconnect();
    this.#consumer.disconnect();
  }
}
