/** What every `Store` promises. Run by `memory` and, on a real etcd behind a connection that the suite cuts, by `adapters/etcd`. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CompactedError, FutureRevisionError, StoreUnavailableError, ZERO } from '../index.js';
import type { Revision, Store, StoreEvent, StoreWrite, WatchBatch, WriteOutcome } from '../index.js';

export interface StoreRig extends AsyncDisposable {
  readonly store: Store;
  /** A second client of the same data, with a connection of its own. */
  readonly other: Store;
  /** Cuts and restores the connection of `store` only. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /** The shortest lease that this store grants. */
  readonly leaseTtlMs: number;
}

const PATIENCE_MS = 15_000;
let testCount = 0;

export function storeContract(name: string, open: () => Promise<StoreRig>): void {
  describe(`${name} keeps the promises of Store`, () => {
    let rig: StoreRig;
    let prefix: string;
    const scoped = (title: string, body: () => Promise<void>): void =>
      test(
        title,
        async () => {
          testCount += 1;
          prefix = `/registry/t${testCount}/`;
          await body();
        },
        30_000,
      );
    beforeAll(async () => {
      rig = await open();
    }, 30_000);
    afterAll(async () => {
      await rig[Symbol.asyncDispose]();
    });
    const context: Context = { scoped, store: () => rig.store, rig: () => rig, key: (rest) => prefix + rest };
    writePromises(context);
    listPromises(context);
    watchPromises(context);
    compactionPromises(context);
    cutPromises(context);
    leasePromises(context);
  });
}

interface Context {
  readonly scoped: (title: string, body: () => Promise<void>) => void;
  readonly store: () => Store;
  readonly rig: () => StoreRig;
  readonly key: (rest: string) => string;
}

function writePromises({ scoped, store, key }: Context): void {
  scoped('creates a key once, and tells the loser what stands there', async () => {
    const first = won(await store().write(put(key('a'), '{"n":1}', ZERO)));
    const second = await store().write(put(key('a'), '{"n":2}', ZERO));
    expect(second).toEqual({ ok: false, current: { key: key('a'), value: '{"n":1}', revision: first } });
    expect(await store().get(key('a'))).toEqual({ key: key('a'), value: '{"n":1}', revision: first });
  });

  scoped('replaces and deletes only at the expected revision', async () => {
    const first = won(await store().write(put(key('a'), '1', ZERO)));
    const second = won(await store().write(put(key('a'), '2', first)));
    expect(second).toBeGreaterThan(first);
    expect(await store().write(put(key('a'), '3', first))).toMatchObject({ ok: false, current: { revision: second } });
    expect(await store().write({ op: 'delete', key: key('a'), expected: first })).toMatchObject({ ok: false, current: { value: '2' } });
    const gone = won(await store().write({ op: 'delete', key: key('a'), expected: second }));
    expect(gone).toBeGreaterThan(second);
    expect(await store().get(key('a'))).toBeUndefined();
    expect(await store().write({ op: 'delete', key: key('a'), expected: second })).toEqual({ ok: false, current: undefined });
  });

  scoped('keeps any text unchanged', async () => {
    const value = `{"text":"7 not a header\\n","emoji":"🚢","long":"${'x'.repeat(100_000)}"}`;
    won(await store().write(put(key('ü/空'), value, ZERO)));
    expect((await store().get(key('ü/空')))?.value).toBe(value);
  });

  scoped('gives each of 200 concurrent writers its own outcome, unique and ordered', async () => {
    const names = Array.from({ length: 200 }, (_, index) => key(`w${index % 100}`));
    const outcomes = await Promise.all(names.map((name, index) => store().write(put(name, `{"by":${index}}`, ZERO))));
    const winners = outcomes.flatMap((outcome, index) => (outcome.ok ? [{ index, revision: outcome.revision }] : []));
    expect(winners).toHaveLength(100);
    expect(new Set(winners.map((winner) => winner.revision)).size).toBe(100);
    for (const { index, revision } of winners) {
      expect(await store().get(names[index]!)).toEqual({ key: names[index], value: `{"by":${index}}`, revision });
    }
    for (const [index, outcome] of outcomes.entries()) {
      if (!outcome.ok) expect(outcome.current?.key).toBe(names[index]);
    }
  });

  scoped('lets exactly one of many concurrent writers of one key win each round', async () => {
    let revision = won(await store().write(put(key('hot'), '0', ZERO)));
    for (let round = 0; round < 5; round += 1) {
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => store().write(put(key('hot'), `${round}.${n}`, revision))));
      expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(1);
      revision = (await store().get(key('hot')))!.revision;
    }
  });

  scoped('commits concurrent puts and deletes of different keys with right outcomes', async () => {
    const created = await Promise.all(Array.from({ length: 60 }, (_, n) => store().write(put(key(`d${n}`), `${n}`, ZERO))));
    const second = await Promise.all(
      created.map((outcome, n): Promise<WriteOutcome> => {
        const expected = won(outcome);
        return n % 3 === 0
          ? store().write({ op: 'delete', key: key(`d${n}`), expected })
          : store().write(put(key(`d${n}`), `${n}b`, n % 3 === 1 ? expected : (1 as Revision)));
      }),
    );
    expect(second.map((outcome) => outcome.ok)).toEqual(second.map((_, n) => n % 3 !== 2));
    const left = await store().list(key(''));
    expect(left.entries.map((entry) => entry.value).toSorted()).toEqual(
      Array.from({ length: 60 }, (_, n) => (n % 3 === 1 ? `${n}b` : `${n}`))
        .filter((_, n) => n % 3 !== 0)
        .toSorted(),
    );
  });
}

