import { describe, expect, test } from '@jest/globals';
import type { Clock, Instant } from '../kit/index.js';
import { WorkQueue } from './index.js';

/** A clock that runs due tasks when told to. */
function manualClock(): Clock & { advance(ms: number): void } {
  let now = 1_000;
  const tasks = new Set<{ at: number; task: () => void }>();
  return {
    now: () => now as Instant,
    schedule(delayMs, task) {
      const entry = { at: now + delayMs, task };
      tasks.add(entry);
      return { [Symbol.dispose]: () => void tasks.delete(entry) };
    },
    sleep: () => Promise.resolve(),
    advance(ms) {
      now += ms;
      for (const entry of [...tasks].filter((each) => each.at <= now).toSorted((a, b) => a.at - b.at)) {
        tasks.delete(entry);
        entry.task();
      }
    },
  };
}

describe('the work queue', () => {
  test('holds a key once, however often it is added', () => {
    const queue = new WorkQueue(manualClock(), () => {});
    queue.add('a');
    queue.add('b');
    queue.add('a');
    expect([queue.take(), queue.take(), queue.take()]).toEqual(['a', 'b', undefined]);
  });

  test('does not hand out a key that is being worked on, and hands it out again afterwards', () => {
    const queue = new WorkQueue(manualClock(), () => {});
    queue.add('a');
    expect(queue.take()).toBe('a');
    queue.add('a');
    expect(queue.take()).toBeUndefined();
    queue.done('a');
    expect(queue.take()).toBe('a');
  });

  test('backs off from 5 ms, doubling with each failure, until the key is forgotten', () => {
    const clock = manualClock();
    const queue = new WorkQueue(clock, () => {});
    const waits: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      queue.addAfterFailure('a');
      let waited = 0;
      while (queue.take() === undefined) {
        clock.advance(1);
        waited += 1;
      }
      queue.done('a');
      waits.push(waited);
      if (round === 2) queue.forget('a');
    }
    expect(waits).toEqual([5, 10, 20, 5]);
  });

  test('of several delays for one key the earliest counts', () => {
    const clock = manualClock();
    const queue = new WorkQueue(clock, () => {});
    queue.addAfter('a', 100);
    queue.addAfter('a', 10);
    queue.addAfter('a', 50);
    clock.advance(10);
    expect(queue.take()).toBe('a');
    queue.done('a');
    clock.advance(200);
    expect(queue.take()).toBeUndefined();
  });
});
