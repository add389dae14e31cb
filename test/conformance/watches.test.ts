/** Watches: from where they start, what they show, and how they end. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startRig, type Json, type Rig, type Watching } from './rig.js';

let rig: Rig;
const maps = '/api/v1/namespaces/watches/configmaps';
beforeAll(async () => {
  rig = await startRig(['api']);
  await rig.namespace('watches');
});
afterAll(async () => rig[Symbol.asyncDispose]());

const create = (name: string, labels: Record<string, string> = {}): Promise<Json> =>
  rig.call('POST', maps, { metadata: { name, labels } }).then(({ body }) => body);
const seen = async (watching: Watching, count: number): Promise<string[]> => {
  const events: string[] = [];
  while (events.length < count) {
    const { type, object } = await watching.next();
    events.push(`${type} ${object.metadata.name}`);
  }
  return events;
};

describe('where a watch starts', () => {
  // "Establish a watch from the resourceVersion of the first update MUST observe the second update and the deletion, not what came before"
  test('watch-configmaps-from-resource-version', async () => {
    await create('versions');
    const first = await rig.patch(`${maps}/versions`, 'merge', { data: { mutation: '1' } });
    await rig.patch(`${maps}/versions`, 'merge', { data: { mutation: '2' } });
    await rig.call('DELETE', `${maps}/versions`);
    using watching = await rig.watch(
      `${maps}?watch=1&fieldSelector=metadata.name%3Dversions&resourceVersion=${first.body.metadata.resourceVersion}`,
    );
    expect(await watching.next()).toMatchObject({ type: 'MODIFIED', object: { data: { mutation: '2' } } });
    const last = await watching.next();
    expect(last).toMatchObject({ type: 'DELETED', object: { data: { mutation: '2' } } });
    expect(Number(last.object.metadata.resourceVersion)).toBeGreaterThan(Number(first.body.metadata.resourceVersion) + 1);
  });

  // "Multiple watchers MUST see the same events in the same order"; here: from any version, also between two writes of one commit.
  test('watch-consistency: from any version seen, exactly what followed it', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, (_, at) => create(`group-${String(at).padStart(2, '0')}`, { set: 'group' })));
    const ordered = made.toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
    for (const at of [0, 7, 18]) {
      using watching = await rig.watch(`${maps}?watch=1&labelSelector=set%3Dgroup&resourceVersion=${ordered[at].metadata.resourceVersion}`);
      expect(await seen(watching, 19 - at)).toEqual(ordered.slice(at + 1).map((map: Json) => `ADDED ${map.metadata.name}`));
    }
    await rig.call('DELETE', `${maps}?labelSelector=set%3Dgroup`);
  });

  test('without a version, and from 0, what exists comes first', async () => {
    await create('standing', { set: 'standing' });
    for (const version of ['', '&resourceVersion=0']) {
      using watching = await rig.watch(`${maps}?watch=1&labelSelector=set%3Dstanding${version}`);
      expect(await seen(watching, 1)).toEqual(['ADDED standing']);
    }
  });

  // "sendInitialEvents: ... a synthetic Bookmark event ... with the annotation k8s.io/initial-events-end: true", as client-go 1.35 asks for it
  test('sendInitialEvents ends the initial events with a bookmark', async () => {
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=set%3Dstanding';
    using watching = await rig.watch(`${maps}?${query}`);
    expect(await seen(watching, 1)).toEqual(['ADDED standing']);
    const bookmark = await watching.next();
    expect(bookmark).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    const [version, newest] = [
      bookmark.object.metadata.resourceVersion,
      (await create('after', { set: 'standing' })).metadata.resourceVersion,
    ];
    expect(Number(version)).toBeLessThan(Number(newest));
    expect(await seen(watching, 1)).toEqual(['ADDED after']);
  });

  test.each([
    ['sendInitialEvents=true', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
    [
      'resourceVersionMatch=NotOlderThan&resourceVersion=1',
      'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ],
    ['resourceVersion=x', 'x'],
  ])('?%s is refused', async (query, words) => {
    const answer = await rig.call('GET', `${maps}?watch=1&${query}`);
    expect(answer.status >= 400 && answer.status < 500).toBe(true);
    expect(answer.body.message).toContain(words);
  });

  test('a version that is too old is an ERROR event with code 410', async () => {
    using watching = await rig.watch(`${maps}?watch=1&resourceVersion=1`);
    expect(await watching.next()).toMatchObject({ type: 'ERROR', object: { kind: 'Status', reason: 'Expired', code: 410 } });
    await watching.ended;
  });
});

describe('what a watch shows', () => {
  // "A watch with a label selector: when the label changes so that it no longer matches, MUST observe a DELETED event; when it is restored, an ADDED event"
  test('watch-configmaps-label-changed', async () => {
    using watching = await rig.watch(`${maps}?watch=1&labelSelector=mine%3Dyes`);
    await create('labelled', { mine: 'yes' });
    await rig.patch(`${maps}/labelled`, 'merge', { metadata: { labels: { mine: 'no' } } });
    await rig.patch(`${maps}/labelled`, 'merge', { data: { unseen: 'x' } });
    await rig.patch(`${maps}/labelled`, 'merge', { metadata: { labels: { mine: 'yes' } } });
    await rig.patch(`${maps}/labelled`, 'merge', { data: { seen: 'x' } });
    await rig.call('DELETE', `${maps}/labelled`);
    const events = [];
    for (let at = 0; at < 5; at++) events.push(await watching.next());
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED', 'ADDED', 'MODIFIED', 'DELETED']);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(events[1]?.object.metadata.labels).toEqual({ mine: 'yes' });
  });

  test('one object is watched by its name: by a field selector, and under the old path', async () => {
    await create('single');
    for (const path of [`${maps}?watch=true&fieldSelector=metadata.name%3Dsingle`, '/api/v1/watch/namespaces/watches/configmaps/single']) {
      using watching = await rig.watch(path);
      expect(await seen(watching, 1)).toEqual(['ADDED single']);
    }
    expect((await rig.call('GET', `${maps}/single?watch=true`)).body.kind).toBe('ConfigMap');
  });

  test('a table watch sends tables, columns with the first only', async () => {
    const headers = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    using watching = await rig.watch(`${maps}?watch=1&labelSelector=set%3Dstanding`, { headers });
    const [first, second] = [await watching.next(), await watching.next()];
    expect(first.object).toMatchObject({ kind: 'Table', rows: [{ object: { kind: 'PartialObjectMetadata' } }] });
    expect(first.object.columnDefinitions.length).toBeGreaterThan(1);
    expect(second.object.columnDefinitions ?? []).toEqual([]);
  });

  test('a metadata watch sends metadata, its bookmarks too', async () => {
    const headers = { Accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' };
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=set%3Dstanding';
    using watching = await rig.watch(`${maps}?${query}`, { headers });
    const events = [await watching.next(), await watching.next(), await watching.next()];
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
    for (const { object } of events) expect([object.kind, object.apiVersion]).toEqual(['PartialObjectMetadata', 'meta.k8s.io/v1']);
  });

  test('a kind is watched in the version asked for', async () => {
    const path = '/apis/autoscaling/v1/namespaces/watches/horizontalpodautoscalers';
    using watching = await rig.watch(`${path}?watch=1`);
    const spec = {
      scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' },
      maxReplicas: 2,
      targetCPUUtilizationPercentage: 50,
    };
    await rig.call('POST', path, { metadata: { name: 'h' }, spec });
    expect(await watching.next()).toMatchObject({
      type: 'ADDED',
      object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } },
    });
  });
});

describe('how a watch ends', () => {
  test('timeoutSeconds ends it without an error', async () => {
    using watching = await rig.watch(`${maps}?watch=1&timeoutSeconds=1&labelSelector=set%3Dnothing`);
    await watching.ended;
    await expect(Promise.race([watching.next(), Promise.resolve('nothing')])).resolves.toBe('nothing');
  });

  // "watch-configmaps-closed-and-restarted: a watch that is closed and restarted from the last observed resourceVersion MUST deliver what happened meanwhile"
  test('it is taken up again where it ended', async () => {
    const first = await rig.watch(`${maps}?watch=1&labelSelector=set%3Drestart`);
    await create('r1', { set: 'restart' });
    const { object } = await first.next();
    first[Symbol.dispose]();
    await rig.patch(`${maps}/r1`, 'merge', { data: { a: 'b' } });
    await rig.call('DELETE', `${maps}/r1`);
    using second = await rig.watch(`${maps}?watch=1&labelSelector=set%3Drestart&resourceVersion=${object.metadata.resourceVersion}`);
    expect(await seen(second, 2)).toEqual(['MODIFIED r1', 'DELETED r1']);
  });
});