function listPromises({ scoped, store, key }: Context): void {
  scoped('lists a prefix in key order, in pages of one snapshot', async () => {
    for (const name of ['c', 'a', 'e', 'b', 'd']) won(await store().write(put(key(name), name, ZERO)));
    const first = await store().list(key(''), { limit: 2 });
    expect(first.entries.map((entry) => entry.value)).toEqual(['a', 'b']);
    expect([first.nextAfterKey, first.remaining]).toEqual([key('b'), 3]);
    won(await store().write(put(key('bb'), 'late', ZERO)));
    const second = await store().list(key(''), { limit: 2, afterKey: key('b'), atRevision: first.revision });
    expect(second.entries.map((entry) => entry.value)).toEqual(['c', 'd']);
    const third = await store().list(key(''), { limit: 2, afterKey: key('d'), atRevision: first.revision });
    expect(third.entries.map((entry) => entry.value)).toEqual(['e']);
    expect([third.nextAfterKey, third.remaining]).toEqual([undefined, 0]);
    expect((await store().list(key('b'))).entries.map((entry) => entry.value)).toEqual(['b', 'late']);
  });

  scoped('reads the past as it was at the revision of any write, also in the middle of a group', async () => {
    const created = await Promise.all(['a', 'b', 'c', 'd'].map((name) => store().write(put(key(name), '1', ZERO))));
    const expected = created.map(won);
    const updates: StoreWrite[] = ['a', 'b', 'c'].map((name, n) => put(key(name), '2', expected[n]!));
    updates.push({ op: 'delete', key: key('d'), expected: expected[3]! });
    const updated = (await Promise.all(updates.map((write) => store().write(write)))).map(won);
    const state = new Map(['a', 'b', 'c', 'd'].map((name) => [name, '1']));
    for (const [order, revision] of updated.map((revision, n) => [n, revision] as const).toSorted((a, b) => a[1] - b[1])) {
      const write = updates[order]!;
      const name = write.key.slice(key('').length);
      if (write.op === 'put') state.set(name, write.value);
      else state.delete(name);
      const page = await store().list(key(''), { atRevision: revision });
      expect(page.entries.map((entry) => [entry.key.slice(key('').length), entry.value])).toEqual([...state]);
    }
  });

  scoped('refuses a revision that is not there yet', async () => {
    const now = await store().revision();
    await expect(store().list(key(''), { atRevision: (now + 1_024_000) as Revision })).rejects.toThrow(FutureRevisionError);
  });
}

