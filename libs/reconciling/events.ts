/**
 * Records core v1 Events as `kubectl describe` expects them: one object per (object, source, type, reason, message) with a
 * count. Best effort: recording never fails or delays the caller; when too many wait, the newest are dropped.
 */
import { StatusError } from '../api/index.js';
import { formatTime } from '../kit/index.js';
import type { CoreV1Event, KubeObject } from '../api/index.js';
import type { Clock, Instant } from '../kit/index.js';
import type { ObjectClient } from './plan.js';
import { resources } from './resources.js';

/** Event writes under way at once: few, so that pods and status go first. */
export const EVENT_WRITES_MAX = 8;
/** Waiting events beyond this are dropped. */
export const EVENTS_WAITING_MAX = 20_000;
/** Remembered series, oldest forgotten first. */
export const EVENT_SERIES_MAX = 8_192;
/** Per object and source: a burst, then one each refill interval, so that a crash loop cannot fill the store. */
export const EVENT_BURST = 25;
export const EVENT_REFILL_MS = 300_000;

export interface EventToRecord {
  readonly regarding: KubeObject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** `deployment-controller`. */
  readonly source: string;
}

interface Series {
  readonly key: string;
  readonly first: EventToRecord;
  readonly firstAt: Instant;
  lastAt: Instant;
  count: number;
  /** The newest stored form, absent before the first write. */
  stored?: KubeObject | undefined;
  /** Counts that the store does not show yet. */
  dirty: boolean;
  writing: boolean;
}

export class EventRecorder {
  readonly #clock: Clock;
  readonly #client: ObjectClient;
  readonly #series = new Map<string, Series>();
  readonly #budgets = new Map<string, { tokens: number; at: Instant }>();
  readonly #waiting = new Set<Series>();
  #writing = 0;
  #serial = 0;

  constructor(dependencies: { readonly clock: Clock; readonly client: ObjectClient }) {
    this.#clock = dependencies.clock;
    this.#client = dependencies.client;
  }

  /** Event writes waiting or under way. */
  get pending(): number {
    return this.#waiting.size + this.#writing;
  }

  record(event: EventToRecord): void {
    const now = this.#clock.now();
    if (!this.#spend(event, now)) return;
    const series = this.#seriesOf(event, now);
    series.lastAt = now;
    series.count += 1;
    series.dirty = true;
    if (series.writing || this.#waiting.has(series)) return;
    if (this.#waiting.size >= EVENTS_WAITING_MAX) return;
    this.#waiting.add(series);
    this.#pump();
  }

  #seriesOf(event: EventToRecord, now: Instant): Series {
    const { metadata } = event.regarding;
    const key = [metadata.uid, metadata.namespace, metadata.name, event.source, event.type, event.reason, event.message].join('\n');
    const before = this.#series.get(key);
    if (before !== undefined) return before;
    const series: Series = { key, first: event, firstAt: now, lastAt: now, count: 0, dirty: false, writing: false };
    this.#series.set(key, series);
    if (this.#series.size > EVENT_SERIES_MAX) {
      const [oldest] = this.#series.keys();
      if (oldest !== undefined) this.#series.delete(oldest);
    }
    return series;
  }

  #spend(event: EventToRecord, now: Instant): boolean {
    const key = `${event.source}\n${event.regarding.metadata.uid ?? event.regarding.metadata.name ?? ''}`;
    const budget = this.#budgets.get(key) ?? { tokens: EVENT_BURST, at: now };
    budget.tokens = Math.min(EVENT_BURST, budget.tokens + (now - budget.at) / EVENT_REFILL_MS);
    budget.at = now;
    this.#budgets.delete(key);
    this.#budgets.set(key, budget);
    if (this.#budgets.size > EVENT_SERIES_MAX) {
      const [oldest] = this.#budgets.keys();
      if (oldest !== undefined) this.#budgets.delete(oldest);
    }
    if (budget.tokens < 1) return false;
    budget.tokens -= 1;
    return true;
  }

  #pump(): void {
    while (this.#writing < EVENT_WRITES_MAX) {
      const [series] = this.#waiting;
      if (series === undefined) return;
      this.#waiting.delete(series);
      this.#writing += 1;
      series.writing = true;
      void this.#write(series).finally(() => {
        this.#writing -= 1;
        series.writing = false;
        if (series.dirty) this.#waiting.add(series);
        this.#pump();
      });
    }
  }

  async #write(series: Series): Promise<void> {
    series.dirty = false;
    try {
      series.stored =
        series.stored === undefined
          ? await this.#client.create(resources.events, this.#eventObject(series))
          : await this.#client.update(resources.events, recount(series, series.stored));
    } catch (error) {
      // The event expired or its namespace goes away: the next occurrence starts a new series.
      this.#series.delete(series.key);
      if (!(error instanceof StatusError)) return;
    }
  }

  #eventObject(series: Series): KubeObject {
    const { regarding, type, reason, message, source } = series.first;
    const { metadata } = regarding;
    const namespace = metadata.namespace ?? 'default';
    this.#serial += 1;
    const serial = (BigInt(series.firstAt) * 1_000_000n + BigInt(this.#serial % 1_000_000)).toString(16);
    const event: CoreV1Event & KubeObject = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${metadata.name ?? 'unknown'}.${serial}`, namespace },
      involvedObject: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      type,
      reason,
      message,
      source: { component: source },
      reportingComponent: source,
      reportingInstance: '',
      firstTimestamp: formatTime(series.firstAt),
      lastTimestamp: formatTime(series.lastAt),
      count: series.count,
    };
    return event;
  }
}

function recount(series: Series, stored: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = stored.metadata;
  return { ...stored, metadata, count: series.count, lastTimestamp: formatTime(series.lastAt) };
}
