/** The verbs against a real control plane in this process: memory store, its own Redis, and a host that exists on paper only. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../../libs/api/index.js';
import { controlPlaneDefaults } from '../control-plane/config.js';
import { startControlPlane, type ControlPlane } from '../control-plane/control-plane.js';
import { ApiClient } from './client/api-client.js';
import { loadConnection } from './client/kubeconfig.js';
import { run } from './program.js';
import { fakeIo } from './testing/fake-io.js';

let folder = '';
let redis: ChildProcess | undefined;
let controlPlane: ControlPlane | undefined;
let client: ApiClient;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-cli-host-'));
  const redisPort = await freePort();
  redis = spawn(
    'redis-server',
    ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--dir', folder, '--maxmemory-policy', 'noeviction'],
    { stdio: 'ignore' },
  );
  controlPlane = await startControlPlane({
    ...controlPlaneDefaults,
    clusterName: 'clitest',
    dataDir: folder,
    store: { kind: 'memory' },
    redis: { url: `redis://127.0.0.1:${redisPort}` },
    api: { host: '127.0.0.1', port: 0 },
    gateway: { host: '127.0.0.1', port: 0 },
    nodeLoss: { leaseGraceSeconds: 3_600, defaultTolerationSeconds: 1 },
    log: { level: 'error', format: 'json' },
  });
  client = new ApiClient(loadConnection(join(folder, 'admin.kubeconfig')));
  await client.json('/api/v1/nodes', {
    method: 'POST',
    body: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'paper-1' },
      status: {
        capacity: { cpu: '4', memory: '8Gi', pods: '100' },
        allocatable: { cpu: '4', memory: '8Gi', pods: '100' },
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Test',
            lastHeartbeatTime: new Date().toISOString(),
            lastTransitionTime: new Date().toISOString(),
          },
        ],
      },
    }),
  });
});

afterAll(async () => {
  client[Symbol.dispose]();
  await controlPlane?.[Symbol.asyncDispose]();
  redis?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function berth(line: string, input = ''): Promise<Ran> {
  const io = fakeIo({ input, env: { KUBECONFIG: join(folder, 'admin.kubeconfig'), PATH: process.env['PATH'] ?? '' } });
  const code = await run(line.split(' '), io);
  return { code, out: io.output(), err: io.errors() };
}

/** What an agent would report: every bound pod runs. */
async function reportPodsReady(): Promise<void> {
  const { items } = await client.json<{ readonly items: readonly Pod[] }>('/api/v1/namespaces/default/pods');
  const at = new Date().toISOString();
  for (const { metadata, spec, status } of items) {
    if (metadata?.deletionTimestamp !== undefined) await remove(metadata.name ?? '');
    else if (spec?.nodeName !== undefined && status?.phase !== 'Running') await report(metadata?.name ?? '', at);
  }
}

async function remove(name: string): Promise<void> {
  await client.send(`/api/v1/namespaces/default/pods/${name}`, { method: 'DELETE', body: '{"gracePeriodSeconds":0}' });
}

async function report(name: string, at: string): Promise<void> {
  const ready = ['Initialized', 'Ready', 'ContainersReady'].map((type) => ({ type, status: 'True', lastTransitionTime: at }));
  const containerStatuses = [
    { name: 'app', ready: true, restartCount: 0, image: 'app', imageID: '', state: { running: { startedAt: at } } },
  ];
  await client.send(`/api/v1/namespaces/default/pods/${name}/status`, {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    body: JSON.stringify({ status: { phase: 'Running', podIP: '10.244.0.9', conditions: ready, containerStatuses } }),
  });
}

/** Runs the command while pods are reported ready as an agent would. */
async function withReports<T>(work: Promise<T>): Promise<T> {
  let done = false;
  const finished = work.finally(() => (done = true));
  while (!done) {
    await reportPodsReady();
    await sleep(30);
  }
  return finished;
}

