import { expect, test } from '@jest/globals';
import { SystemClock } from '../../adapters/system/index.js';
import { FakeClock } from '../../kit/testing/index.js';
import { storeContract } from '../contract/store.contract.js';
import { StoreUnavailableError, ZERO } from '../index.js';
import { MemoryStore } from './index.js';

storeContract('the memory store', async () => {
  const clock = new SystemClock();
  const store = new MemoryStore(clock, { electionTtlMs: 60 });
  return {
    store,
    other: new MemoryStore(clock, { server: store.server, electionTtlMs: 60 }),
    cut: async () => store.cut(),
    restore: async () => store.restore(),
    leaseTtlMs: 60,
    [Symbol.asyncDispose]: async () => undefined,
  };
});

test('a lost reply is a write that happened', async () => {
  const store = new MemoryStore(new FakeClock());
  store.loseReplies(1);
  await expect(store.write({ op: 'put', key: '/registry/a', value: '1', expected: ZERO })).rejects.toThrow(StoreUnavailableError);
  expect((await store.get('/registry/a'))?.value).toBe('1');
});

test('leases run on the given clock', async () => {
  const clock = new FakeClock();
  const store = new MemoryStore(clock);
  const lease = await store.lease(3_000);
  await store.write({ op: 'put', key: '/registry/a', value: '1', expected: ZERO, leaseId: lease.id });
  await clock.advance(60_000);
  expect(await store.get('/registry/a')).toBeDefined();
  store.cut();
  await clock.advance(3_000);
  store.restore();
  expect(await store.get('/registry/a')).toBeUndefined();
  expect(lease.lost.aborted).toBe(true);
});
