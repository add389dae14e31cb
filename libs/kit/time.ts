/** Conversions between `Instant` and the RFC 3339 texts of the Kubernetes API. `Date` is allowed here only as a formatter. */
import type { Instant } from './ports.js';

export function instant(ms: number): Instant {
  return ms as Instant;
}

/** `2026-11-22T08:00:00Z`: metav1.Time, whole seconds. */
export function formatTime(at: Instant): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** `2026-11-22T08:00:00.123000Z`: metav1.MicroTime. */
export function formatMicroTime(at: Instant): string {
  return new Date(at).toISOString().replace(/Z$/, '000Z');
}

/** Parses any RFC 3339 time; `undefined` where the text is not one. */
export function parseTime(text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : instant(ms);
}
