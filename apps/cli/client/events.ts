/** Events of the cluster in the form that verbs print. */
import type { CoreV1Event } from '../../../libs/api/index.js';
import { age } from '../output/time.js';

export type EventJson = CoreV1Event;

/** The newest time at which it happened, ISO 8601. */
export function lastSeenAt(event: EventJson): string {
  return event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '';
}

/** `5s`, or `5s (x3 over 2m)`. */
export function lastSeen(event: EventJson): string {
  const count = event.series?.count ?? event.count ?? 1;
  const last = age(lastSeenAt(event) || undefined);
  const first = event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
  return count > 1 ? `${last} (x${count} over ${age(first)})` : last;
}

export function eventSource(event: EventJson): string {
  const component = event.source?.component ?? event.reportingComponent ?? '';
  const host = event.source?.host ?? '';
  return host === '' || host === component ? component : `${component}, ${host}`;
}

/** Oldest first. */
export function byLastSeen(events: readonly EventJson[]): readonly EventJson[] {
  return events.toSorted((left, right) => lastSeenAt(left).localeCompare(lastSeenAt(right)));
}
