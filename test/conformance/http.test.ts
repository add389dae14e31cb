/** What HTTP itself shows of the API: methods, media types, compression, caching, health and metrics. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { gunzipSync } from 'node:zlib';
import { startRig, type Rig } from './rig.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig(['api']);
});
afterAll(async () => rig[Symbol.asyncDispose]());

const pods = '/api/v1/namespaces/default/pods';
const maps = '/api/v1/namespaces/default/configmaps';

describe('methods and media types', () => {
  test.each([
    ['OPTIONS', pods],
    ['TRACE', pods],
    ['PUT', pods],
    ['PATCH', pods],
    ['POST', `${pods}/x`],
    ['DELETE', '/api/v1/namespaces'],
    ['DELETE', '/api/v1/pods'],
  ])('%s %s is not allowed', async (method, path) => {
    const answer = await rig.call(method, path);
    expect(answer.status).toBe(405);
    expect(answer.text === '' || answer.body.reason === 'MethodNotAllowed').toBe(true);
  });

  test('HEAD answers the head of a GET', async () => {
    const answer = await rig.call('HEAD', pods);
    expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([200, '', 'application/json']);
  });

  test('"API metadata HTTP return: Issue a HTTP request to the API. HTTP request MUST return a HTTP status code of 406 Not Acceptable"', async () => {
    const headers = { Accept: 'application/json;as=Table;v=v99;g=meta.k8s.io' };
    const answer = await rig.call('GET', pods, undefined, { headers });
    expect([answer.status, answer.body.reason]).toEqual([406, 'NotAcceptable']);
  });

  test.each([
    ['POST', pods, 'text/plain'],
    ['PATCH', `${pods}/x`, 'application/json'],
  ])('%s of a body that nobody reads is 415', async (method, path, type) => {
    const answer = await rig.call(method, path, '{}', { headers: { 'Content-Type': type } });
    expect([answer.status, answer.body.reason]).toEqual([415, 'UnsupportedMediaType']);
  });

  test.each([
    ['a group', '/apis/nothing.example.com/v1/things'],
    ['a version', '/apis/apps/v9/deployments'],
    ['a resource', '/api/v1/things'],
    ['a subresource', `${pods}/x/things`],
    ['a path', '/things'],
  ])('%s that is not served is 404 with a Status', async (_what, path) => {
    const answer = await rig.call('GET', path);
    expect([answer.status, answer.body.kind, answer.body.reason]).toEqual([404, 'Status', 'NotFound']);
  });

  test('an address may be longer than Node takes by default', async () => {
    const names = Array.from({ length: 5_000 }, (_, at) => `value-${at}`).join(',');
    expect((await rig.call('GET', `${maps}?labelSelector=${encodeURIComponent(`a in (${names})`)}`)).status).toBe(200);
  });

  // Go's clients keep idle connections for 90 seconds: the server must not be the first to close one.
  test('idle connections stay open for two minutes', async () => {
    expect((await rig.call('GET', '/version')).headers['keep-alive']).toBe('timeout=120');
  });

  test('a client that expects "100 Continue" is told to go on', async () => {
    const answer = await rig.call('POST', maps, { metadata: { name: 'continued' } }, { headers: { Expect: '100-continue' } });
    expect(answer.status).toBe(201);
  });

  test('YAML is read and written', async () => {
    const headers = { 'Content-Type': 'application/yaml', Accept: 'application/yaml' };
    const answer = await rig.call('POST', maps, 'metadata: {name: from-yaml}\ndata: {a: b}\n', { headers });
    expect([answer.status, answer.headers['content-type']]).toEqual([201, 'application/yaml']);
    expect(answer.text).toContain('kind: ConfigMap');
  });
});

describe('large answers', () => {
  test('are compressed for those who accept it, and only for them', async () => {
    const data = { k: 'x'.repeat(50_000) };
    for (const name of ['one', 'two', 'three']) await rig.call('POST', maps, { metadata: { name: `large-${name}` }, data });
    const plain = await rig.call('GET', maps);
    const zipped = await rig.call('GET', maps, undefined, { headers: { 'Accept-Encoding': 'gzip' } });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.bytes.length).toBeLessThan(plain.bytes.length / 10);
    expect(JSON.parse(gunzipSync(zipped.bytes).toString()).items).toEqual(plain.body.items);
  });

  test('a list is the same text whether its objects were sent before or not', async () => {
    const first = await rig.call('GET', maps);
    await rig.patch(`${maps}/large-one`, 'merge', { data: { k: 'ü' } });
    const second = await rig.call('GET', maps);
    expect(second.body.items.find((item: { metadata: { name: string } }) => item.metadata.name === 'large-one').data.k).toBe('ü');
    expect(second.body.items).toHaveLength(first.body.items.length);
    expect(second.headers['content-length']).toBe(String(second.bytes.length));
  });
});

describe('discovery', () => {
  const aggregated = { Accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };

  test.each(['/api', '/apis'])('%s in its aggregated form carries an ETag, and 304 answers whoever has it', async (path) => {
    const answer = await rig.call('GET', path, undefined, { headers: aggregated });
    expect(answer.headers['content-type']).toContain('as=APIGroupDiscoveryList');
    const etag = String(answer.headers['etag']);
    const again = await rig.call('GET', path, undefined, { headers: { ...aggregated, 'If-None-Match': etag } });
    expect([again.status, again.text, again.headers['etag']]).toEqual([304, '', etag]);
  });

  // "Ensure that a list of apis is retrieved. Each api group found MUST return a valid PreferredVersion unless the group suffix is example.com."
  test('Discovery, confirm the PreferredVersion for each api group', async () => {
    const { groups } = (await rig.call('GET', '/apis')).body;
    for (const group of groups) {
      const one = (await rig.call('GET', `/apis/${group.name}`)).body;
      expect(one.versions).toContainEqual(one.preferredVersion);
      const resources = await rig.call('GET', `/apis/${one.preferredVersion.groupVersion}`);
      expect(resources.body).toMatchObject({ kind: 'APIResourceList', groupVersion: one.preferredVersion.groupVersion });
    }
  });

  test('OpenAPI v3 names a document for each group version; each has the content that its hash names', async () => {
    const { paths } = (await rig.call('GET', '/openapi/v3')).body;
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['api/v1', 'apis/apps/v1', 'apis/batch/v1']));
    const { serverRelativeURL } = paths['apis/apps/v1'];
    expect(serverRelativeURL).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=/);
    const { body } = await rig.call('GET', serverRelativeURL);
    expect(body.openapi).toMatch(/^3\./);
    expect(body.components.schemas['io.k8s.api.apps.v1.Deployment']['x-kubernetes-group-version-kind']).toContainEqual({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
    });
  });

  test('"Confirm a server version: Ensure that an API server version can be retrieved."', async () => {
    expect((await rig.call('GET', '/version')).body).toMatchObject({ major: '1', minor: '36', gitVersion: 'v1.36.0' });
  });
});

describe('health and metrics', () => {
  test.each(['healthz', 'livez', 'readyz'])('/%s says ok, and with ?verbose each of its checks', async (endpoint) => {
    expect((await rig.call('GET', `/${endpoint}`)).text).toBe('ok');
    const verbose = await rig.call('GET', `/${endpoint}?verbose`);
    expect(verbose.text).toBe(`[+]ping ok\n[+]etcd ok\n${endpoint} check passed\n`);
    expect((await rig.call('GET', `/${endpoint}?verbose&exclude=etcd`)).text).toContain('[+]etcd excluded: ok\n');
    expect((await rig.call('GET', `/${endpoint}/ping`)).text).toBe('ok');
    expect((await rig.call('GET', `/${endpoint}/nothing`)).status).toBe(404);
  });

  test('/metrics counts requests in the text form of Prometheus', async () => {
    const { text, headers } = await rig.call('GET', '/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toMatch(/^apiserver_request_total\{code="200",verb="LIST",group="",version="v1",resource="configmaps"\} \d+$/m);
    expect(text).toMatch(/^apiserver_storage_objects\{group="",resource="namespaces"\} \d+$/m);
    for (const line of text.trim().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{.*\})? [\d.e+]+)$/);
  });
});
