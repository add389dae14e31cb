/** The pipeline on the memory store: what requests are answered, without HTTP. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RecordingLogger, FakeIds } from '../kit/testing/index.js';
import { SystemClock } from '../adapters/system/index.js';
import { CancelSource } from '../kit/index.js';
import { MemoryStore, startWatchCache } from '../storage/index.js';
import { createApi, createApiContext } from './api.js';
import { ensureBootstrapObjects } from './bootstrap/ensure.js';
import { handle, type Api } from './pipeline.js';
import { textOf } from './serve/respond.js';
import type { ApiRequest, ApiResponse } from './ports.js';

/** The parts of answers that the tests look at; which are there depends on the answer. */
interface Body {
  readonly kind: string;
  readonly message: string;
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion: string;
    readonly continue: string | undefined;
    readonly finalizers: readonly string[];
    readonly deletionGracePeriodSeconds: number;
  };
  readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly nodePort: number }[] };
  readonly status: object;
  readonly data: Readonly<Record<string, string>>;
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

interface Answer {
  readonly status: number;
  readonly body: Body;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Rig extends AsyncDisposable {
  readonly api: Api;
  raw(
    method: string,
    path: string,
    options?: { body?: string; headers?: Record<string, string>; signal?: ApiRequest['signal'] },
  ): Promise<ApiResponse>;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

async function open(): Promise<Rig> {
  const clock = new SystemClock();
  const store = new MemoryStore(clock);
  const log = new RecordingLogger();
  const cache = await startWatchCache(store, clock, log);
  const absent = (): never => {
    throw new Error('not in this test');
  };
  const settings = {
    serviceCidr: '10.96.0.0/16',
    nodePortMin: 30_000,
    nodePortMax: 32_767,
    defaultTolerationSeconds: 1,
    advertiseAddress: '10.88.0.1',
    securePort: 6443,
    dnsAddress: '10.96.0.10',
  };
  const context = createApiContext({ store, cache, clock, ids: new FakeIds(), log, settings });
  const api = createApi({
    context,
    tokens: { issue: absent, verify: () => Promise.resolve(undefined) },
    staticTokens: { find: (token) => (token === 'ann' ? { name: 'ann', groups: [] } : undefined) },
    nodes: { logs: absent, exec: absent, attach: absent, connect: absent },
    usage: { nodes: () => [], pods: () => [] },
    health: [],
  });
  await ensureBootstrapObjects(context);
  const raw: Rig['raw'] = (method, path, options = {}) => {
    const url = new URL(path, 'https://api');
    const query = new Map([...new Set(url.searchParams.keys())].map((name) => [name, url.searchParams.getAll(name)]));
    const certificate =
      options.headers?.['authorization'] === undefined ? { commonName: 'admin', organizations: ['system:masters'] } : undefined;
    const signal = options.signal ?? new CancelSource().signal;
    return handle(api, {
      method,
      path: url.pathname,
      query,
      headers: options.headers ?? {},
      body: options.body ?? '',
      certificate,
      signal,
    });
  };
  return {
    api,
    raw,
    call: async (method, path, body, headers = {}) => {
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      const answer = await raw(method, path, { body: text, headers });
      if (answer.kind !== 'body' && answer.kind !== 'list') throw new Error(`a ${answer.kind} came back`);
      const said = textOf(answer);
      return { status: answer.status, text: said, body: JSON.parse(said), headers: answer.headers };
    },
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  };
}

const maps = '/api/v1/namespaces/default/configmaps';
const map = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});
const pod = (name: string, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'busybox' }], ...spec },
});

let rig: Rig;
beforeEach(async () => {
  rig = await open();
});
afterEach(async () => rig[Symbol.asyncDispose]());

