/** JSON merge patch (RFC 7386): members replace, nulls delete, objects merge. */
import { getOwn, isRecord, setOwn } from './json-value.js';

/** The patched value; neither argument is changed, equal parts are shared. */
export function applyMergePatch(current: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(current) ? { ...current } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete merged[key];
    else setOwn(merged, key, applyMergePatch(getOwn(merged, key), value));
  }
  return merged;
}
