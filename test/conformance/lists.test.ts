/** Lists: pages, selectors, resource versions, tables and metadata only. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startRig, type Json, type Rig } from './rig.js';

let rig: Rig;
const maps = '/api/v1/namespaces/lists/configmaps';
const names = (answer: { body: Json }): string[] => answer.body.items.map((item: Json) => item.metadata.name);

beforeAll(async () => {
  rig = await startRig(['api']);
  await rig.namespace('lists');
  for (let at = 10; at < 35; at++) {
    await rig.call('POST', maps, {
      metadata: { name: `map-${at}`, labels: { parity: at % 2 === 0 ? 'even' : 'odd' } },
      data: { at: String(at) },
    });
  }
});
afterAll(async () => rig[Symbol.asyncDispose]());

describe('pages', () => {
  // "should return chunks of results for list calls": every page of one snapshot, remainingItemCount counting down.
  test('limit and continue walk through one snapshot, and say how much is left', async () => {
    const seen: string[] = [];
    let version = '';
    for (let token = ''; ;) {
      const page = await rig.call('GET', `${maps}?limit=7&continue=${token}`);
      const { metadata } = page.body;
      version ||= metadata.resourceVersion;
      expect(metadata.resourceVersion).toBe(version);
      seen.push(...names(page));
      if (metadata.continue === undefined) {
        expect(metadata.remainingItemCount).toBeUndefined();
        break;
      }
      expect(metadata.remainingItemCount).toBe(25 - seen.length);
      // What is written meanwhile does not show.
      await rig.call('DELETE', `${maps}/late`);
      await rig.call('POST', maps, { metadata: { name: 'late' } });
      token = metadata.continue;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, at) => `map-${at + 10}`));
    await rig.call('DELETE', `${maps}/late`);
  });

  // "If the list request contained label or field selectors, then the number of remaining items is unknown and the field will be left unset"
  test('with a selector nothing is said about the rest, and pages are still full', async () => {
    const page = await rig.call('GET', `${maps}?limit=5&labelSelector=parity%3Dodd`);
    expect(names(page)).toHaveLength(5);
    expect(page.body.metadata.remainingItemCount).toBeUndefined();
    const next = await rig.call('GET', `${maps}?limit=5&labelSelector=parity%3Dodd&continue=${page.body.metadata.continue}`);
    expect(names(next)).toHaveLength(5);
    expect(next.body.metadata.remainingItemCount).toBeUndefined();
  });

  // "should continue listing from the last key if the original version has been compacted away, though the list is inconsistent"
  test('a token whose snapshot is gone is 410, and its answer carries a token that goes on', async () => {
    const { store } = rig.controlPlane.parts;
    const page = await rig.call('GET', `${maps}?limit=20`);
    await rig.call('POST', maps, { metadata: { name: 'map-99' } });
    await store.compact(await store.revision());
    const gone = await rig.call('GET', `${maps}?limit=20&continue=${page.body.metadata.continue}`);
    expect([gone.status, gone.body.reason]).toEqual([410, 'Expired']);
    const rest = await rig.call('GET', `${maps}?limit=20&continue=${gone.body.metadata.continue}`);
    expect(rest.status).toBe(200);
    expect(names(rest)).toEqual(['map-30', 'map-31', 'map-32', 'map-33', 'map-34', 'map-99']);
    await rig.call('DELETE', `${maps}/map-99`);
  });

  test.each([
    ['continue=nonsense', /continue key is not valid/],
    ['limit=x', /invalid syntax/],
    ['resourceVersion=x', /invalid syntax|Invalid value/],
    ['resourceVersionMatch=Exact', /forbidden unless resourceVersion is provided/],
    ['resourceVersionMatch=Almost&resourceVersion=1', /Unsupported value/],
    ['fieldSelector=spec.x%3D1', /field/],
    ['labelSelector=a%20in', /unable to parse/],
  ])('?%s is refused', async (query, words) => {
    const answer = await rig.call('GET', `${maps}?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.message).toMatch(words);
  });
});

describe('resource versions', () => {
  test('Exact shows the past, NotOlderThan at least that, 0 anything', async () => {
    const before = (await rig.call('GET', maps)).body.metadata.resourceVersion;
    await rig.call('POST', maps, { metadata: { name: 'newer' } });
    expect(names(await rig.call('GET', `${maps}?resourceVersion=${before}&resourceVersionMatch=Exact`))).not.toContain('newer');
    expect(names(await rig.call('GET', `${maps}?resourceVersion=${before}&resourceVersionMatch=NotOlderThan`))).toContain('newer');
    expect((await rig.call('GET', `${maps}?resourceVersion=0`)).status).toBe(200);
    await rig.call('DELETE', `${maps}/newer`);
  });

  test('a version that does not exist yet is a timeout with a cause that clients know', async () => {
    const answer = await rig.call('GET', `${maps}?resourceVersion=99999999999&resourceVersionMatch=Exact`);
    expect([answer.status, answer.body.reason]).toEqual([504, 'Timeout']);
    expect(answer.body.details.causes[0].reason).toBe('ResourceVersionTooLarge');
  });
});

describe('selectors', () => {
  test.each([
    ['labelSelector', 'parity=even', 13],
    ['labelSelector', 'parity!=even', 12],
    ['labelSelector', 'parity in (even,odd)', 25],
    ['labelSelector', 'parity notin (even)', 12],
    ['labelSelector', '!parity', 0],
    ['labelSelector', 'parity', 25],
    ['fieldSelector', 'metadata.name=map-12', 1],
    ['fieldSelector', 'metadata.name!=map-12', 24],
    ['fieldSelector', 'metadata.namespace=lists,metadata.name=map-12', 1],
  ])('%s %s', async (kind, selector, count) => {
    const own = (answer: { body: Json }): string[] => names(answer).filter((name) => name.startsWith('map-'));
    expect(own(await rig.call('GET', `${maps}?${kind}=${encodeURIComponent(selector)}`))).toHaveLength(count);
  });

  test('a collection is deleted by selector, and the rest stays', async () => {
    const path = '/api/v1/namespaces/lists/podtemplates';
    const template = (name: string, set: string): object => ({
      metadata: { name, labels: { set } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    });
    for (const [name, set] of [
      ['a', 'one'],
      ['b', 'one'],
      ['c', 'two'],
    ] as const)
      await rig.call('POST', path, template(name, set));
    expect((await rig.call('DELETE', `${path}?labelSelector=set%3Done`)).status).toBe(200);
    expect(names(await rig.call('GET', path))).toEqual(['c']);
    expect((await rig.call('DELETE', `${path}?dryRun=All`)).status).toBe(200);
    expect(names(await rig.call('GET', path))).toEqual(['c']);
  });
});

describe('other forms', () => {
  const table = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
  const metadata = { Accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };

  // "should return pod details", "should return chunks of table results for list calls"
  test('a table has columns, rows with the metadata of their objects, and pages', async () => {
    const { body } = await rig.call('GET', `${maps}?limit=2`, undefined, { headers: table });
    expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { remainingItemCount: 23 } });
    expect(body.columnDefinitions[0]).toMatchObject({ name: 'Name', type: 'string', format: 'name' });
    expect(body.rows).toHaveLength(2);
    expect(body.rows[0].object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'map-10' } });
    const whole = await rig.call('GET', `${maps}/map-10?includeObject=Object`, undefined, { headers: table });
    expect(whole.body.rows[0].object).toMatchObject({ kind: 'ConfigMap', data: { at: '10' } });
  });

  test('metadata alone carries no data', async () => {
    const { body } = await rig.call('GET', maps, undefined, { headers: metadata });
    expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect(body.items[0]).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'map-10' } });
    expect(body.items[0].data).toBeUndefined();
  });
});
