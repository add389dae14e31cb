/** Hands each event to the listeners of every prefix that its key has, in order of subscription within a prefix. */
export class FanOut<E> {
  private readonly listeners = new Map<string, Set<(event: E) => void>>();

  /** `onError` hears what a listener throws; the other listeners still get the event. */
  constructor(private readonly onError: (error: unknown) => void) {}

  add(prefix: string, listener: (event: E) => void): Disposable {
    const known = this.listeners.get(prefix) ?? new Set();
    // A fresh function, so that one listener may subscribe twice.
    const entry = (event: E): void => listener(event);
    known.add(entry);
    this.listeners.set(prefix, known);
    return {
      [Symbol.dispose]: () => {
        known.delete(entry);
        if (known.size === 0 && this.listeners.get(prefix) === known) this.listeners.delete(prefix);
      },
    };
  }

  publish(key: string, event: E): void {
    for (let slash = key.indexOf('/', 1); slash !== -1; slash = key.indexOf('/', slash + 1)) {
      const listeners = this.listeners.get(key.slice(0, slash + 1));
      if (listeners === undefined) continue;
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          this.onError(error);
        }
      }
    }
  }
}
