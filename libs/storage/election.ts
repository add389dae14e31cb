/** Leader election over a store's own primitives: the leader holds a key with its lease; the others wait until the key goes. */
import { backoffMs, type CancelSignal, type Clock } from '../kit/index.js';
import { CampaignCancelledError, CompactedError, StoreUnavailableError, type Leadership, type Revision, type Store } from './store.js';
import { ZERO } from './revision.js';

export const ELECTION_PREFIX = '/berth/elections/';

export interface ElectionStore extends Pick<Store, 'get' | 'write' | 'lease'> {
  /** Resolves when `key` is deleted after `after`, or when `signal` aborts. May throw CompactedError. */
  untilDeleted(key: string, after: Revision, signal: CancelSignal): Promise<void>;
}

export interface Candidacy {
  readonly name: string;
  readonly candidate: string;
  /** A leader that dies is replaced after this time. */
  readonly ttlMs: number;
  readonly signal: CancelSignal;
}

/** A holder gives its lease up for lost after this share of its time without a confirmation: before the server can give it to another. */
export const LEASE_DOUBT = 2 / 3;

const RETRY = { initialMs: 50, maxMs: 1_000 };

/** Waits until `candidate` leads `name`. Failures of the store are waited out; only the signal ends the campaign. */
export async function campaignOver(store: ElectionStore, clock: Clock, candidacy: Candidacy): Promise<Leadership> {
  for (let failures = 0; !candidacy.signal.aborted;) {
    try {
      const leadership = await attempt(store, candidacy);
      if (leadership !== undefined) return leadership;
      failures = 0;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) && !(error instanceof CompactedError)) throw error;
      await clock.sleep(backoffMs(RETRY, failures, undefined), candidacy.signal);
      failures += 1;
    }
  }
  throw new CampaignCancelledError(`the campaign for ${candidacy.name} was cancelled before ${candidacy.candidate} won it`);
}

/** One round: waits for the seat to be free, then tries to take it. `undefined` when another was faster. */
async function attempt(store: ElectionStore, candidacy: Candidacy): Promise<Leadership | undefined> {
  const key = ELECTION_PREFIX + candidacy.name;
  const holder = await store.get(key);
  if (holder !== undefined) {
    await store.untilDeleted(key, holder.revision, candidacy.signal);
    return undefined;
  }
  const lease = await store.lease(candidacy.ttlMs);
  try {
    const value = JSON.stringify({ candidate: candidacy.candidate });
    const outcome = await store.write({ op: 'put', key, value, expected: ZERO, leaseId: lease.id });
    if (outcome.ok && !candidacy.signal.aborted) {
      return { lost: lease.lost, term: outcome.revision, [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose]() };
    }
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
  await lease[Symbol.asyncDispose]();
  return undefined;
}
