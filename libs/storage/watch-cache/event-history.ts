/** The last events, for watches that begin in the recent past. */
import { RingBuffer } from '../../kit/index.js';
import type { CacheEvent } from '../cache.js';
import { CompactedError, type Revision } from '../store.js';
import { LazyObject } from './cached-object.js';

/** Events after which the parsed form of a superseded object is dropped; its text stays as long as the event does. */
const WARM_EVENTS = 256;

export class EventHistory {
  private readonly ring: RingBuffer<CacheEvent>;

  /** `floor`: the revision of the list that the cache began with; nothing before it is known. */
  constructor(
    private floor: Revision,
    eventsMax: number,
  ) {
    this.ring = new RingBuffer(eventsMax);
  }

  push(event: CacheEvent): void {
    const evicted = this.ring.push(event);
    if (evicted !== undefined) this.floor = revisionOf(evicted);
    const cooling = this.ring.at(this.ring.size - 1 - WARM_EVENTS)?.previous;
    if (cooling instanceof LazyObject) cooling.cool();
  }

  /** Events after `after`, in order. Throws CompactedError when some of them are no longer kept. */
  since(after: Revision): CacheEvent[] {
    if (after < this.floor) {
      throw new CompactedError(`too old resource version: ${after} (${this.floor})`);
    }
    return this.ring.slice(this.ring.lowerBound((event) => revisionOf(event) > after));
  }

  /** Forgets everything: what happened between is not known. */
  reset(floor: Revision): void {
    this.ring.clear();
    this.floor = floor;
  }
}

export function revisionOf(event: CacheEvent): Revision {
  return event.type === 'put' ? event.current.revision : event.revision;
}
