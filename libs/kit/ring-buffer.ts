/** The last `capacity` items in the order of arrival; the oldest makes room for the newest. */
export class RingBuffer<T> {
  private readonly items: (T | undefined)[] = [];
  private start = 0;
  private count = 0;

  constructor(readonly capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`ring buffer capacity must be a positive integer, not ${capacity}`);
  }

  get size(): number {
    return this.count;
  }

  /** Adds `item` and answers the item that it pushed out, if any. */
  push(item: T): T | undefined {
    if (this.count < this.capacity) {
      this.items[(this.start + this.count) % this.capacity] = item;
      this.count += 1;
      return undefined;
    }
    const evicted = this.items[this.start];
    this.items[this.start] = item;
    this.start = (this.start + 1) % this.capacity;
    return evicted;
  }

  /** Item number `index`, 0 = the oldest. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.count) return undefined;
    return this.items[(this.start + index) % this.capacity];
  }

  /** Index of the first item for which `isAtOrAfter` holds, by bisection; the items must be ordered by it. `size` when there is none. */
  lowerBound(isAtOrAfter: (item: T) => boolean): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.items[(this.start + middle) % this.capacity] as T; // inside the filled part
      if (isAtOrAfter(item)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Items from `from` on, oldest first. */
  slice(from = 0): T[] {
    const found: T[] = [];
    for (let index = Math.max(0, from); index < this.count; index += 1) {
      found.push(this.items[(this.start + index) % this.capacity] as T); // inside the filled part
    }
    return found;
  }

  clear(): void {
    this.items.length = 0;
    this.start = 0;
    this.count = 0;
  }
}