describe('writes', () => {
  test('a created object is read back at once, with everything that the server adds', async () => {
    const made = await rig.call('POST', maps, map('a', { k: 'v' }));
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      metadata: { name: 'a', namespace: 'default', uid: expect.any(String), creationTimestamp: expect.any(String) },
    });
    expect((await rig.call('GET', `${maps}/a`)).text).toBe(made.text);
  });

  test('generateName finds a free name', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'x-' } };
    const names = await Promise.all(Array.from({ length: 20 }, async () => (await rig.call('POST', maps, body)).body.metadata.name));
    expect(new Set(names).size).toBe(20);
    expect(names[0]).toMatch(/^x-.{5}$/);
  });

  test('an update with an old resourceVersion is a conflict in the words of Kubernetes', async () => {
    const made = await rig.call('POST', maps, map('a'));
    await rig.call('PUT', `${maps}/a`, map('a', { k: '1' }));
    const late = await rig.call('PUT', `${maps}/a`, { ...made.body, data: { k: '2' } });
    expect(late.body).toMatchObject({
      status: 'Failure',
      reason: 'Conflict',
      code: 409,
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  test('an update that changes nothing keeps the resourceVersion', async () => {
    const made = await rig.call('POST', maps, map('a', { k: '1' }));
    expect((await rig.call('PUT', `${maps}/a`, map('a', { k: '1' }))).body.metadata.resourceVersion).toBe(
      made.body.metadata.resourceVersion,
    );
  });

  test('of patches at the same time none is lost', async () => {
    await rig.call('POST', maps, map('a'));
    const patch = (n: number): Promise<Answer> =>
      rig.call('PATCH', `${maps}/a`, { data: { [`k${n}`]: 'v' } }, { 'content-type': 'application/merge-patch+json' });
    const answers = await Promise.all(Array.from({ length: 15 }, (_, n) => patch(n)));
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
    expect(Object.keys((await rig.call('GET', `${maps}/a`)).body.data)).toHaveLength(15);
  });

  test('dryRun answers as the write would, and stores nothing', async () => {
    expect((await rig.call('POST', `${maps}?dryRun=All`, map('a'))).status).toBe(201);
    expect((await rig.call('GET', `${maps}/a`)).status).toBe(404);
    expect((await rig.call('POST', `${maps}?dryRun=Maybe`, map('a'))).status).toBe(422);
  });

  test('the status is written by its subresource only, and the specification never by it', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const body = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template },
    };
    const made = await rig.call('POST', deployments, { ...body, status: { replicas: 9 } });
    expect(made.body.status).toEqual({});
    const changed = { ...made.body, spec: { ...made.body.spec, replicas: 5 }, status: { replicas: 1 } };
    const after = await rig.call('PUT', `${deployments}/d/status`, changed);
    expect(after.body).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 1 }, metadata: { generation: 1 } });
    const next = await rig.call('PUT', `${deployments}/d`, { ...body, spec: { ...body.spec, replicas: 3 } });
    expect(next.body).toMatchObject({ spec: { replicas: 3 }, status: { replicas: 1 }, metadata: { generation: 2 } });
  });

  test('broken rules come back as Status with one cause each, and nothing is stored', async () => {
    const answer = await rig.call('POST', '/api/v1/namespaces/default/pods', pod('Bad_Name', { containers: [] }));
    expect(answer.body).toMatchObject({ reason: 'Invalid', code: 422, details: { kind: 'Pod', name: 'Bad_Name' } });
    expect(answer.body.message).toContain('spec.containers: Required value');
  });
});

describe('bodies that are not what they should be', () => {
  const post = async (body: string, headers: Record<string, string> = {}): Promise<Answer> => rig.call('POST', maps, body, headers);

  test.each([
    ['nothing', '', 400],
    ['half an object', '{"kind":', 400],
    ['another kind', JSON.stringify(pod('x')), 400],
    ['a list', '[]', 400],
    ['a wrong type', JSON.stringify({ ...map('x'), data: { k: 1 } }), 400],
    ['another namespace', JSON.stringify({ ...map('x'), metadata: { name: 'x', namespace: 'other' } }), 400],
  ])('%s is refused', async (_what, body, status) => {
    const answer = await post(body);
    expect([answer.status, answer.body.kind]).toEqual([status, 'Status']);
  });

  test('a YAML bomb is refused before it unfolds', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) =>
        `a${n}: &a${n} [${
          n === 0
            ? 'x'
            : Array(9)
                .fill(`*a${n - 1}`)
                .join(', ')
        }]`,
    );
    expect((await post(levels.join('\n'), { 'content-type': 'application/yaml' })).status).toBe(400);
  });

  test('YAML is read as JSON is', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata: {k: v}\n';
    expect((await post(yaml, { 'content-type': 'application/yaml' })).body).toMatchObject({ data: { k: 'v' } });
  });

  test('unknown media types and unacceptable answers are said', async () => {
    expect((await post('x', { 'content-type': 'text/csv' })).body).toMatchObject({ reason: 'UnsupportedMediaType', code: 415 });
    expect((await rig.call('GET', maps, undefined, { accept: 'text/csv' })).body).toMatchObject({ reason: 'NotAcceptable', code: 406 });
    expect((await rig.call('GET', maps, undefined, { accept: 'application/vnd.kubernetes.protobuf,application/json' })).status).toBe(200);
  });

  test('deep nesting is refused', async () => {
    const deep = `{"metadata":{"name":"x"},"data":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`;
    expect((await post(deep)).status).toBe(400);
    expect((await post(deep, { 'content-type': 'application/yaml' })).status).toBe(400);
  });
});

