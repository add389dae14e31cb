/** Words and ports of operations: long, user-visible work that outlives the process that started it. */
import type { KubeObject, Operation, Stored } from '../api/index.js';
import type { CancelSignal } from '../kit/index.js';

export type StoredOperation = Stored<Operation> & KubeObject;

/** `Pending` until a worker takes it; the last three are final for one `spec.attempt`. */
export type OperationPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Cancelled';

export const operationsResource = { group: 'berth.dev', resource: 'operations' } as const;

/** What a handler tells while it works. Both are coalesced: call them as often as there is news. */
export interface OperationReporter {
  log(line: string): void;
  /** `percent` from 0 to 100. */
  progress(percent: number, message: string): void;
}

/**
 * One type of work. It may be started again after a crash of its worker, so each step must be repeatable. It resolves
 * with the closing message, rejects with the reason of failure, and stops soon after `signal` aborts.
 */
export type OperationHandler = (operation: StoredOperation, reporter: OperationReporter, signal: CancelSignal) => Promise<string>;

export type OperationHandlers = Readonly<Record<string, OperationHandler>>;

/** One delivery of an operation to a worker. */
export interface OperationJob {
  readonly name: string;
  readonly uid: string;
  readonly attempt: number;
}

/** The queue that spreads work over workers and notices dead ones: BullMQ on Redis. It holds no truth; losing it loses no operation. */
export interface JobQueue extends AsyncDisposable {
  /** Idempotent by uid and attempt. Rejects when the queue cannot be reached. */
  enqueue(job: OperationJob): Promise<void>;
  /** Takes jobs, a few at a time, for as long as the queue is open; a job whose worker died is delivered again. */
  work(run: (job: OperationJob) => Promise<void>): void;
  /** Undefined when healthy, otherwise why not; for /readyz. */
  problem(): Promise<string | undefined>;
}
