import { copyFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { normalise, run } from './program.js';
import { fakeIo, type FakeIoOptions } from './testing/fake-io.js';
import { RecordingServer, type Replies, type SentRequest } from './testing/recording-server.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly requests: readonly SentRequest[];
}

async function berth(line: string | readonly string[], replies: Replies = {}, options: FakeIoOptions = {}): Promise<Ran> {
  await using server = await RecordingServer.start(replies);
  const io = fakeIo({ ...options, env: { KUBECONFIG: server.kubeconfig, PATH: '' } });
  const code = await run(typeof line === 'string' ? line.split(' ') : line, io);
  return { code, out: io.output(), err: io.errors(), requests: [...server.requests] };
}

const ns = '/api/v1/namespaces/shop';
const apps = '/apis/apps/v1/namespaces/shop';

const podTable = {
  body: {
    kind: 'Table',
    metadata: { resourceVersion: '7' },
    columnDefinitions: [
      { name: 'Name', type: 'string' },
      { name: 'Ready', type: 'string' },
      { name: 'Status', type: 'string' },
      { name: 'Node', type: 'string', priority: 1 },
    ],
    rows: [
      {
        cells: ['web-1', '1/1', 'Running', 'node-1'],
        object: { metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web', 'x.io/tier': 'a' } } },
      },
      { cells: ['database-0', '0/1', 'CrashLoopBackOff', 'node-2'], object: { metadata: { name: 'database-0', namespace: 'shop' } } },
    ],
  },
};
const serviceTable = {
  body: {
    kind: 'Table',
    columnDefinitions: [{ name: 'Name', type: 'string' }],
    rows: [{ cells: ['web'], object: { metadata: { name: 'web' } } }],
  },
};
const podList = {
  body: {
    kind: 'PodList',
    items: [
      { metadata: { name: 'web-2', managedFields: [{}] }, status: { podIP: '10.0.0.2' } },
      { metadata: { name: 'web-1' }, status: { podIP: '10.0.0.1' } },
    ],
  },
};

describe('berth get', () => {
  const replies: Replies = { [`GET ${ns}/pods`]: podTable, [`GET ${ns}/services`]: serviceTable, 'GET /api/v1/pods': podTable };
  test.each([
    ['get pods', 'NAME         READY   STATUS\nweb-1        1/1     Running\ndatabase-0   0/1     CrashLoopBackOff\n'],
    ['get po --no-headers', 'web-1        1/1   Running\ndatabase-0   0/1   CrashLoopBackOff\n'],
    [
      'get pods -owide',
      'NAME         READY   STATUS             NODE\nweb-1        1/1     Running            node-1\ndatabase-0   0/1     CrashLoopBackOff   node-2\n',
    ],
    [
      'get pod -A',
      'NAMESPACE   NAME         READY   STATUS\nshop        web-1        1/1     Running\nshop        database-0   0/1     CrashLoopBackOff\n',
    ],
    [
      'get pods -L x.io/tier',
      'NAME         READY   STATUS             TIER\nweb-1        1/1     Running            a\ndatabase-0   0/1     CrashLoopBackOff   \n',
    ],
    ['get svc --show-labels', 'NAME   LABELS\nweb    <none>\n'],
    ['get pods,svc --no-headers', 'pod/web-1        1/1   Running\npod/database-0   0/1   CrashLoopBackOff\n\nservice/web\n'],
  ])('"%s" prints the table as kubectl does', async (line, expected) => {
    const { code, out } = await berth(line, replies);
    expect(out).toBe(expected);
    expect(code).toBe(0);
  });

  test.each([
    ['get pods -l app=web', 'labelSelector=app%3Dweb'],
    ['get pods --field-selector=status.phase=Running', 'fieldSelector=status.phase%3DRunning'],
  ])('"%s" asks the server to choose', async (line, query) => {
    const { requests } = await berth(line, replies);
    expect(requests[0]?.url).toContain(query);
  });

  test.each([
    ['get pods -o name', 'pod/web-2\npod/web-1\n'],
    ['get pods -o=name --sort-by=.metadata.name', 'pod/web-1\npod/web-2\n'],
    ['get pods -o jsonpath={.items[*].status.podIP}', '10.0.0.2 10.0.0.1'],
    ['get pods -o custom-columns=N:.metadata.name,X:.spec.x', 'N       X\nweb-2   <none>\nweb-1   <none>\n'],
  ])('"%s" prints objects', async (line, expected) => {
    expect((await berth(line, { [`GET ${ns}/pods`]: podList })).out).toBe(expected);
  });

  test('YAML and JSON leave managed fields out unless asked, and have sorted keys', async () => {
    const one = {
      [`GET ${ns}/pods/web-1`]: {
        body: { metadata: { name: 'web-1', managedFields: [{}], annotations: { on: 'yes' } }, apiVersion: 'v1', kind: 'Pod' },
      },
    };
    expect((await berth('get pod web-1 -o yaml', one)).out).toBe(
      'apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    "on": "yes"\n  name: web-1\n',
    );
    expect((await berth('get pod web-1 -o json --show-managed-fields', one)).out).toContain('"managedFields"');
  });

  test('lists are read page by page', async () => {
    const page = (request: SentRequest): { readonly body: unknown } =>
      request.url.includes('continue=next')
        ? { body: { metadata: {}, items: [{ metadata: { name: 'b' } }] } }
        : { body: { metadata: { continue: 'next' }, items: [{ metadata: { name: 'a' } }] } };
    expect((await berth('get pods -o name', { [`GET ${ns}/pods`]: page })).out).toBe('pod/a\npod/b\n');
  });

  test('several names are shown even where one is missing, which fails', async () => {
    const { code, out, err } = await berth('get pods/web-1 pods/gone', { [`GET ${ns}/pods/web-1`]: podTable });
    expect(out).toContain('web-1');
    expect(err).toBe('Error from server (NotFound): pods "gone" not found\n');
    expect(code).toBe(1);
  });

  test('colours only the terminal', async () => {
    expect((await berth('get pods', replies, { color: true })).out).toContain('\u001b[31mCrashLoopBackOff');
    expect((await berth('get pods', replies)).out).not.toContain('\u001b');
  });
});

describe('errors', () => {
  test.each([
    ['get podz', 1, 'error: the server doesn\'t have a resource type "podz"\nDid you mean "pods"?'],
    ['get', 2, 'error: You must specify the type of resource.'],
    ['get pods -o xml', 2, 'error: unable to match a printer suitable for the output format "xml"'],
    ['gett pods', 2, "error: unknown command 'gett'\n(Did you mean get?)"],
    ['get pods --nope', 2, "error: unknown option '--nope'"],
    ['get pod web-1 svc/web', 2, 'error: there is no need to specify a resource type'],
    ['get pod web-1 -A', 2, 'error: a resource cannot be retrieved by name across all namespaces'],
    ['get pods,svc -w', 2, 'error: you may only specify a single resource type'],
    ['delete pods', 2, 'error: resource(s) were provided, but no name was specified'],
    ['scale deploy/web', 2, "error: required option '--replicas <count>' not specified"],
    ['scale deploy/web --replicas=-1', 2, 'error: --replicas -1: a whole number from 0 is needed'],
    ['scale svc/web --replicas=1', 2, 'error: cannot scale service/web'],
    ['delete pod a --timeout=soon', 2, 'error: --timeout soon: a duration is needed'],
    ['delete pod a --dry-run=client', 2, 'error: --dry-run=client: only "server" and "none" are supported'],
    ['autoscale deploy/web --max=1 --min=2', 2, 'error: --max=MAXPODS must be larger or equal to --min=MINPODS'],
    ['exec web-1', 2, 'error: you must specify at least one command for the container'],
    ['rollout undo svc/web', 2, 'error: no history viewer has been implemented for services'],
    ['apply -f /nonexistent.yaml', 1, 'error: the path "/nonexistent.yaml" does not exist'],
    ['completion ksh', 2, 'error: completion ksh: bash, zsh and fish are known'],
    ['join nonsense', 2, 'error: not a join token'],
    ['join', 2, 'error: a join token is needed'],
    ['token revoke zzz', 1, 'error: there is no token "zzz"'],
  ])('"%s" ends with %d and says why', async (line, code, message) => {
    const ran = await berth(line);
    expect(ran.err).toContain(message);
    expect(ran.code).toBe(code);
    expect(ran.out).toBe('');
  });

  test('a server that is away is exit code 3, with the way out', async () => {
    await using folder = await mkdtempDisposable();
    await using server = await RecordingServer.start({});
    const kubeconfig = join(folder.path, 'config');
    copyFileSync(server.kubeconfig, kubeconfig);
    await server[Symbol.asyncDispose]();
    const io = fakeIo();
    expect(await run(['--kubeconfig', kubeconfig, 'get', 'pods'], io)).toBe(3);
    expect(io.errors()).toMatch(/^The connection to the server 127\.0\.0\.1:\d+ was refused/);
    expect(io.errors()).toContain('berth up');
  });

  test("the server's warnings go to standard error, once each", async () => {
    const { err, out } = await berth('get pods,po -o name', { [`GET ${ns}/pods`]: { ...podList, warning: 'v1 is old' } });
    expect(err).toBe('Warning: v1 is old\n');
    expect(out).not.toContain('Warning');
  });

  test("flags in Go's forms are understood", () => {
    expect(normalise(['get', '-o=json', '--watch=true', '--wait=false', '--all=false', '--', '-o=x'])).toEqual([
      'get',
      '-o',
      'json',
      '--watch',
      '--no-wait',
      '--',
      '-o=x',
    ]);
  });
});

async function mkdtempDisposable(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'berth-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

describe('changes', () => {
  const manifest =
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {mode: "0644"}\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n';
  const applied = (version: string) => ({ body: { kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: version } } });

  test('apply sends each document by server-side apply and says what became of it', async () => {
    const { out, requests, code } = await berth(
      'apply -f -',
      {
        [`PATCH ${ns}/configmaps/a`]: applied('5'),
        [`GET ${ns}/configmaps/b`]: { body: { kind: 'PartialObjectMetadata', metadata: { resourceVersion: '4' } } },
        [`PATCH ${ns}/configmaps/b`]: applied('4'),
      },
      { input: manifest },
    );
    expect(out).toBe('configmap/a created\nconfigmap/b unchanged\n');
    expect(code).toBe(0);
    expect(requests.filter(({ method }) => method === 'PATCH')[0]).toEqual({
      method: 'PATCH',
      url: `${ns}/configmaps/a?fieldManager=berth&fieldValidation=Strict`,
      contentType: 'application/apply-patch+yaml',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { mode: '0644' } },
    });
  });

  const conflict = (manager: string) => ({
    status: 409,
    body: {
      kind: 'Status',
      reason: 'Conflict',
      code: 409,
      message: `Apply failed with 1 conflict: conflict with "${manager}" using v1: .data.mode`,
      details: { causes: [{ reason: 'FieldManagerConflict', message: `conflict with "${manager}" using v1`, field: '.data.mode' }] },
    },
  });
  const forced = (manager: string) => (request: SentRequest) => (request.url.includes('force=true') ? applied('6') : conflict(manager));

  test('apply takes over what a person changed, and says so', async () => {
    const { out, err, code } = await berth(
      'apply -f -',
      { [`PATCH ${ns}/configmaps/a`]: forced('kubectl-edit') },
      { input: manifest.split('---')[0] ?? '' },
    );
    expect(err).toContain('taking over .data.mode, last changed by kubectl-edit');
    expect(out).toBe('configmap/a created\n');
    expect(code).toBe(0);
  });

  test('apply does not fight a controller for a field unless told to', async () => {
    const replies = { [`PATCH ${ns}/configmaps/a`]: forced('horizontal-pod-autoscaler') };
    const input = manifest.split('---')[0] ?? '';
    const refused = await berth('apply -f -', replies, { input });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('--force-conflicts');
    expect((await berth('apply -f - --force-conflicts', replies, { input })).code).toBe(0);
  });

  test('apply goes on after a refused object and fails in the end', async () => {
    const invalid = { status: 422, body: { reason: 'Invalid', message: 'ConfigMap "a" is invalid: data: Required value' } };
    const { out, err, code } = await berth(
      'apply -f -',
      { [`PATCH ${ns}/configmaps/a`]: invalid, [`PATCH ${ns}/configmaps/b`]: applied('1') },
      { input: manifest },
    );
    expect(out).toBe('configmap/b created\n');
    expect(err).toBe('The ConfigMap "a" is invalid: data: Required value\n');
    expect(code).toBe(1);
  });

  test.each([
    ['kind: ConfigMap\n', 'unable to decode "STDIN": Object \'apiVersion\' is missing'],
    ['a: [\n', 'error parsing STDIN:'],
    ['apiVersion: v1\nkind: Nope\nmetadata: {name: a}\n', 'no matches for kind "Nope" in version "v1"'],
    ['apiVersion: v1\nkind: ConfigMap\n', 'resource name may not be empty'],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n', 'cannot use generate name with apply'],
    ['# empty\n', 'no objects passed'],
    [`a: &a [x, x]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(50)}]\n`, 'error parsing STDIN'],
  ])('a manifest that cannot be is refused: %#', async (input, message) => {
    const { err, code } = await berth('apply -f -', {}, { input });
    expect(err).toContain(message);
    expect(code).toBe(1);
  });

  test('the namespace of a manifest counts, and must not contradict -n', async () => {
    const input = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n';
    const { requests } = await berth('apply -f -', {}, { input });
    expect(requests[0]?.url).toContain('/namespaces/other/');
    expect((await berth('-n shop2 apply -f -', {}, { input })).err).toContain('does not match the namespace "shop2"');
  });

  test.each([
    ['delete pod web-1', { propagationPolicy: 'Background' }, 'pod "web-1" deleted from shop namespace\n'],
    [
      'delete pod web-1 --cascade=foreground --grace-period=3',
      { propagationPolicy: 'Foreground', gracePeriodSeconds: 3 },
      'pod "web-1" deleted from shop namespace\n',
    ],
    [
      'delete pod web-1 --force',
      { propagationPolicy: 'Background', gracePeriodSeconds: 0 },
      'pod "web-1" force deleted from shop namespace\n',
    ],
    [
      'delete pod/web-1 --dry-run=server',
      { propagationPolicy: 'Background', dryRun: ['All'] },
      'pod "web-1" deleted from shop namespace (server dry run)\n',
    ],
    ['delete pod web-1 --now -o name', { propagationPolicy: 'Background', gracePeriodSeconds: 1 }, 'pod/web-1\n'],
  ])('"%s" sends its options and waits until it is gone', async (line, options, said) => {
    const { out, requests } = await berth(line, { [`DELETE ${ns}/pods/web-1`]: { body: { kind: 'Pod', metadata: { uid: 'u' } } } });
    expect(out).toBe(said);
    expect(requests[0]).toMatchObject({ method: 'DELETE', body: { apiVersion: 'v1', kind: 'DeleteOptions', ...options } });
  });

  test('delete times out with what may hold it up', async () => {
    const stays = { body: { kind: 'Pod', metadata: { uid: 'u' } } };
    const { err, code } = await berth('delete pod web-1 --timeout=100ms', {
      [`DELETE ${ns}/pods/web-1`]: stays,
      [`GET ${ns}/pods/web-1`]: stays,
    });
    expect(err).toContain('timed out waiting for the condition on pod/web-1');
    expect(err).toContain('finalizers');
    expect(code).toBe(1);
  });

  test.each([
    ['scale deploy/web --replicas=3', `${apps}/deployments/web/scale`, { spec: { replicas: 3 } }, 'deployment.apps/web scaled\n'],
    ['cordon node-1', '/api/v1/nodes/node-1', { spec: { unschedulable: true } }, 'node/node-1 cordoned\n'],
    ['rollout pause deploy/web', `${apps}/deployments/web`, { spec: { paused: true } }, 'deployment.apps/web paused\n'],
    ['operation cancel op-1', '/apis/berth.dev/v1alpha1/operations/op-1', { spec: { cancel: true } }, 'operation/op-1 cancelling\n'],
  ])('"%s" patches no more than it must', async (line, path, body, said) => {
    const object = { body: { metadata: { name: 'web' }, spec: {}, status: { phase: 'Running' } } };
    const { out, requests } = await berth(line, { [`PATCH ${path}`]: object, [`GET ${path}`]: object });
    expect(out).toBe(said);
    expect(requests.at(-1)).toMatchObject({ method: 'PATCH', body, contentType: 'application/merge-patch+json' });
    expect(requests.at(-1)?.url.split('?')[0]).toBe(path);
  });

  test('a failed operation is retried by raising its attempt', async () => {
    const path = '/apis/berth.dev/v1alpha1/operations/op-1';
    const failed = {
      body: { metadata: { name: 'op-1' }, spec: { type: 'DrainNode', attempt: 2, cancel: true }, status: { phase: 'Failed', attempt: 2 } },
    };
    const { requests } = await berth('operation retry op-1', { [`GET ${path}`]: failed, [`PATCH ${path}`]: failed });
    expect(requests.at(-1)?.body).toEqual({ spec: { attempt: 3, cancel: null } });
  });

  test.each([
    ['--max=5', [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }]],
    ['--max=5 --cpu=500', [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '500m' } } }]],
    ['--max=5 --memory=60%', [{ type: 'Resource', resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 60 } } }]],
  ])('autoscale %s makes an autoscaler', async (flags, metrics) => {
    const { requests, out } = await berth(`autoscale deploy/web ${flags}`, {
      [`GET ${apps}/deployments/web`]: { body: {} },
      'POST /apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers': { body: {} },
    });
    expect(out).toBe('horizontalpodautoscaler.autoscaling/web autoscaled\n');
    expect(requests.at(-1)?.body).toMatchObject({
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 5, metrics },
    });
  });
});

