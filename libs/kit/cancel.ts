/** Cancellation for pure code, which has no AbortController: sources, combination, waiting. */
import type { CancelSignal } from './ports.js';

/** Structurally an AbortController. `abort()` fires each listener once; a listener's failure does not stop the others. */
export class CancelSource implements Disposable {
  private readonly firing = new FiringSignal();
  readonly signal: CancelSignal = this.firing;

  abort(): void {
    this.firing.fire();
  }

  [Symbol.dispose](): void {
    this.abort();
  }
}

class FiringSignal implements CancelSignal {
  private readonly listeners = new Set<() => void>();
  private fired = false;

  get aborted(): boolean {
    return this.fired;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.fired) this.listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }

  fire(): void {
    if (this.fired) return;
    this.fired = true;
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const listener of listeners) {
      try {
        listener();
      } catch {
        // A listener owns its errors; the others must still hear.
      }
    }
  }
}

/** A signal that never fires. */
export const neverCancelled: CancelSignal = {
  aborted: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
};

/** Runs `action` when the signal fires, at once when it already has. Disposing the result forgets it. */
export function onCancel(signal: CancelSignal, action: () => void): Disposable {
  if (signal.aborted) {
    action();
    return { [Symbol.dispose]: () => undefined };
  }
  signal.addEventListener('abort', action, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', action) };
}

/** A child source: it is cancelled with any of its parents, or on its own. Dispose it, or the parents keep it. */
export function childOf(...parents: readonly CancelSignal[]): CancelSource {
  const child = new CancelSource();
  const links = parents.map((parent) => onCancel(parent, () => child.abort()));
  child.signal.addEventListener('abort', () => {
    for (const link of links) link[Symbol.dispose]();
  });
  return child;
}

/** Resolves when the signal fires. */
export function whenCancelled(signal: CancelSignal): Promise<void> {
  return new Promise((resolve) => void onCancel(signal, resolve));
}