function watchPromises({ scoped, store, key }: Context): void {
  scoped('a watch delivers every later change under its prefix once and in order, with what stood there before', async () => {
    const before = won(await store().write(put(key('x/0'), 'old', ZERO)));
    await using watch = collect(store(), key('x/'), before);
    const outcomes = await Promise.all(
      Array.from({ length: 150 }, (_, n) => store().write(put(key(n % 5 === 0 ? `y/${n}` : `x/${n + 1}`), `${n}`, ZERO))),
    );
    const second = won(await store().write(put(key('x/0'), 'new', before)));
    const third = won(await store().write({ op: 'delete', key: key('x/0'), expected: second }));
    const events = await watch.until((seen) => seen.at(-1)?.revision === third);
    expect(events.map((event) => event.revision)).toEqual(
      [...outcomes.filter((_, n) => n % 5 !== 0).map(won), second, third].toSorted((a, b) => a - b),
    );
    expect(events.at(-2)).toEqual({
      type: 'put',
      key: key('x/0'),
      value: 'new',
      revision: second,
      previous: { key: key('x/0'), value: 'old', revision: before },
    });
    expect(events.at(-1)).toEqual({
      type: 'delete',
      key: key('x/0'),
      revision: third,
      previous: { key: key('x/0'), value: 'new', revision: second },
    });
  });

  scoped('a watch can begin after any single change, also in the middle of a group', async () => {
    const start = await store().revision();
    const created = await Promise.all(Array.from({ length: 40 }, (_, n) => store().write(put(key(`g${n}`), 'v', ZERO))));
    const doomed = created.slice(0, 10).map((outcome, n) => store().write({ op: 'delete', key: key(`g${n}`), expected: won(outcome) }));
    const changed = created.slice(10).map((outcome, n) => store().write(put(key(`g${n + 10}`), 'w', won(outcome))));
    const later = (await Promise.all([...doomed, ...changed])).map(won);
    const all = [...created.map(won), ...later].toSorted((a, b) => a - b);
    expect(new Set(all).size).toBe(all.length);
    for (const from of [start, ...all.filter((_, n) => n % 7 === 0)]) {
      await using watch = collect(store(), key(''), from);
      const events = await watch.until((seen) => seen.at(-1)?.revision === all.at(-1));
      expect(events.map((event) => event.revision)).toEqual(all.filter((revision) => revision > from));
    }
  });

  scoped('progress of a watch follows changes elsewhere', async () => {
    await using watch = collect(store(), key('quiet/'), await store().revision());
    won(await store().write(put(key('loud'), 'x', ZERO)));
    const now = await store().revision();
    await watch.untilProgress(now);
    expect(watch.events).toEqual([]);
  });

  scoped('a watch ends when its signal fires', async () => {
    const watch = collect(store(), key(''), await store().revision());
    await watch[Symbol.asyncDispose]();
    expect(watch.events).toEqual([]);
  });
}

function compactionPromises({ scoped, store, key }: Context): void {
  scoped('after a compaction older revisions are refused, newer ones are served', async () => {
    const r1 = won(await store().write(put(key('a'), '1', ZERO)));
    const r2 = won(await store().write(put(key('a'), '2', r1)));
    const r3 = won(await store().write(put(key('a'), '3', r2)));
    const r4 = won(await store().write({ op: 'delete', key: key('a'), expected: r3 }));
    await store().compact(r3);
    await store().compact(r1);
    await expect(store().list(key(''), { atRevision: r1 })).rejects.toThrow(CompactedError);
    await expect(drain(store().watch(key(''), r1, new AbortController().signal))).rejects.toThrow(CompactedError);
    expect((await store().list(key(''), { atRevision: r3 })).entries.map((entry) => entry.value)).toEqual(['3']);
    await using watch = collect(store(), key(''), r3);
    expect((await watch.until((seen) => seen.length > 0)).map((event) => event.revision)).toEqual([r4]);
  });

  scoped('a deletion right after the compacted revision is not lost', async () => {
    const r1 = won(await store().write(put(key('a'), '1', ZERO)));
    const r2 = won(await store().write({ op: 'delete', key: key('a'), expected: r1 }));
    await store().compact(r1);
    await using watch = collect(store(), key(''), r1);
    expect((await watch.until((seen) => seen.length > 0)).map((event) => [event.type, event.revision])).toEqual([['delete', r2]]);
    await store().compact(r2);
    await expect(drain(store().watch(key(''), r1, new AbortController().signal))).rejects.toThrow(CompactedError);
  });
}

