/** Decisions about one operation, as data. */
import { assertNever, formatTime, type Instant } from '../kit/index.js';
import type { OperationStatus } from '../api/index.js';
import type { OperationPhase, StoredOperation } from './ports.js';

export const LOG_LINES_MAX = 200;

const finalPhases: ReadonlySet<string> = new Set<OperationPhase>(['Succeeded', 'Failed', 'Cancelled']);

export function attemptOf(operation: StoredOperation): number {
  return operation.spec.attempt ?? 1;
}

/** Finished for the attempt that is asked for; raising `spec.attempt` makes it unfinished again. */
export function isFinished(operation: StoredOperation): boolean {
  return (operation.status?.attempt ?? 1) >= attemptOf(operation) && finalPhases.has(operation.status?.phase ?? '');
}

/** What the enqueuer does about an operation. */
export function decideEnqueue(operation: StoredOperation): 'enqueue' | 'cancel' | 'nothing' {
  if (isFinished(operation) || operation.metadata.deletionTimestamp !== undefined) return 'nothing';
  const taken = operation.status?.phase === 'Running' && operation.status.attempt === attemptOf(operation);
  if (operation.spec.cancel === true && !taken) return 'cancel';
  return 'enqueue';
}

/** What a worker does with a delivery: deliveries repeat, and the object may have changed since. */
export function decideRun(
  operation: StoredOperation | undefined,
  job: { readonly uid: string; readonly attempt: number },
): 'run' | 'cancel' | 'skip' {
  if (operation === undefined || operation.metadata.uid !== job.uid || isFinished(operation)) return 'skip';
  if (operation.metadata.deletionTimestamp !== undefined || attemptOf(operation) !== job.attempt) return 'skip';
  return operation.spec.cancel === true ? 'cancel' : 'run';
}

/** Something that happened to an operation. */
export type OperationEvent =
  | { readonly is: 'started' }
  | { readonly is: 'reported'; readonly percent: number; readonly message: string; readonly lines: readonly string[] }
  | { readonly is: 'succeeded'; readonly message: string }
  | { readonly is: 'failed'; readonly message: string }
  | { readonly is: 'cancelled' };

/** The status after an event. Progress never goes back within an attempt; the log keeps its newest lines. */
export function statusAfter(operation: StoredOperation, event: OperationEvent, now: Instant): OperationStatus {
  const before: OperationStatus = operation.status ?? {};
  const at = formatTime(now);
  switch (event.is) {
    case 'started':
      return {
        ...before,
        phase: 'Running',
        attempt: attemptOf(operation),
        attempts: (before.attempts ?? 0) + 1,
        progress: 0,
        message: 'started',
        startTime: before.startTime ?? at,
        completionTime: undefined,
      };
    case 'reported':
      return {
        ...before,
        progress: Math.max(before.progress ?? 0, event.percent),
        message: event.message,
        log: [...(before.log ?? []), ...event.lines].slice(-LOG_LINES_MAX),
      };
    case 'succeeded':
      return { ...before, phase: 'Succeeded', progress: 100, message: event.message, completionTime: at };
    case 'failed':
      return { ...before, phase: 'Failed', message: event.message, completionTime: at };
    case 'cancelled':
      return { ...before, phase: 'Cancelled', attempt: attemptOf(operation), message: 'cancelled', completionTime: at };
    default:
      return assertNever(event);
  }
}