describe('lists and watches', () => {
  const fill = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await rig.call('POST', maps, map(`m${n}`, {}, { odd: String(n % 2) }));
  };

  test('pages continue the snapshot of the first, whatever happens between', async () => {
    await fill(5);
    const first = await rig.call('GET', `${maps}?limit=2`);
    expect(first.body.metadata).toMatchObject({ remainingItemCount: 3, continue: expect.any(String) });
    await rig.call('DELETE', `${maps}/m3`);
    const token = encodeURIComponent(first.body.metadata.continue ?? '');
    const second = await rig.call('GET', `${maps}?limit=2&continue=${token}`);
    const third = await rig.call('GET', `${maps}?limit=2&continue=${encodeURIComponent(second.body.metadata.continue ?? '')}`);
    const names = [first, second, third].flatMap((page) => page.body.items.map((item) => item.metadata.name));
    expect(names).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
    expect(third.body.metadata.continue).toBeUndefined();
  });

  test('a token whose snapshot has been compacted is 410 Expired', async () => {
    await fill(4);
    const first = await rig.call('GET', `${maps}?limit=1`);
    await fill(0);
    await rig.call('POST', maps, map('later'));
    await rig.api.context.store.compact(await rig.api.context.store.revision());
    const answer = await rig.call('GET', `${maps}?limit=1&continue=${encodeURIComponent(first.body.metadata.continue ?? '')}`);
    expect(answer.body).toMatchObject({ reason: 'Expired', code: 410 });
  });

  test('selectors choose, and wrong ones are refused', async () => {
    await fill(4);
    expect((await rig.call('GET', `${maps}?labelSelector=odd%3D1`)).body.items).toHaveLength(2);
    expect((await rig.call('GET', `${maps}?fieldSelector=metadata.name%3Dm2`)).body.items).toHaveLength(1);
    expect((await rig.call('GET', `${maps}?labelSelector=a%3D%3D%3Db`)).status).toBe(400);
    expect((await rig.call('GET', `${maps}?fieldSelector=spec.bogus%3D1`)).status).toBe(400);
  });

  const watchLines = async (
    path: string,
    until: number,
  ): Promise<{ type: string; object: { metadata: { name: string; annotations?: object }; code?: number } }[]> => {
    const source = new CancelSource();
    const answer = await rig.raw('GET', path, { signal: source.signal });
    if (answer.kind !== 'stream') throw new Error(JSON.stringify(answer));
    const lines: string[] = [];
    for await (const chunk of answer.chunks) {
      lines.push(...String(chunk).trim().split('\n'));
      if (lines.length >= until) break;
    }
    source.abort();
    return lines.map((line) => JSON.parse(line));
  };

  test('a watch turns label changes into ADDED and DELETED of the selection', async () => {
    const start = (await rig.call('GET', maps)).body.metadata.resourceVersion;
    await rig.call('POST', maps, map('a', {}, { in: 'no' }));
    await rig.call('PUT', `${maps}/a`, map('a', {}, { in: 'yes' }));
    await rig.call('PUT', `${maps}/a`, map('a', { k: 'v' }, { in: 'yes' }));
    await rig.call('PUT', `${maps}/a`, map('a', { k: 'v' }, { in: 'no' }));
    const events = await watchLines(`${maps}?watch=1&resourceVersion=${start}&labelSelector=in%3Dyes`, 3);
    expect(events.map((event) => event.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
  });

  test('sendInitialEvents ends the objects that exist with a marked bookmark', async () => {
    await fill(2);
    const path = `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
    const events = await watchLines(path, 3);
    expect(events.map((event) => event.type)).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
    expect(events[2]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  test('timeoutSeconds ends a watch', async () => {
    expect(await watchLines(`${maps}?watch=1&timeoutSeconds=1&resourceVersion=0`, 100)).toEqual([]);
  });

  test('tables of a watch carry their columns once', async () => {
    await fill(2);
    const source = new CancelSource();
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const answer = await rig.raw('GET', `${maps}?watch=1`, { headers: { accept }, signal: source.signal });
    if (answer.kind !== 'stream') throw new Error('a stream was expected');
    let text = '';
    for await (const chunk of answer.chunks) {
      text += String(chunk);
      if (text.split('\n').length > 2) break;
    }
    source.abort();
    const tables = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).object);
    expect(tables.map((table) => [table.kind, table.columnDefinitions.length > 0, table.rows.length])).toEqual([
      ['Table', true, 1],
      ['Table', false, 1],
    ]);
  });
});

describe('deletion', () => {
  test('a finalizer holds the object until it is taken away', async () => {
    await rig.call('POST', maps, { ...map('a'), metadata: { name: 'a', finalizers: ['example.com/hold'] } });
    const marked = await rig.call('DELETE', `${maps}/a`);
    expect(marked.body).toMatchObject({
      kind: 'ConfigMap',
      metadata: { deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 0 },
    });
    await rig.call('PATCH', `${maps}/a`, { metadata: { finalizers: null } }, { 'content-type': 'application/merge-patch+json' });
    expect((await rig.call('GET', `${maps}/a`)).status).toBe(404);
  });

  test('propagation is carried by finalizers, and preconditions are compared', async () => {
    await rig.call('POST', maps, map('a'));
    const wrong = await rig.call('DELETE', `${maps}/a`, { preconditions: { uid: 'other' } });
    expect(wrong.status).toBe(409);
    const marked = await rig.call('DELETE', `${maps}/a`, { propagationPolicy: 'Foreground' });
    expect(marked.body.metadata.finalizers).toEqual(['foregroundDeletion']);
  });

  test('an unscheduled pod goes at once, a scheduled one after its grace', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    await rig.call('POST', pods, pod('a'));
    expect((await rig.call('DELETE', `${pods}/a`)).body).toMatchObject({ kind: 'Pod', metadata: { name: 'a' } });
    await rig.call('POST', pods, pod('b', { nodeName: 'n1' }));
    expect((await rig.call('DELETE', `${pods}/b`)).body.metadata.deletionGracePeriodSeconds).toBe(30);
    expect((await rig.call('DELETE', `${pods}/b`, { gracePeriodSeconds: 0 })).status).toBe(200);
    expect((await rig.call('GET', `${pods}/b`)).status).toBe(404);
  });

  test('deletecollection takes what the selector matches', async () => {
    await rig.call('POST', maps, map('a', {}, { x: '1' }));
    await rig.call('POST', maps, map('b', {}, { x: '2' }));
    await rig.call('DELETE', `${maps}?labelSelector=x%3D1`);
    const left = (await rig.call('GET', maps)).body.items;
    expect(left.map((item) => item.metadata.name)).toEqual(['b']);
  });

  test('eviction waits for the budget', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    await rig.call('POST', pods, { ...pod('a', { nodeName: 'n1' }), metadata: { name: 'a', labels: { app: 'a' } } });
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await rig.call('PATCH', `${pods}/a/status`, { status }, { 'content-type': 'application/merge-patch+json' });
    const budget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } },
    };
    await rig.call('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', budget);
    const answer = await rig.call('POST', `${pods}/a/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' } });
    expect(answer.body).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
    });
  });
});