function cutPromises({ scoped, store, rig, key }: Context): void {
  scoped('while cut, calls fail with StoreUnavailableError; afterwards they work again', async () => {
    won(await store().write(put(key('a'), '1', ZERO)));
    await rig().cut();
    try {
      await expect(store().get(key('a'))).rejects.toThrow(StoreUnavailableError);
      await expect(store().write(put(key('b'), '1', ZERO))).rejects.toThrow(StoreUnavailableError);
    } finally {
      await rig().restore();
    }
    expect((await eventually(() => store().get(key('a'))))?.value).toBe('1');
  });

  scoped('a watch survives cuts without gap or duplicate', async () => {
    const { other } = rig();
    const start = await store().revision();
    await using watch = collect(store(), key(''), start);
    const revisions: Revision[] = [];
    for (let round = 0; round < 3; round += 1) {
      const before = await Promise.all(Array.from({ length: 100 }, (_, n) => other.write(put(key(`r${round}-${n}`), '1', ZERO))));
      await rig().cut();
      const during = await Promise.all(before.map((outcome, n) => other.write(put(key(`r${round}-${n}`), '2', won(outcome)))));
      await rig().restore();
      revisions.push(...[...before, ...during].map(won));
    }
    const last = Math.max(...revisions);
    const events = await watch.until((seen) => (seen.at(-1)?.revision ?? 0) >= last);
    expect(events.map((event) => event.revision)).toEqual(revisions.toSorted((a, b) => a - b));
  });

  scoped('a cut under 128 writers leaves each with a true outcome or StoreUnavailableError, and nothing is written twice', async () => {
    const start = await store().revision();
    const results: { key: string; outcome: WriteOutcome | 'unknown' }[] = [];
    const writer = async (id: number): Promise<void> => {
      for (let n = 0; n < 10; n += 1) {
        const name = key(`c${id}-${n}`);
        const outcome = await store()
          .write(put(name, `${id}-${n}`, ZERO))
          .catch((error: unknown) => {
            if (error instanceof StoreUnavailableError) return 'unknown' as const;
            throw error;
          });
        results.push({ key: name, outcome });
      }
    };
    const writers = Array.from({ length: 128 }, (_, id) => writer(id));
    await eventually(async () => expect(results.length).toBeGreaterThan(50));
    await rig().cut();
    await eventually(() => rig().other.get(key('c0-0')));
    await rig().restore();
    await Promise.all(writers);
    const end = await eventually(() => store().revision());
    await using watch = collect(rig().other, key(''), start);
    await watch.untilProgress(end);
    for (const { key: name, outcome } of results) {
      const events = watch.events.filter((event) => event.key === name);
      expect(events.length).toBeLessThanOrEqual(1);
      if (outcome !== 'unknown') expect(events.map((event) => event.revision)).toEqual([won(outcome)]);
    }
  });
}

