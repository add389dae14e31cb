/** Small words for JSON values that the patch algorithms share. */

export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sets an own member; also right for the key `__proto__`. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** An own member; `undefined` for what is only inherited. */
export function getOwn(source: unknown, key: string): unknown {
  return isRecord(source) && Object.hasOwn(source, key) ? source[key] : undefined;
}

/** Deep equality of JSON values; the order of members does not matter, an `undefined` member is an absent one. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => jsonEqual(item, b[i]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  return (
    keys.length === Object.keys(b).filter((key) => b[key] !== undefined).length && keys.every((key) => jsonEqual(a[key], getOwn(b, key)))
  );
}

/** Whether a value nests deeper than `levels`. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels <= 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}

/**
 * Order of a merged list: `wanted` in its own order, and the members that only the live list has at their old places
 * relative to the wanted ones that were live before.
 */
export function mergeOrder(live: readonly string[], wanted: readonly string[]): string[] {
  const wantedSet = new Set(wanted);
  const place = new Map(live.map((key, index) => [key, index]));
  const others = live.filter((key) => !wantedSet.has(key));
  const merged: string[] = [];
  let next = 0;
  for (const key of wanted) {
    const at = place.get(key);
    for (let other = others[next]; at !== undefined && other !== undefined && (place.get(other) ?? 0) < at; other = others[next]) {
      merged.push(other);
      next++;
    }
    merged.push(key);
  }
  return [...merged, ...others.slice(next)];
}