describe('services', () => {
  const services = '/api/v1/namespaces/default/services';
  const service = (name: string, spec: object = {}): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports: [{ port: 80 }], ...spec },
  });

  test('each gets its own address and node port; taken and foreign ones are refused', async () => {
    const made = await Promise.all(
      Array.from({ length: 30 }, (_, n) => rig.call('POST', services, service(`s${n}`, { type: 'NodePort' }))),
    );
    expect(new Set(made.map((answer) => answer.body.spec.clusterIP)).size).toBe(30);
    expect(new Set(made.map((answer) => answer.body.spec.ports[0]?.nodePort)).size).toBe(30);
    const taken = await rig.call('POST', services, service('t', { clusterIP: '10.96.0.1' }));
    expect(taken.body.message).toContain('provided IP is already allocated');
    const foreign = await rig.call('POST', services, service('t', { clusterIP: '10.1.1.1' }));
    expect(foreign.body.message).toContain('is not in the valid range');
    const port = await rig.call('POST', services, service('t', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }));
    expect(port.body.message).toContain('The range of valid ports is 30000-32767');
  });

  test('an update that leaves them out keeps address and node port', async () => {
    const made = await rig.call('POST', services, service('a', { type: 'NodePort' }));
    const after = await rig.call(
      'PUT',
      `${services}/a`,
      service('a', { type: 'NodePort', ports: [{ port: 80 }, { name: 'b', port: 81 }].slice(0, 1) }),
    );
    expect(after.body.spec).toEqual(made.body.spec);
  });
});

