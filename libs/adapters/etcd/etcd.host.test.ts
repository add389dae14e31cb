import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingLogger } from '../../kit/testing/index.js';
import { MemoryStore, StoreUnavailableError, ZERO, groupOf, startWatchCache } from '../../storage/index.js';
import type { Revision, Store, StoreEntry, WriteOutcome } from '../../storage/index.js';
import { storeContract } from '../../storage/contract/store.contract.js';
import { SystemClock } from '../system/index.js';
import { EtcdStore, startEtcd, type EtcdServer } from './index.js';
import { freePort, startRelay, startThrowawayEtcd } from './testing.js';

const clock = new SystemClock();
const open = (endpoint: string): EtcdStore =>
  new EtcdStore({ endpoints: [endpoint], clock, log: new RecordingLogger(), electionTtlMs: 2_000 });

storeContract('etcd', async () => {
  const server = await startThrowawayEtcd();
  const relay = await startRelay(server.endpoint);
  const [store, other] = [open(relay.endpoint), open(server.endpoint)];
  return {
    store,
    other,
    cut: async () => relay.cut(),
    restore: async () => relay.restore(),
    leaseTtlMs: 2_000,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
});

describe('etcd', () => {
  let server: EtcdServer;
  let store: EtcdStore;
  beforeAll(async () => {
    server = await startThrowawayEtcd();
    store = open(server.endpoint);
  }, 30_000);
  afterAll(async () => {
    await store[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test('concurrent writes share etcd revisions: they are committed in groups', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 256 }, (_, n) => store.write({ op: 'put', key: `/registry/g/${n}`, value: '{}', expected: ZERO })),
    );
    const groups = new Set(outcomes.map((outcome) => (outcome.ok ? groupOf(outcome.revision) : 0)));
    expect(groups.size).toBeLessThanOrEqual(8);
  });

  test('values without a header, written by other tools, are read as they are', async () => {
    const { Etcd3 } = await import('etcd3');
    const foreign = new Etcd3({ hosts: server.endpoint });
    await foreign.put('/registry/foreign').value('{"by":"hand"}');
    foreign.close();
    expect((await store.get('/registry/foreign'))?.value).toBe('{"by":"hand"}');
  });

  test('a port that is taken is told before anything is started', async () => {
    const clientPort = Number(server.endpoint.split(':')[1]);
    await expect(startEtcd({ dataDir: '/nonexistent/never-made', peerPort: await freePort(), clientPort })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${clientPort}: listen EADDRINUSE`,
    );
  });

  test('does what the memory store does, for any sequence of operations', async () => {
    const kind = fc.constantFrom('create', 'update', 'stale', 'delete', 'list', 'past');
    const operation = fc.record({ kind, key: fc.constantFrom('a', 'b', 'c', 'd/e'), value: fc.string() });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
        run += 1;
        const [real, model] = [new Follower(store, `/registry/run${run}/`), new Follower(new MemoryStore(clock), `/registry/run${run}/`)];
        for (const step of operations) expect(await real.run(step)).toEqual(await model.run(step));
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  test('keeps its data over a restart, and a watch cache goes on where it was', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-etcd-restart-'));
    const options = { dataDir: folder, clientPort: await freePort(), peerPort: await freePort() };
    let running = await startEtcd(options);
    await using restarted = open(running.endpoint);
    try {
      const cache = await startWatchCache(restarted, clock, new RecordingLogger());
      const heard: string[] = [];
      cache.subscribe('/registry/', (event) => heard.push(event.type));
      const put = async (key: string): Promise<Revision> => {
        const outcome = await restarted.write({ op: 'put', key, value: '{"metadata":{}}', expected: ZERO });
        if (!outcome.ok) throw new Error('lost');
        return outcome.revision;
      };
      await cache.reached(await put('/registry/pods/a/1'));
      await running[Symbol.asyncDispose]();
      running = await startEtcd(options);
      await cache.reached(await put('/registry/pods/a/2'));
      expect(heard).toEqual(['put', 'put']);
      expect(cache.list('/registry/pods/')).toHaveLength(2);
      await cache[Symbol.asyncDispose]();
    } finally {
      await running[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    }
  }, 30_000);

  test('nobody answering is StoreUnavailableError', async () => {
    await using away = open(`127.0.0.1:${await freePort()}`);
    await expect(away.revision()).rejects.toThrow(StoreUnavailableError);
  });
});

/** Runs operations on a store and tells what happened with its revisions replaced by their order. */
class Follower {
  private readonly revisions: Revision[] = [];
  private readonly keys = new Map<string, Revision>();

  constructor(
    private readonly store: Store,
    private readonly prefix: string,
  ) {}

  async run(step: { kind: string; key: string; value: string }): Promise<unknown> {
    const key = this.prefix + step.key;
    const known = this.keys.get(key) ?? ZERO;
    if (step.kind === 'list') return this.told(await this.store.list(this.prefix));
    if (step.kind === 'past') {
      const atRevision = this.revisions[step.value.length % Math.max(1, this.revisions.length)];
      return atRevision === undefined ? undefined : this.told(await this.store.list(this.prefix, { atRevision, limit: 2 }));
    }
    if (step.kind === 'delete') return this.note(key, await this.store.write({ op: 'delete', key, expected: known }));
    const expected = { create: ZERO, update: known, stale: this.revisions[0] ?? ZERO }[step.kind] ?? ZERO;
    return this.note(key, await this.store.write({ op: 'put', key, value: step.value, expected }));
  }

  private note(key: string, outcome: WriteOutcome): unknown {
    if (!outcome.ok) return { lostTo: outcome.current === undefined ? undefined : this.entry(outcome.current) };
    this.revisions.push(outcome.revision);
    this.keys.set(key, outcome.revision);
    return { won: this.revisions.length };
  }

  private told(page: { entries: readonly StoreEntry[]; remaining: number }): unknown {
    return { entries: page.entries.map((entry) => this.entry(entry)), remaining: page.remaining };
  }

  private entry(entry: StoreEntry): unknown {
    return { key: entry.key, value: entry.value, order: this.revisions.indexOf(entry.revision) };
  }
}
