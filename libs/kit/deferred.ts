/** A promise with its ends in hand (`Promise.withResolvers` of newer runtimes). */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/** Wakes ONE loop: `wait` resolves at the next `wake`, at once when there was one since the last `wait`. */
export class Waker {
  private pending = false;
  private waiting: Deferred<void> | undefined;

  wake(): void {
    this.pending = true;
    this.waiting?.resolve();
  }

  async wait(): Promise<void> {
    if (!this.pending) {
      this.waiting = deferred();
      await this.waiting.promise;
      this.waiting = undefined;
    }
    this.pending = false;
  }
}
