/** A bounded queue between one writer and one reader: `push` waits while the reader is behind. */
export const QUEUE_ITEMS_MAX = 64;

export class ByteQueue<Item> implements AsyncIterable<Item> {
  readonly #items: Item[] = [];
  #isEnded = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** Resolves when there is room for more. After `end` it drops the item. */
  async push(item: Item): Promise<void> {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#wakeReader?.();
    if (this.#items.length >= QUEUE_ITEMS_MAX) await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
  }

  /** What is queued is still read. */
  end(): void {
    this.#isEnded = true;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Item> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          if (this.#items.length < QUEUE_ITEMS_MAX) this.#wakeWriter?.();
          yield item;
        } else if (this.#isEnded) return;
        else await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    } finally {
      this.#items.length = 0;
      this.end();
    }
  }
}
