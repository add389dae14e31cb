/** Binary search in arrays that are sorted by a text key. */

/** Index of the first item whose key is >= `key`; the length when there is none. */
export function firstAtOrAfter<T>(items: readonly T[], key: string, keyOf: (item: T) => string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(items[middle] as T) < key) low = middle + 1; // middle < high <= length
    else high = middle;
  }
  return low;
}

/** The smallest text that is greater than every text with this prefix (prefixes here end with `/` or a letter, never U+FFFF). */
export function endOfPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