describe('logs', () => {
  const pod = (name: string) => ({
    metadata: { name, creationTimestamp: name },
    spec: { containers: [{ name: 'app' }, { name: 'side' }] },
    status: { phase: 'Running' },
  });
  const replies: Replies = {
    [`GET ${apps}/deployments/web`]: { body: { spec: { selector: { matchLabels: { app: 'web' } } } } },
    [`GET ${ns}/pods`]: { body: { items: [pod('web-1'), pod('web-2')] } },
    [`GET ${ns}/pods/web-1`]: { body: pod('web-1') },
    [`GET ${ns}/pods/web-1/log`]: { body: 'one\ntwo\n' },
    [`GET ${ns}/pods/web-2/log`]: { body: 'three\n' },
  };
  test('of one pod come as they are, from the first container unless another is named', async () => {
    const { out, err, requests } = await berth('logs web-1 --tail=5 --since=2m -p --timestamps', replies);
    expect(out).toBe('one\ntwo\n');
    expect(err).toBe('Defaulted container "app" out of: app, side\n');
    expect(requests.at(-1)?.url).toBe(`${ns}/pods/web-1/log?container=app&previous=true&timestamps=true&tailLines=5&sinceSeconds=120`);
    expect((await berth('logs web-1 -c side', replies)).requests.at(-1)?.url).toContain('container=side');
    expect((await berth('logs web-1 -c nope', replies)).err).toContain('container nope not found in pod web-1\nIt has: app, side');
  });
  test('of a workload carry the names of their pods', async () => {
    const { out } = await berth('logs deploy/web -c app', replies);
    expect(out).toBe('[pod/web-1/app] one\n[pod/web-1/app] two\n[pod/web-2/app] three\n');
    expect((await berth('logs -l app=web -c app', replies)).requests.at(-1)?.url).toContain('tailLines=10');
  });
});
