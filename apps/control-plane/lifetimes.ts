/** Things that are ended in the reverse order of their start: what later runtimes have as AsyncDisposableStack. */
export class Lifetimes implements AsyncDisposable {
  private readonly ends: (() => unknown)[] = [];

  /** Takes charge of `thing` and answers it. */
  use<T extends AsyncDisposable | Disposable>(thing: T): T {
    this.ends.push(() => (Symbol.asyncDispose in thing ? thing[Symbol.asyncDispose]() : thing[Symbol.dispose]()));
    return thing;
  }

  /** Ends everything, also when one end fails; the first failure is thrown at last. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (const end of this.ends.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
