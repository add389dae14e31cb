import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CancelSource } from '../../kit/index.js';
import { FakeClock, RecordingLogger } from '../../kit/testing/index.js';
import { CompactedError, MemoryStore, StoreUnavailableError, ZERO, spliceRevision, startWatchCache } from '../index.js';
import type { CacheEvent, Revision, WatchCacheOptions } from '../index.js';

const never = new CancelSource().signal;

async function rig(options: WatchCacheOptions = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore(clock);
  const log = new RecordingLogger();
  const put = async (key: string, object: object = {}): Promise<Revision> => {
    const expected = (await store.get(key))?.revision ?? ZERO;
    const outcome = await store.write({ op: 'put', key, value: JSON.stringify({ metadata: { name: key }, ...object }), expected });
    if (!outcome.ok) throw new Error('lost');
    return outcome.revision;
  };
  const remove = async (key: string): Promise<Revision> => {
    const outcome = await store.write({ op: 'delete', key, expected: (await store.get(key))?.revision ?? ZERO });
    if (!outcome.ok) throw new Error('lost');
    return outcome.revision;
  };
  await put('/registry/pods/default/old');
  const cache = await startWatchCache(store, clock, log, options);
  return { clock, store, cache, put, remove, log, [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose]() };
}

const names = (items: readonly { readonly key: string }[]): string[] => items.map((item) => item.key.replace('/registry/', ''));
const told = (event: CacheEvent): string =>
  event.type === 'put' ? `${event.previous === undefined ? 'add' : 'change'} ${event.current.key}` : `delete ${event.previous.key}`;

