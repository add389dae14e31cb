/** Growing delays between attempts: the arithmetic only, the waiting is the caller's. */
import type { Instant, Random } from './ports.js';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Growth from one attempt to the next; default 2. */
  readonly factor?: number;
  /** Share of the delay that chance may take away, 0..1; default 0. Keeps many clients from returning at the same instant. */
  readonly jitter?: number;
}

/** Delay in milliseconds before attempt `attempt` (0 = the first repetition). Never more than `maxMs`. */
export function backoffMs(options: BackoffOptions, attempt: number, random?: Random): number {
  const { initialMs, maxMs, factor = 2, jitter = 0 } = options;
  const full = Math.min(maxMs, initialMs * factor ** Math.max(0, attempt));
  return random === undefined ? full : Math.round(full * (1 - jitter * random.next()));
}

/**
 * Failures counted per key, forgotten after a quiet time: `CrashLoopBackOff`, `ImagePullBackOff`, queue retries.
 * A key that had no failure for `2 * maxMs` starts at the beginning, as Kubernetes' kubelet does.
 */
export class KeyedBackoff<K> {
  private readonly entries = new Map<K, { attempt: number; untilMs: number; lastMs: number }>();

  constructor(
    private readonly options: BackoffOptions,
    private readonly random?: Random,
  ) {}

  /** Notes a failure at `now` and answers the delay before the next attempt. */
  fail(key: K, now: Instant): number {
    const known = this.entries.get(key);
    const attempt = known === undefined || now - known.lastMs > 2 * this.options.maxMs ? 0 : known.attempt + 1;
    const delayMs = backoffMs(this.options, attempt, this.random);
    this.entries.set(key, { attempt, untilMs: now + delayMs, lastMs: now });
    return delayMs;
  }

  /** Milliseconds that `key` still has to wait; 0 = may go. */
  remainingMs(key: K, now: Instant): number {
    return Math.max(0, (this.entries.get(key)?.untilMs ?? 0) - now);
  }

  /** Failures in a row; 0 = none known. */
  failures(key: K): number {
    const entry = this.entries.get(key);
    return entry === undefined ? 0 : entry.attempt + 1;
  }

  reset(key: K): void {
    this.entries.delete(key);
  }
}
