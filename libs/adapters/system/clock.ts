/** The real clock. */
import type { CancelSignal, Clock, Instant } from '../../kit/index.js';

/** Node's timers hold 31 bits of milliseconds; longer delays are waited for in pieces. */
const TIMER_MS_MAX = 2_147_483_647;

export class SystemClock implements Clock {
  now(): Instant {
    return Date.now() as Instant;
  }

  schedule(delayMs: number, task: () => void): Disposable {
    let timer: NodeJS.Timeout;
    const arm = (restMs: number): void => {
      const stepMs = Math.min(Math.max(0, restMs), TIMER_MS_MAX);
      timer = setTimeout(() => (restMs > stepMs ? arm(restMs - stepMs) : task()), stepMs);
    };
    arm(delayMs);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  sleep(delayMs: number, signal?: CancelSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer[Symbol.dispose]();
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = this.schedule(delayMs, wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }
}
