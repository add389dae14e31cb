/** Writes: patches, apply, validation of fields, dry run, preconditions, names, status and scale. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startRig, type Answer, type Json, type Rig } from './rig.js';

let rig: Rig;
const core = '/api/v1/namespaces/writes';
const maps = `${core}/configmaps`;
const apps = '/apis/apps/v1/namespaces/writes';
beforeAll(async () => {
  rig = await startRig(['api']);
  await rig.namespace('writes');
});
afterAll(async () => rig[Symbol.asyncDispose]());

const deployment = (name: string, extra: object = {}): Json => ({
  metadata: { name, ...extra },
  spec: {
    replicas: 1,
    selector: { matchLabels: { name } },
    template: { metadata: { labels: { name } }, spec: { containers: [{ name: 'c', image: 'i:1', env: [{ name: 'A', value: '1' }] }] } },
  },
});

describe('patches', () => {
  const path = `${apps}/deployments/patched`;
  beforeAll(async () => void (await rig.call('POST', `${apps}/deployments`, deployment('patched'))));

  test('strategic merge joins containers by name, keeps their order and deletes by directive', async () => {
    const add = {
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'd', image: 'd:1' },
              { name: 'c', env: [{ name: 'B', value: '2' }] },
            ],
          },
        },
      },
    };
    const { body } = await rig.patch(path, 'strategic-merge', add);
    const { containers } = body.spec.template.spec;
    expect(containers.map((each: Json) => [each.name, each.image])).toEqual(
      expect.arrayContaining([
        ['c', 'i:1'],
        ['d', 'd:1'],
      ]),
    );
    expect(
      containers
        .find((each: Json) => each.name === 'c')
        .env.map((each: Json) => each.name)
        .toSorted(),
    ).toEqual(['A', 'B']);
    const remove = { spec: { template: { spec: { containers: [{ $patch: 'delete', name: 'd' }] } } } };
    expect((await rig.patch(path, 'strategic-merge', remove)).body.spec.template.spec.containers).toHaveLength(1);
  });

  test('JSON merge replaces lists and deletes by null', async () => {
    const { body } = await rig.patch(path, 'merge', {
      metadata: { annotations: { a: 'b' } },
      spec: { template: { spec: { containers: [{ name: 'only', image: 'x' }] } } },
    });
    expect(body.spec.template.spec.containers.map((each: Json) => each.name)).toEqual(['only']);
    expect((await rig.patch(path, 'merge', { metadata: { annotations: { a: null } } })).body.metadata.annotations?.a).toBeUndefined();
  });

  test('JSON patch tests, adds and removes; a test that fails changes nothing', async () => {
    const replaced = await rig.patch(path, 'json', [
      { op: 'test', path: '/spec/replicas', value: 1 },
      { op: 'replace', path: '/spec/replicas', value: 2 },
    ]);
    expect(replaced.body.spec.replicas).toBe(2);
    const failed = await rig.patch(path, 'json', [
      { op: 'replace', path: '/spec/replicas', value: 7 },
      { op: 'test', path: '/spec/paused', value: true },
    ]);
    expect(failed.status).toBe(422);
    expect((await rig.call('GET', path)).body.spec.replicas).toBe(2);
  });

  test('a patch may name the resourceVersion that it was made for', async () => {
    const stale = await rig.patch(path, 'merge', { metadata: { resourceVersion: '1' }, spec: { replicas: 3 } });
    expect([stale.status, stale.body.reason]).toEqual([409, 'Conflict']);
    expect(stale.body.message).toContain('the object has been modified; please apply your changes to the latest version and try again');
  });
});

describe('server-side apply', () => {
  const map = (data: Record<string, string>): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned' }, data });

  test('owners are recorded, conflicts name them, force takes over, leaving a field out gives it up', async () => {
    const created = await rig.patch(`${maps}/owned?fieldManager=one`, 'apply', map({ a: '1', b: '1' }));
    expect(created.status).toBe(201);
    expect(created.body.metadata.managedFields).toMatchObject([
      { manager: 'one', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} } } },
    ]);
    const conflict = await rig.patch(`${maps}/owned?fieldManager=two`, 'apply', map({ a: '2' }));
    expect(conflict.status).toBe(409);
    expect(conflict.body.message).toBe('Apply failed with 1 conflict: conflict with "one": .data.a');
    expect(conflict.body.details.causes).toEqual([{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' }]);
    expect((await rig.patch(`${maps}/owned?fieldManager=two&force=true`, 'apply', map({ a: '2' }))).body.data.a).toBe('2');
    const given = await rig.patch(`${maps}/owned?fieldManager=one`, 'apply', map({}));
    expect(given.body.data).toEqual({ a: '2' });
    expect((await rig.patch(`${maps}/owned`, 'apply', map({}))).status).toBe(400);
  });

  test('whoever creates, updates or patches is recorded too, and conflicts with a later apply', async () => {
    const agent = { headers: { 'User-Agent': 'curious/1.0' } };
    const made = await rig.call('POST', `${maps}?fieldManager=maker`, { metadata: { name: 'plain' }, data: { a: '1' } }, agent);
    expect(made.body.metadata.managedFields).toMatchObject([
      { manager: 'maker', operation: 'Update', fieldsV1: { 'f:data': { '.': {}, 'f:a': {} } } },
    ]);
    await rig.patch(`${maps}/plain`, 'merge', { data: { b: '2' } }, agent);
    const { managedFields } = (await rig.call('GET', `${maps}/plain`)).body.metadata;
    expect(managedFields.map((entry: Json) => entry.manager).toSorted()).toEqual(['curious', 'maker']);
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain' }, data: { a: '9' } };
    const conflict = await rig.patch(`${maps}/plain?fieldManager=late`, 'apply', body);
    expect(conflict.body.message).toBe('Apply failed with 1 conflict: conflict with "maker" using v1: .data.a');
  });

  test('the status is applied by its own subresource, and owned there', async () => {
    await rig.call('POST', `${apps}/deployments`, deployment('status-applied'));
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'status-applied' }, status: { replicas: 4 } };
    const applied = await rig.patch(`${apps}/deployments/status-applied/status?fieldManager=robot`, 'apply', body);
    expect([applied.status, applied.body.status.replicas, applied.body.spec.replicas]).toEqual([200, 4, 1]);
    expect(applied.body.metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'robot', operation: 'Apply', subresource: 'status' }),
    );
  });
});

describe('validation of fields', () => {
  const bad = '{"metadata":{"name":"strict"},"dta":{"a":"b"},"data":{"k":"1","k":"2"}}';

  test('Strict refuses, Warn warns, Ignore says nothing', async () => {
    const strict = await rig.call('POST', `${maps}?fieldValidation=Strict`, bad);
    expect(strict.status).toBe(400);
    expect(strict.body.message).toContain('strict decoding error: ');
    expect(strict.body.message).toContain('unknown field "dta"');
    expect(strict.body.message).toContain('duplicate field "data.k"');
    const warn = await rig.call('POST', `${maps}?fieldValidation=Warn&dryRun=All`, bad);
    expect([warn.status, warn.headers['warning']]).toEqual([201, '299 - "unknown field \\"dta\\"", 299 - "duplicate field \\"data.k\\""']);
    const ignore = await rig.call('POST', `${maps}?fieldValidation=Ignore&dryRun=All`, bad);
    expect([ignore.status, ignore.headers['warning']]).toEqual([201, undefined]);
    expect((await rig.call('POST', `${maps}?fieldValidation=Perhaps`, bad)).status).toBe(422);
  });

  test.each(['merge', 'strategic-merge'] as const)('in a %s patch too', async (type) => {
    await rig.call('POST', maps, { metadata: { name: `field-${type}` } });
    const answer = await rig.patch(`${maps}/field-${type}?fieldValidation=Strict`, type, { dta: {} });
    expect(answer.body.message).toContain('unknown field "dta"');
  });
});

describe('dry run', () => {
  test('of every verb answers what would be, and changes nothing', async () => {
    const path = `${core}/services`;
    const service = { metadata: { name: 'dry' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } };
    const dry = await rig.call('POST', `${path}?dryRun=All`, service);
    expect([dry.status, (await rig.call('GET', `${path}/dry`)).status]).toEqual([201, 404]);
    const made = (await rig.call('POST', path, service)).body;
    const unchanged = async (): Promise<void> => expect((await rig.call('GET', `${path}/dry`)).body).toEqual(made);
    const put = await rig.call('PUT', `${path}/dry?dryRun=All`, { ...made, metadata: { ...made.metadata, labels: { a: 'b' } } });
    expect(put.body.metadata.labels).toEqual({ a: 'b' });
    await unchanged();
    expect((await rig.patch(`${path}/dry?dryRun=All`, 'merge', { spec: { type: 'ClusterIP' } })).body.spec.type).toBe('ClusterIP');
    await unchanged();
    const applied = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'dry', labels: { x: 'y' } } };
    expect((await rig.patch(`${path}/dry?dryRun=All&fieldManager=m`, 'apply', applied)).status).toBe(200);
    await unchanged();
    expect((await rig.call('DELETE', `${path}/dry`, { dryRun: ['All'] })).status).toBe(200);
    await unchanged();
    expect((await rig.call('DELETE', `${path}?dryRun=All`)).status).toBe(200);
    await unchanged();
    expect((await rig.call('POST', `${path}?dryRun=Some`, service)).status).toBe(422);
  });
});

describe('preconditions and names', () => {
  test('a deletion may name uid and resourceVersion', async () => {
    const { metadata } = (await rig.call('POST', maps, { metadata: { name: 'guarded' } })).body;
    for (const preconditions of [{ uid: 'other' }, { resourceVersion: '1' }]) {
      const answer = await rig.call('DELETE', `${maps}/guarded`, { preconditions });
      expect([answer.status, answer.body.reason]).toEqual([409, 'Conflict']);
    }
    const { uid, resourceVersion } = metadata;
    expect((await rig.call('DELETE', `${maps}/guarded`, { preconditions: { uid, resourceVersion } })).body).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { uid },
    });
  });

  test('of two updates of one version, one is a conflict', async () => {
    const { body } = await rig.call('POST', maps, { metadata: { name: 'raced' } });
    const answers = await Promise.all(['a', 'b'].map((value) => rig.call('PUT', `${maps}/raced`, { ...body, data: { value } })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  });

  test('generateName makes a name, cut to leave room, and is kept', async () => {
    const base = 'x'.repeat(70);
    const { body } = await rig.call('POST', maps, { metadata: { generateName: base } });
    expect(body.metadata.name).toMatch(/^x{58}[a-z0-9]{5}$/);
    expect(body.metadata.generateName).toBe(base);
  });

  test('an object that exists, or whose place is another, is refused in Kubernetes words', async () => {
    await rig.call('POST', maps, { metadata: { name: 'twice' } });
    const said = async (answer: Promise<Answer>): Promise<unknown> => [(await answer).status, (await answer).body.message];
    expect(await said(rig.call('POST', maps, { metadata: { name: 'twice' } }))).toEqual([409, 'configmaps "twice" already exists']);
    expect(await said(rig.call('PUT', `${maps}/twice`, { metadata: { name: 'other' } }))).toEqual([
      400,
      'the name of the object (other) does not match the name on the URL (twice)',
    ]);
    expect(await said(rig.call('POST', maps, { metadata: { name: 'n', namespace: 'elsewhere' } }))).toEqual([
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ]);
    expect(await said(rig.call('POST', maps, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'n' } }))).toEqual([
      400,
      expect.stringContaining('Secret'),
    ]);
  });

  test('finalizers hold a deleted object, and nobody adds one to it', async () => {
    await rig.call('POST', maps, { metadata: { name: 'held', finalizers: ['example.com/a'] } });
    expect((await rig.call('DELETE', `${maps}/held`)).body.metadata.deletionTimestamp).toBeDefined();
    const added = await rig.patch(`${maps}/held`, 'merge', { metadata: { finalizers: ['example.com/a', 'example.com/b'] } });
    expect(added.status).toBe(422);
    expect((await rig.patch(`${maps}/held`, 'json', [{ op: 'remove', path: '/metadata/finalizers' }])).status).toBe(200);
    expect((await rig.call('GET', `${maps}/held`)).status).toBe(404);
  });
});

describe('status and scale', () => {
  const kinds: readonly (readonly [string, object])[] = [
    [`${apps}/deployments`, deployment('s')],
    [`${apps}/replicasets`, deployment('s')],
    [`${apps}/statefulsets`, deployment('s')],
  ];

  test.each(kinds)('%s: the scale is read, put and patched; nothing else changes', async (path, body) => {
    await rig.call('POST', path, body);
    const scale = (await rig.call('GET', `${path}/s/scale`)).body;
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 0, selector: 'name=s' } });
    expect((await rig.call('PUT', `${path}/s/scale`, { ...scale, spec: { replicas: 2 } })).body.spec.replicas).toBe(2);
    expect((await rig.call('PUT', `${path}/s/scale`, { ...scale, spec: { replicas: 3 } })).status).toBe(409);
    expect((await rig.patch(`${path}/s/scale`, 'merge', { spec: { replicas: 4 } })).body.spec.replicas).toBe(4);
    expect((await rig.patch(`${path}/s/scale`, 'merge', { spec: { replicas: -1 } })).status).toBe(422);
    expect((await rig.call('GET', `${path}/s`)).body.spec.replicas).toBe(4);
  });

  // "patching status ... MUST be applied"; as the API suites do: annotation and status in one patch of the subresource
  test('a status write changes status and metadata, an object write leaves the status', async () => {
    const path = `${apps}/replicasets/s`;
    const written = await rig.patch(`${path}/status`, 'merge', {
      metadata: { annotations: { patched: 'status' } },
      status: { replicas: 9 },
      spec: { replicas: 9 },
    });
    expect(written.body).toMatchObject({
      metadata: { annotations: { patched: 'status' } },
      status: { replicas: 9 },
      spec: { replicas: 4 },
    });
    const object = await rig.patch(path, 'merge', { status: { replicas: 1 } });
    expect(object.body.status.replicas).toBe(9);
    expect(object.body.metadata.generation).toBe(written.body.metadata.generation);
  });
});

describe('services', () => {
  test.each([
    [{ ipFamilyPolicy: 'RequireDualStack' }, 'this cluster is not configured for dual-stack services'],
    [{ ipFamilies: ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [{ clusterIP: '192.0.2.1' }, 'is not in the valid range'],
    [{ type: 'NodePort', ports: [{ port: 80, nodePort: 1 }] }, 'The range of valid ports is 30000-32767'],
    [{ type: 'ExternalName', ports: [{ port: 80 }] }, 'spec.externalName: Required value'],
  ])('%j is refused', async (spec, words) => {
    const answer = await rig.call('POST', `${core}/services`, {
      metadata: { name: 'refused' },
      spec: { selector: { a: 'b' }, ports: [{ port: 80 }], ...spec },
    });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain(words);
  });

  // "Service, change type, ExternalName to ClusterIP", "... to NodePort", "... NodePort to ExternalName"
  test('types change, addresses and ports come and go with them', async () => {
    const path = `${core}/services`;
    const change = (spec: object): Promise<Json> => rig.patch(`${path}/types`, 'merge', { spec }).then(({ body }) => body.spec);
    await rig.call('POST', path, { metadata: { name: 'types' }, spec: { type: 'ExternalName', externalName: 'example.com' } });
    const cluster = await change({ type: 'ClusterIP', externalName: null, ports: [{ port: 80 }] });
    expect(cluster.clusterIP).toMatch(/^10\.96\./);
    const node = await change({ type: 'NodePort' });
    expect([node.clusterIP, node.ports[0].nodePort >= 30_000]).toEqual([cluster.clusterIP, true]);
    const back = await change({ type: 'ClusterIP' });
    expect(back.ports[0].nodePort).toBeUndefined();
    const external = await change({ type: 'ExternalName', externalName: 'example.com', clusterIP: null });
    expect([external.clusterIP, external.clusterIPs]).toEqual([undefined, undefined]);
    const headless = await rig.call('POST', path, {
      metadata: { name: 'headless' },
      spec: { clusterIP: 'None', selector: { a: 'b' }, ports: [{ port: 80 }] },
    });
    expect(headless.body.spec).toMatchObject({
      clusterIP: 'None',
      clusterIPs: ['None'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    });
    const taken = await rig.call('POST', path, { metadata: { name: 'taken' }, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] } });
    expect(taken.body.message).toContain('provided IP is already allocated');
  });
});

describe('config maps and secrets', () => {
  test.each(['configmaps', 'secrets'])('immutable %s stay as they are, but go', async (resource) => {
    const path = `${core}/${resource}`;
    await rig.call('POST', path, { metadata: { name: 'fixed' }, immutable: true, data: { a: 'Yg==' } });
    for (const change of [{ data: { a: 'Yw==' } }, { immutable: false }, { immutable: null }]) {
      expect((await rig.patch(`${path}/fixed`, 'merge', change)).status).toBe(422);
    }
    expect((await rig.patch(`${path}/fixed`, 'merge', { metadata: { labels: { a: 'b' } } })).status).toBe(200);
    expect((await rig.call('DELETE', `${path}/fixed`)).status).toBe(200);
  });

  test.each(['configmaps', 'secrets'])(
    '"%s, with empty-key: Attempt to create with an empty key. The creation MUST fail."',
    async (resource) => {
      expect((await rig.call('POST', `${core}/${resource}`, { metadata: { name: 'empty' }, data: { '': 'dg==' } })).status).toBe(422);
    },
  );

  test('stringData of a secret becomes data', async () => {
    const { body } = await rig.call('POST', `${core}/secrets`, { metadata: { name: 'words' }, stringData: { a: 'b' } });
    expect([body.type, body.data, body.stringData]).toEqual(['Opaque', { a: 'Yg==' }, undefined]);
  });
});
