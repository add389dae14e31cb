import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  Channel,
  CancelSource,
  Heap,
  KeyedBackoff,
  Limiter,
  RingBuffer,
  SingleFlight,
  backoffMs,
  childOf,
  deferred,
  type Instant,
} from './index.js';
import { FakeClock, SeededRandom, FakeIds } from './testing/index.js';

describe('backoff', () => {
  test('doubles up to its maximum, and starts anew after a quiet time', () => {
    const backoff = new KeyedBackoff<string>({ initialMs: 10_000, maxMs: 300_000 });
    const delays = [0, 1, 2, 3, 4, 5, 6].map((n) => backoff.fail('web', (n * 1_000) as Instant));
    expect(delays).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    expect(backoff.remainingMs('web', 6_000 as Instant)).toBe(300_000);
    expect(backoff.fail('web', 700_000 as Instant)).toBe(10_000);
  });

  test('jitter only ever shortens a delay', () => {
    const random = new SeededRandom(7);
    for (let n = 0; n < 50; n += 1) {
      const delay = backoffMs({ initialMs: 100, maxMs: 1_000, jitter: 0.5 }, 2, random);
      expect(delay).toBeGreaterThanOrEqual(200);
      expect(delay).toBeLessThanOrEqual(400);
    }
  });
});

test('a ring buffer keeps the newest items in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 9 }), (items, capacity) => {
      const ring = new RingBuffer<number>(capacity);
      for (const item of items) ring.push(item);
      expect(ring.slice()).toEqual(items.slice(-capacity));
      expect(ring.at(0)).toBe(items.slice(-capacity)[0]);
    }),
  );
});

test('lowerBound finds the first item at or after a mark', () => {
  const ring = new RingBuffer<number>(4);
  for (const item of [1, 3, 5, 7, 9]) ring.push(item);
  expect(ring.lowerBound((item) => item >= 6)).toBe(2);
  expect(ring.lowerBound((item) => item >= 100)).toBe(4);
});

test('a heap gives its items back sorted', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (items) => {
      const heap = new Heap<number>((a, b) => a < b);
      for (const item of items) heap.push(item);
      const out: number[] = [];
      while (heap.size > 0) out.push(heap.pop() ?? 0);
      expect(out).toEqual(items.toSorted((a, b) => a - b));
    }),
  );
});

describe('channel', () => {
  test('refuses what does not fit and ends after the queued items', async () => {
    const channel = new Channel<number>(2);
    expect([channel.push(1), channel.push(2), channel.push(3)]).toEqual([true, true, false]);
    channel.end();
    const seen: number[] = [];
    for await (const item of channel) seen.push(item);
    expect(seen).toEqual([1, 2]);
    expect(channel.push(4)).toBe(false);
  });

  test('a waiting reader hears a failure, and a cut drops the queue', async () => {
    const channel = new Channel<number>();
    const reading = channel.nextBatch();
    channel.fail(new Error('gone'));
    await expect(reading).rejects.toThrow('gone');
    const other = new Channel<number>();
    other.push(1);
    other.cut(new Error('slow'));
    await expect(other.nextBatch()).rejects.toThrow('slow');
  });
});

test('a child is cancelled with its parent, not the other way round', () => {
  const parent = new CancelSource();
  const [a, b] = [childOf(parent.signal), childOf(parent.signal)];
  a.abort();
  expect([parent.signal.aborted, b.signal.aborted]).toEqual([false, false]);
  parent.abort();
  expect(b.signal.aborted).toBe(true);
});

test('a limiter runs no more than its limit at a time, in order', async () => {
  const limiter = new Limiter(2);
  const gates = [deferred(), deferred(), deferred()];
  const started: number[] = [];
  const runs = gates.map((gate, index) =>
    limiter.run(async () => {
      started.push(index);
      await gate.promise;
    }),
  );
  await Promise.resolve();
  expect(started).toEqual([0, 1]);
  gates[1]?.resolve();
  await runs[1];
  await Promise.resolve();
  expect(started).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve();
  await Promise.all(runs);
});

test('single flight shares one run among callers of the same key', async () => {
  const flight = new SingleFlight<number>();
  let runs = 0;
  const work = async (): Promise<number> => (runs += 1);
  expect(await Promise.all([flight.run('a', work), flight.run('a', work)])).toEqual([1, 1]);
  expect(await flight.run('a', work)).toBe(2);
});

describe('fake clock', () => {
  test('fires timers in time order, and code that they wake sees that instant', async () => {
    const clock = new FakeClock(0);
    const seen: string[] = [];
    clock.schedule(20, () => seen.push(`b@${clock.now()}`));
    clock.schedule(10, () => void clock.sleep(5).then(() => seen.push(`a@${clock.now()}`)));
    const cancelled = clock.schedule(12, () => seen.push('never'));
    cancelled[Symbol.dispose]();
    await clock.advance(30);
    expect(seen).toEqual(['a@15', 'b@20']);
    expect(clock.now()).toBe(30);
  });

  test('a sleep ends at once when its signal fires', async () => {
    const clock = new FakeClock(0);
    const source = new CancelSource();
    const sleep = clock.sleep(1_000, source.signal);
    source.abort();
    await sleep;
    expect(clock.now()).toBe(0);
  });
});

test('ids in tests are predictable', () => {
  const ids = new FakeIds();
  expect([ids.uid(), ids.suffix(5), ids.suffix(5)]).toEqual(['00000000-0000-4000-8000-000000000001', 'bbbbd', 'bbbbf']);
});