describe('quota and limit ranges', () => {
  const pods = '/api/v1/namespaces/default/pods';
  const inDefault = '/api/v1/namespaces/default';
  const container = (resources: object): object => ({ containers: [{ name: 'c', image: 'i', resources }] });

  test('of pods made at the same time only as many pass as the quota allows', async () => {
    await rig.call('POST', `${inDefault}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard: { pods: '2' } } });
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => rig.call('POST', pods, pod(name))));
    expect(answers.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([201, 201, 403, 403]);
    expect(answers.find((answer) => answer.status === 403)?.body.message).toMatch(
      /^pods "." is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2$/,
    );
  });

  test('a quota on cpu makes stating it a duty, and is summed', async () => {
    await rig.call('POST', `${inDefault}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard: { 'requests.cpu': '1' } } });
    expect((await rig.call('POST', pods, pod('a'))).body.message).toBe(
      'pods "a" is forbidden: failed quota: q: must specify requests.cpu for: c',
    );
    expect((await rig.call('POST', pods, pod('a', container({ requests: { cpu: '600m' } })))).status).toBe(201);
    expect((await rig.call('POST', pods, pod('b', container({ requests: { cpu: '500m' } })))).body.message).toBe(
      'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1',
    );
  });

  test('a limit range fills what is missing and bounds what is said', async () => {
    const limits = [{ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '100m' }, max: { cpu: '2' } }];
    await rig.call('POST', `${inDefault}/limitranges`, { metadata: { name: 'l' }, spec: { limits } });
    const made = await rig.call('POST', pods, pod('a'));
    expect(made.body.spec).toMatchObject({ containers: [{ resources: { limits: { cpu: '1' }, requests: { cpu: '100m' } } }] });
    expect((await rig.call('POST', pods, pod('b', container({ limits: { cpu: '3' } })))).body.message).toBe(
      'pods "b" is forbidden: maximum cpu usage per Container is 2, but limit is 3',
    );
  });
});

describe('who may do what', () => {
  test('anonymous sees health and version, and nothing else', async () => {
    const anonymous = { authorization: '' };
    expect((await rig.call('GET', '/version', undefined, anonymous)).status).toBe(200);
    const refused = await rig.call('GET', maps, undefined, anonymous);
    expect(refused.body.message).toBe(
      'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
    );
  });

  test('a wrong token is Unauthorized, a known one is judged by its bindings', async () => {
    expect((await rig.call('GET', maps, undefined, { authorization: 'Bearer nobody' })).status).toBe(401);
    const ann = { authorization: 'Bearer ann' };
    expect((await rig.call('GET', maps, undefined, ann)).status).toBe(403);
    await rig.call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
      metadata: { name: 'ann' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'ann', apiGroup: 'rbac.authorization.k8s.io' }],
    });
    expect((await rig.call('GET', maps, undefined, ann)).status).toBe(200);
    expect((await rig.call('POST', maps, map('x'), ann)).status).toBe(403);
    expect((await rig.call('GET', '/api/v1/namespaces/kube-system/configmaps', undefined, ann)).status).toBe(403);
  });

  test('the API names what is not there', async () => {
    expect((await rig.call('GET', '/apis/nope/v1/things')).body.message).toBe('the server could not find the requested resource');
    expect((await rig.call('DELETE', '/api/v1/namespaces/default/pods/a/log')).status).toBe(405);
  });
});

test('a binding says in the status that the pod was scheduled, over what the scheduler said before', async () => {
  await rig.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const pod = { metadata: { name: 'bound' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  expect((await rig.call('POST', '/api/v1/namespaces/default/pods', pod)).status).toBe(201);
  const refused = { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] };
  await rig.call(
    'PATCH',
    '/api/v1/namespaces/default/pods/bound/status',
    { status: refused },
    { 'content-type': 'application/merge-patch+json' },
  );
  const binding = { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'n1' } };
  expect((await rig.call('POST', '/api/v1/namespaces/default/pods/bound/binding', binding)).status).toBe(201);
  const { body } = await rig.call('GET', '/api/v1/namespaces/default/pods/bound');
  expect(body).toMatchObject({ spec: { nodeName: 'n1' }, status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } });
});