function leasePromises({ scoped, store, rig, key }: Context): void {
  scoped('a key lives as long as its lease is kept, and goes with it', async () => {
    const start = await store().revision();
    const lease = await store().lease(rig().leaseTtlMs);
    const revision = won(await store().write({ op: 'put', key: key('leased'), value: 'x', expected: ZERO, leaseId: lease.id }));
    expect(await store().get(key('leased'))).toMatchObject({ revision });
    await using watch = collect(store(), key(''), start);
    await lease[Symbol.asyncDispose]();
    const events = await watch.until((seen) => seen.length === 2);
    expect(events.map((event) => event.type)).toEqual(['put', 'delete']);
    await expect(store().write({ op: 'put', key: key('late'), value: 'x', expected: ZERO, leaseId: lease.id })).rejects.toThrow(
      StoreUnavailableError,
    );
  });

  scoped('a lease whose holder is cut off is lost to it, and its keys vanish for the others', async () => {
    const lease = await store().lease(rig().leaseTtlMs);
    won(await store().write({ op: 'put', key: key('leased'), value: 'x', expected: ZERO, leaseId: lease.id }));
    await rig().cut();
    try {
      await new Promise<void>((resolve) => lease.lost.addEventListener('abort', resolve, { once: true }));
      await eventually(async () => expect(await rig().other.get(key('leased'))).toBeUndefined());
    } finally {
      await rig().restore();
    }
    await lease[Symbol.asyncDispose]();
  });

  scoped('leadership passes on when the leader resigns, and the term grows', async () => {
    const name = key('seat').replaceAll('/', '-');
    const never = new AbortController().signal;
    const first = await store().campaign(name, 'one', never);
    const waiting = rig().other.campaign(name, 'two', never);
    const cancelled = new AbortController();
    const third = store().campaign(name, 'three', cancelled.signal);
    cancelled.abort();
    await expect(third).rejects.toThrow('cancelled');
    expect(first.lost.aborted).toBe(false);
    await first[Symbol.asyncDispose]();
    const second = await waiting;
    expect(second.term).toBeGreaterThan(first.term);
    expect(first.lost.aborted).toBe(true);
    await second[Symbol.asyncDispose]();
  });

  scoped('a leader that is cut off knows it, and another one takes over', async () => {
    const name = key('seat').replaceAll('/', '-');
    const never = new AbortController().signal;
    const first = await store().campaign(name, 'one', never);
    const waiting = rig().other.campaign(name, 'two', never);
    await rig().cut();
    const second = await waiting;
    expect(first.lost.aborted).toBe(true);
    await rig().restore();
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
  });
}

function put(key: string, value: string, expected: Revision): StoreWrite {
  return { op: 'put', key, value, expected };
}

function won(outcome: WriteOutcome): Revision {
  if (!outcome.ok) throw new Error(`the write lost to ${JSON.stringify(outcome.current)}`);
  return outcome.revision;
}

/** Reads a watch in the background; `until` answers the events once they satisfy a condition. */
function collect(store: Store, prefix: string, after: Revision) {
  const abort = new AbortController();
  const events: StoreEvent[] = [];
  let progress = after;
  let failure: unknown;
  const reading = (async () => {
    for await (const batch of store.watch(prefix, after, abort.signal)) {
      events.push(...batch.events);
      progress = checkedProgress(batch, progress);
    }
  })().catch((error: unknown) => {
    failure = error;
  });
  const check = (condition: () => boolean): Promise<void> =>
    eventually(async () => {
      if (failure !== undefined) throw failure;
      if (!condition()) throw new Error(`not yet; ${events.length} events, progress ${progress}`);
    });
  return {
    events,
    until: async (condition: (seen: readonly StoreEvent[]) => boolean) => {
      await check(() => condition(events));
      return events;
    },
    untilProgress: (revision: Revision) => check(() => progress >= revision),
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      await reading;
    },
  };
}

function checkedProgress(batch: WatchBatch, before: Revision): Revision {
  expect(batch.progress).toBeGreaterThanOrEqual(before);
  expect(batch.progress).toBeGreaterThanOrEqual(batch.events.at(-1)?.revision ?? 0);
  return batch.progress;
}

async function drain(batches: AsyncIterable<WatchBatch>): Promise<void> {
  for await (const batch of batches) {
    if (batch.events.length > 0) throw new Error('the watch delivered events');
  }
}

/** Tries until `body` succeeds: real stores answer in their own time. */
async function eventually<T>(body: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await body();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
