/** Agents' pod events become Event objects; repetitions of one event raise its count instead of making another. */
import { formatTime, instant } from '../kit/index.js';
import type { IdSource, Logger } from '../kit/index.js';
import type { KubeObject } from '../api/index.js';
import type { ObjectClient } from '../reconciling/index.js';
import type { PodEventReport } from './messages.js';
import { isReason } from './pod-status-intake.js';

const EVENTS = { group: '', resource: 'events' } as const;
/** Events whose repetitions are recognised; the oldest are forgotten first. */
export const REMEMBERED_EVENTS_MAX = 4_096;
/** Events that wait for their write; more are dropped (events are best-effort). */
export const QUEUED_EVENTS_MAX = 10_000;
const EVENT_WRITERS = 8;

interface QueuedEvent {
  readonly node: string;
  readonly event: PodEventReport;
}

export class EventRecorder {
  readonly #queue: QueuedEvent[] = [];
  readonly #recorded = new Map<string, KubeObject>();
  readonly #busy = new Set<string>();
  #active = 0;

  constructor(private readonly options: { readonly client: ObjectClient; readonly ids: IdSource; readonly log: Logger }) {}

  record(node: string, event: PodEventReport): void {
    if (this.#queue.length >= QUEUED_EVENTS_MAX) return;
    this.#queue.push({ node, event });
    this.#pump();
  }

  #pump(): void {
    while (this.#active < EVENT_WRITERS) {
      const at = this.#queue.findIndex(({ event }) => !this.#busy.has(identity(event)));
      const next = at < 0 ? undefined : this.#queue.splice(at, 1)[0];
      if (next === undefined) return;
      this.#active++;
      this.#busy.add(identity(next.event));
      void this.#write(next);
    }
  }

  async #write({ node, event }: QueuedEvent): Promise<void> {
    const id = identity(event);
    try {
      await this.#createOrCount(id, node, event);
    } catch (error) {
      // A pod's namespace may be gone before its last events are.
      const isExpected = isReason(error, 'NotFound') || isReason(error, 'Forbidden');
      if (!isExpected)
        this.options.log.warn('event not recorded', {
          reason: event.reason,
          pod: `${event.namespace}/${event.name}`,
          error: String(error),
        });
    } finally {
      this.#active--;
      this.#busy.delete(id);
      this.#pump();
    }
  }

  async #createOrCount(id: string, node: string, event: PodEventReport): Promise<void> {
    const before = this.#recorded.get(id);
    this.#recorded.delete(id);
    let stored: KubeObject | undefined;
    if (before !== undefined) stored = await this.#count(before, event).catch(() => undefined);
    stored ??= await this.options.client.create(EVENTS, newEvent(node, event, this.options.ids));
    this.#recorded.set(id, stored);
    const oldest = this.#recorded.size > REMEMBERED_EVENTS_MAX ? this.#recorded.keys().next().value : undefined;
    if (oldest !== undefined) this.#recorded.delete(oldest);
  }

  #count(before: KubeObject, event: PodEventReport): Promise<KubeObject> {
    const count = typeof before['count'] === 'number' ? before['count'] + 1 : 2;
    return this.options.client.update(EVENTS, { ...before, count, lastTimestamp: formatTime(instant(event.atMs)) });
  }
}

function identity(event: PodEventReport): string {
  return [event.uid, event.type, event.reason, event.fieldPath, event.message].join('\n');
}

function newEvent(node: string, event: PodEventReport, ids: IdSource): KubeObject {
  const at = formatTime(instant(event.atMs));
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${event.name}.${ids.uid().replaceAll('-', '').slice(-16)}`, namespace: event.namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: event.namespace,
      name: event.name,
      uid: event.uid,
      ...(event.fieldPath === '' ? {} : { fieldPath: event.fieldPath }),
    },
    reason: event.reason,
    message: event.message,
    type: event.type,
    source: { component: 'kubelet', host: node },
    reportingComponent: 'kubelet',
    reportingInstance: node,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}