describe('the watch cache', () => {
  test('shows what was there, then every change, once its revision is reached', async () => {
    await using r = await rig();
    expect(names(r.cache.list('/registry/pods/'))).toEqual(['pods/default/old']);
    const revision = await r.put('/registry/pods/default/new');
    await r.cache.reached(revision);
    expect(r.cache.get('/registry/pods/default/new')?.revision).toBe(revision);
    expect(r.cache.get('/registry/pods/default/new')?.object.metadata.resourceVersion).toBe(String(revision));
    await r.cache.reached(await r.remove('/registry/pods/default/old'));
    expect(names(r.cache.list('/registry/pods/default/'))).toEqual(['pods/default/new']);
  });

  test('lists a prefix in key order and nothing beside it', async () => {
    await using r = await rig();
    for (const key of ['pods/b/1', 'pods/a/2', 'pods/a/1', 'podsx/a/1', 'apps/deployments/a/1', 'apps/daemonsets/a/1'])
      await r.put(`/registry/${key}`);
    await r.cache.reached(await r.store.revision());
    expect(names(r.cache.list('/registry/pods/'))).toEqual(['pods/a/1', 'pods/a/2', 'pods/b/1', 'pods/default/old']);
    expect(names(r.cache.list('/registry/pods/a/'))).toEqual(['pods/a/1', 'pods/a/2']);
    expect(names(r.cache.list('/registry/apps/deployments/'))).toEqual(['apps/deployments/a/1']);
    expect(r.cache.list('/registry/nodes/')).toEqual([]);
    expect(r.cache.list('/registry/')).toHaveLength(7);
  });

  test('waiting for a revision that does not come ends with StoreUnavailableError', async () => {
    await using r = await rig();
    const waiting = r.cache.reached((r.cache.revision + 1) as Revision, 500);
    const checked = expect(waiting).rejects.toThrow(StoreUnavailableError);
    await r.clock.advance(500);
    await checked;
  });

  test('subscribers hear each change synchronously, with what stood there before; a failing one harms nobody', async () => {
    await using r = await rig();
    const heard: string[] = [];
    using _bad = r.cache.subscribe('/registry/pods/', () => {
      throw new Error('broken');
    });
    const subscription = r.cache.subscribe('/registry/pods/', (event) => heard.push(told(event)));
    using _other = r.cache.subscribe('/registry/nodes/', (event) => heard.push(told(event)));
    await r.put('/registry/pods/default/old');
    await r.put('/registry/nodes/n1');
    await r.cache.reached(await r.remove('/registry/pods/default/old'));
    subscription[Symbol.dispose]();
    await r.cache.reached(await r.put('/registry/pods/default/more'));
    expect(heard).toEqual(['change /registry/pods/default/old', 'add /registry/nodes/n1', 'delete /registry/pods/default/old']);
    expect(r.log.lines.map((line) => line.message)).toContain('a cache listener failed');
  });

  test('a watch from the past delivers the kept history and goes on with the present', async () => {
    await using r = await rig();
    const first = await r.put('/registry/pods/default/a');
    await r.put('/registry/nodes/n1');
    await r.cache.reached(await r.put('/registry/pods/default/b'));
    const stop = new CancelSource();
    const watch = r.cache.watch('/registry/pods/', first, stop.signal);
    await r.cache.reached(await r.put('/registry/pods/default/c'));
    expect((await watch.nextBatch())?.map(told)).toEqual(['add /registry/pods/default/b']);
    expect((await watch.nextBatch())?.map(told)).toEqual(['add /registry/pods/default/c']);
    stop.abort();
    expect(await watch.nextBatch()).toBeUndefined();
  });

  test('a watch that begins before the kept history is refused', async () => {
    await using r = await rig({ historyEventsMax: 3 });
    const start = r.cache.revision;
    for (const name of ['a', 'b', 'c']) await r.put(`/registry/pods/default/${name}`);
    await r.cache.reached(await r.store.revision());
    expect(() => r.cache.watch('/registry/pods/', start, never)).not.toThrow();
    await r.cache.reached(await r.put('/registry/pods/default/d'));
    expect(() => r.cache.watch('/registry/pods/', start, never)).toThrow(CompactedError);
    expect(() => r.cache.watch('/registry/pods/', 1 as Revision, never)).toThrow('too old resource version');
  });

  test('a reader that is too slow is cut, the others go on', async () => {
    await using r = await rig({ watcherEventsMax: 2 });
    const slow = r.cache.watch('/registry/pods/', ZERO, never);
    const other = r.cache.watch('/registry/nodes/', ZERO, never);
    for (const name of ['a', 'b', 'c']) await r.put(`/registry/pods/default/${name}`);
    await r.cache.reached(await r.put('/registry/nodes/n1'));
    await expect(slow.nextBatch()).rejects.toThrow(CompactedError);
    expect((await other.nextBatch())?.map(told)).toEqual(['add /registry/nodes/n1']);
  });

  test('after a compaction behind its back it lists anew: subscribers get the differences, watches are cut', async () => {
    await using r = await rig();
    await r.put('/registry/pods/default/same');
    await r.cache.reached(await r.put('/registry/pods/default/changed'));
    const heard: string[] = [];
    using _subscription = r.cache.subscribe('/registry/', (event) => heard.push(told(event)));
    const watch = r.cache.watch('/registry/', ZERO, never);
    r.store.cut();
    const other = new MemoryStore(r.clock, { server: r.store.server });
    const at = async (key: string): Promise<Revision> => (await other.get(key))?.revision ?? ZERO;
    await other.write({ op: 'delete', key: '/registry/pods/default/old', expected: await at('/registry/pods/default/old') });
    await other.write({
      op: 'put',
      key: '/registry/pods/default/changed',
      value: '{}',
      expected: await at('/registry/pods/default/changed'),
    });
    await other.write({ op: 'put', key: '/registry/pods/default/new', value: '{}', expected: ZERO });
    await other.compact(await other.revision());
    r.store.restore();
    await r.cache.reached(await other.revision());
    expect(heard).toEqual(['delete /registry/pods/default/old', 'change /registry/pods/default/changed', 'add /registry/pods/default/new']);
    await expect(watch.nextBatch()).rejects.toThrow(CompactedError);
  });

  test('finds what an owner owns', async () => {
    await using r = await rig();
    const owned = (uid: string): object => ({ metadata: { name: 'x', ownerReferences: [{ uid, name: 'odd]name' }] } });
    await r.put('/registry/pods/default/a', owned('u1'));
    await r.put('/registry/pods/default/b', owned('u2'));
    await r.put('/registry/apps/replicasets/default/c', owned('u1'));
    await r.put('/registry/apps/deployments/default/d', { spec: { template: owned('u1') } });
    await r.cache.reached(await r.store.revision());
    expect(names(r.cache.ownedBy('u1'))).toEqual(['apps/replicasets/default/c', 'pods/default/a']);
    await r.put('/registry/pods/default/a', owned('u2'));
    await r.cache.reached(await r.remove('/registry/apps/replicasets/default/c'));
    expect(names(r.cache.ownedBy('u1'))).toEqual([]);
    expect(names(r.cache.ownedBy('u2'))).toEqual(['pods/default/a', 'pods/default/b']);
  });
});

describe('splicing the revision into the text', () => {
  const revision = 7 as Revision;

  test('works wherever metadata stands, and only on the top-level one', () => {
    expect(spliceRevision('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}', revision)).toBe(
      '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7","name":"a"}}',
    );
    expect(JSON.parse(spliceRevision('{"spec":{"metadata":{"x":"{"}}, "metadata" : {}}', revision))).toEqual({
      spec: { metadata: { x: '{' } },
      metadata: { resourceVersion: '7' },
    });
    expect(JSON.parse(spliceRevision('{}', revision))).toEqual({ metadata: { resourceVersion: '7' } });
  });

  test('changes nothing else in any object', () => {
    fc.assert(
      fc.property(fc.object(), fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (rest, metadata, first) => {
        const named = Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== 'resourceVersion' && name !== '__proto__'));
        const clean = JSON.parse(JSON.stringify(named)) as object; // JSON has no -0
        const other = JSON.parse(JSON.stringify({ ...rest, metadata: undefined })) as object;
        const object = first ? { metadata: clean, ...other } : { ...other, metadata: clean };
        expect(JSON.parse(spliceRevision(JSON.stringify(object), revision))).toEqual({
          ...object,
          metadata: { ...clean, resourceVersion: '7' },
        });
      }),
    );
  });
});
