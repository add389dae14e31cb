/** Applies states one after the other and skips those that a newer one has overtaken while waiting. */
export class LatestOnly<T> {
  private waiting: { readonly state: T; readonly done: Promise<void> } | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly apply: (state: T) => Promise<void>) {}

  /** Resolves once `state`, or a newer one, is applied; rejects when that fails. */
  submit(state: T): Promise<void> {
    if (this.waiting !== undefined) {
      this.waiting = { state, done: this.waiting.done };
      return this.waiting.done;
    }
    const done = this.running
      .catch(() => undefined)
      .then(() => {
        const newest = this.waiting?.state ?? state;
        this.waiting = undefined;
        return this.apply(newest);
      });
    this.waiting = { state, done };
    this.running = done;
    return done;
  }
}