const manifest = (image: string, replicas = 2): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: app, image: "${image}", ports: [{containerPort: 80, name: http}], resources: {requests: {cpu: 100m}}}]
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
`;

describe('berth and a control plane', () => {
  test('apply creates, finds nothing to do, and changes; a dry run only says so', async () => {
    expect((await berth('apply -f -', manifest('web:1'))).out).toBe('deployment.apps/web created\nservice/web created\n');
    expect((await berth('apply -f -', manifest('web:1'))).out).toBe('deployment.apps/web unchanged\nservice/web unchanged\n');
    expect((await berth('apply -f - --dry-run=server', manifest('web:2'))).out).toBe(
      'deployment.apps/web configured (server dry run)\nservice/web unchanged (server dry run)\n',
    );
    expect((await berth('apply -f - --dry-run=server', manifest('web:1'))).out).toContain('deployment.apps/web unchanged');
    expect((await berth('get deploy web -o jsonpath={.spec.template.spec.containers[0].image}')).out).toBe('web:1');
  });

  test('rollout status follows to the end, and get shows it', async () => {
    const { out, code } = await withReports(berth('rollout status deploy/web --timeout=20s'));
    expect(out).toContain('deployment "web" successfully rolled out\n');
    expect(code).toBe(0);
    expect((await berth('get deploy,svc')).out).toMatch(
      /^NAME +READY .*\ndeployment.apps\/web +2\/2 [^]*\n\nNAME +TYPE [^]*service\/web +ClusterIP/,
    );
    expect((await berth('get pods -o wide --no-headers')).out).toContain('paper-1');
    expect((await berth('get all -o name')).out).toMatch(
      /pod\/web-[^]*service\/kubernetes[^]*deployment.apps\/web[^]*replicaset.apps\/web-/,
    );
  });

  test('history and undo go back to an earlier revision', async () => {
    await berth('apply -f -', manifest('web:2'));
    await withReports(berth('rollout status deploy/web --timeout=20s'));
    expect((await berth('rollout history deploy/web')).out).toBe(
      'deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n',
    );
    expect((await berth('rollout history deploy/web --revision=1')).out).toContain('web:1');
    expect((await berth('rollout undo deploy/web')).out).toBe('deployment.apps/web rolled back\n');
    expect((await berth('get deploy web -o jsonpath={.spec.template.spec.containers[0].image}')).out).toBe('web:1');
    expect((await berth('rollout undo deploy/web --to-revision=9')).err).toContain('unable to find specified revision 9 in history');
  });

  test('pause, resume and restart say what they did', async () => {
    expect((await berth('rollout pause deploy/web')).out).toBe('deployment.apps/web paused\n');
    expect((await berth('rollout pause deploy/web')).err).toContain('deployments.apps "web" is already paused');
    expect((await berth('rollout restart deploy/web')).err).toContain("can't restart paused deployment");
    expect((await berth('rollout resume deploy/web')).out).toBe('deployment.apps/web resumed\n');
    expect((await berth('rollout restart deploy/web')).out).toBe('deployment.apps/web restarted\n');
  });

  test('scale scales, and refuses a wrong starting point', async () => {
    expect((await berth('scale deploy/web --replicas=3')).out).toBe('deployment.apps/web scaled\n');
    expect((await berth('scale deploy/web --current-replicas=7 --replicas=1')).err).toContain('Expected replicas to be 7, was 3');
    await withReports(berth('rollout status deploy/web --timeout=20s'));
    expect((await berth('get deploy web -o jsonpath={.status.readyReplicas}')).out).toBe('3');
  });

  test('describe tells the whole story', async () => {
    const deployment = (await berth('describe deploy web')).out;
    expect(deployment).toMatch(/Replicas: +3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable/);
    expect(deployment).toMatch(/Events:\n {2}Type +Reason +Age +From +Message\n[^]*ScalingReplicaSet/);
    expect((await berth('describe pods web-')).out).toMatch(/Controlled By: +ReplicaSet\/web-/);
    expect((await berth('describe svc web')).out).toMatch(/Endpoints: +10\.244\.0\.9:80/);
    expect((await berth('describe node paper-1')).out).toMatch(/Non-terminated Pods: +\(3 in total\)[^]*cpu +300m \(7%\)/);
    expect((await berth('describe ns default')).out).toMatch(/Kind: +Namespace/);
    expect((await berth('describe pod nope')).err).toBe('Error from server (NotFound): pods "nope" not found\n');
  });

  test('events are sorted and can be about one object', async () => {
    expect((await berth('events')).out).toMatch(/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n/);
    const lines = (await berth('events --for deploy/web --no-headers')).out.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.every((line) => line.includes('Deployment/web'))).toBe(true);
  });

  test('top says that nothing is measured yet, autoscale makes an autoscaler', async () => {
    expect((await berth('top nodes')).err).toContain('metrics not available yet');
    expect((await berth('autoscale deploy/web --min=1 --max=4 --cpu=70%')).out).toBe(
      'horizontalpodautoscaler.autoscaling/web autoscaled\n',
    );
    expect((await berth('get hpa web -o jsonpath={.spec.maxReplicas}')).out).toBe('4');
  });

  test('status names hosts, trouble and its reason', async () => {
    await berth(
      'apply -f -',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: big}\nspec: {containers: [{name: a, image: a, resources: {requests: {cpu: "64"}}}]}',
    );
    let out = '';
    for (let left = 100; left > 0 && !out.includes('Insufficient cpu'); left--) {
      await sleep(30);
      ({ out } = await berth(`status --data-dir ${folder}`));
    }
    expect(out).toMatch(/Hosts \(1\/1 Ready\)\n {2}NAME +STATUS +PODS +CPU/);
    expect(out).toMatch(/default +pod\/big +0\/1 +Unschedulable: 0\/1 nodes are available: 1 Insufficient cpu/);
    await berth('delete pod big');
  });

  test('drain is an operation that can be listed, fails with the reason, and is retried', async () => {
    await berth(
      'apply -f -',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: lone}\nspec: {nodeName: paper-1, terminationGracePeriodSeconds: 0, containers: [{name: app, image: a}]}',
    );
    const refused = await berth('drain paper-1');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('Pod default/lone declares no controller');
    const name = /operation\/(\S+) created/.exec(refused.err)?.[1] ?? '';
    expect((await berth('operation list --no-headers')).out).toMatch(new RegExp(`${name} +DrainNode +Failed`));
    await berth('delete pod lone --grace-period=0 --force');
    expect((await berth(`operation retry ${name}`)).out).toBe(`operation/${name} retried\n`);
    expect((await withReports(berth(`operation follow ${name}`))).out).toBe(`operation/${name} succeeded\n`);
    expect((await berth(`operation show ${name}`)).out).toMatch(/Attempts: +2[^]*Log:[^]*evicting pod default\/web-/);
    expect((await berth('get node paper-1')).out).toContain('SchedulingDisabled');
    expect((await berth('uncordon paper-1')).out).toBe('node/paper-1 uncordoned\n');
  });

  test('tokens are made, listed and revoked', async () => {
    const { out } = await berth('token create --ttl=1h --description=rack-7');
    expect(out).toMatch(/^berth join berth1\./);
    const address = (await readFile(join(folder, 'join-token'), 'utf8')).split('.')[1] ?? '-';
    expect(out).toContain(`.${address}.`);
    const id = out.trim().split('.').at(-2) ?? '';
    expect((await berth('token list')).out).toMatch(new RegExp(`${id} +(59|60)m +\\S+ +rack-7\n`));
    expect((await berth(`token revoke ${id}`)).out).toBe(`token "${id}" revoked\n`);
    expect((await berth('token list')).out).not.toContain(id);
  });

  test('completion offers verbs, types and names', async () => {
    expect((await berth('__complete -- rol')).out).toBe('rollout\n');
    expect((await berth('__complete -- get deploym')).out).toBe('deployments\n');
    expect((await berth('__complete -- rollout status deploy/w')).out).toBe('deploy/web\n');
  });

  test('delete waits until objects are gone', async () => {
    expect((await withReports(berth('delete -f -', manifest('web:1')))).out).toBe(
      'deployment.apps "web" deleted from default namespace\nservice "web" deleted from default namespace\n',
    );
    expect((await berth('get deploy,svc -l app=web')).err).toBe('No resources found in default namespace.\n');
    expect((await berth('delete deploy web --ignore-not-found')).code).toBe(0);
  });
});
