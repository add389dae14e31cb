/** What conformance suites ask of volumes, workloads and pods beyond the mission: claims, resizing, policies of jobs, last words. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBusybox } from '../support/images.js';
import { aContainer, aPod, applyObjects, inPod, podNamed, sh, statusOf, untilPod, untilReady } from '../support/pods.js';
import { eventually } from '../support/processes.js';
import { TestCluster } from '../support/test-cluster.js';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'bconf', nodes: 2, slot: 4 });
  await buildBusybox(cluster);
}, 120_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
}, 60_000);

interface ClaimJson {
  readonly spec: { readonly volumeName?: string };
  readonly status: { readonly phase: string };
}

/** Persistent folders of all hosts. */
function folders(): readonly string[] {
  return ['node-1', 'node-2'].flatMap((node) => {
    const root = join(cluster.dataDir, 'nodes', node, 'persistent');
    return existsSync(root) ? readdirSync(root) : [];
  });
}

function aSet(name: string): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: {
      serviceName: name,
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 1,
          securityContext: { runAsUser: 999, fsGroup: 999 },
          containers: [aContainer('main', { volumeMounts: [{ name: 'data', mountPath: '/data' }] })],
        },
      },
      volumeClaimTemplates: [
        { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
      ],
    },
  };
}

test('a StatefulSet gets its volumes, keeps its rows when its pod is lost, and gives the disk back with the claim', async () => {
  await applyObjects(cluster, aSet('db'));
  await eventually('db-0 is there', 10_000, async () => (await cluster.kubectlAny(['get', 'pod', 'db-0'])).code === 0);
  await untilReady(cluster, 'db-0');
  await inPod(cluster, 'db-0', 'echo row > /data/rows');
  const { spec, metadata } = await podNamed(cluster, 'db-0');
  await cluster.kubectl(['delete', 'pod', 'db-0']);
  await untilPod(cluster, 'db-0', { what: 'is another', is: (pod) => pod.metadata.uid !== metadata.uid });
  await untilReady(cluster, 'db-0');
  expect(await inPod(cluster, 'db-0', 'cat /data/rows')).toBe('row');
  expect((await podNamed(cluster, 'db-0')).spec?.nodeName).toBe(spec?.nodeName);
  const { spec: claim } = await cluster.get<ClaimJson>('pvc', 'data-db-0');
  expect(folders()).toContain(claim.volumeName);
  await cluster.kubectl(['delete', 'statefulset', 'db']);
  await cluster.kubectl(['delete', 'pvc', 'data-db-0', '--timeout=30s']);
  await eventually('volume and folder are gone', 15_000, async () => {
    const { items } = await cluster.get<{ items: readonly unknown[] }>('pv');
    return items.length === 0 && folders().length === 0;
  });
}, 90_000);

test('a claim finds the volume that an administrator made, and its pod sees what is there', async () => {
  const host = mkdtempSync(join(tmpdir(), 'berth-volume-'));
  try {
    writeFileSync(join(host, 'index.html'), 'from the host');
    const common = { storageClassName: 'manual', accessModes: ['ReadWriteOnce'] };
    await applyObjects(
      cluster,
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'task' },
        spec: { ...common, capacity: { storage: '10Gi' }, hostPath: { path: host } },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'task' },
        spec: { ...common, resources: { requests: { storage: '3Gi' } } },
      },
      aPod(
        'task',
        { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'task' } }] },
      ),
    );
    await untilReady(cluster, 'task');
    expect(await inPod(cluster, 'task', 'cat /v/index.html')).toBe('from the host');
    await cluster.kubectl(['delete', 'pod/task', 'pvc/task']);
    await eventually(
      'the volume is released',
      10_000,
      async () => (await cluster.get<ClaimJson>('pv', 'task')).status.phase === 'Released',
    );
    await cluster.kubectl(['delete', 'pv', 'task']);
  } finally {
    rmSync(host, { recursive: true, force: true });
  }
}, 60_000);

test('a resize changes the limits of the running container', async () => {
  await applyObjects(cluster, aPod('sized', { resources: { requests: { cpu: '100m' }, limits: { cpu: '200m', memory: '64Mi' } } }));
  await untilReady(cluster, 'sized');
  const resources = { requests: { cpu: '150m' }, limits: { cpu: '300m', memory: '128Mi' } };
  const patch = JSON.stringify({ spec: { containers: [{ name: 'main', resources }] } });
  await cluster.kubectl(['patch', 'pod', 'sized', '--subresource', 'resize', '-p', patch]);
  const pod = await untilPod(cluster, 'sized', {
    what: 'is resized',
    is: (seen) => statusOf(seen)?.resources?.limits?.['cpu'] === '300m',
  });
  expect(statusOf(pod)?.restartCount).toBe(0);
  const limits = await inPod(
    cluster,
    'sized',
    'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/memory.max',
  );
  expect(limits.split(/\s+/).filter((word) => word !== '100000')).toEqual(['30000', String(128 * 1024 ** 2)]);
}, 60_000);

test("last words at a path of its own from a user who is not root; the host's namespaces; an alias that leads outside", async () => {
  const terminationMessagePath = '/dev/my-last-words';
  await applyObjects(
    cluster,
    aPod(
      'words',
      { command: sh(`echo -n DONE > ${terminationMessagePath}`), terminationMessagePath, securityContext: { runAsUser: 1000 } },
      { restartPolicy: 'Never' },
    ),
    aPod('hosts', {}, { hostNetwork: true, hostPID: true, hostIPC: true }),
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'outside' }, spec: { type: 'ExternalName', externalName: 'foo.example.com' } },
    aPod('asking'),
  );
  const pod = await untilPod(cluster, 'words', { what: 'is over', is: (seen) => seen.status?.phase === 'Succeeded' });
  expect(statusOf(pod)?.state?.terminated?.message).toBe('DONE');
  await untilReady(cluster, 'hosts', 'asking');
  const { value } = await eventually('the alias is told', 10_000, async () => {
    const { stdout } = await cluster.kubectlAny(['exec', 'asking', '--', 'nslookup', '-type=cname', 'outside.default.svc.cluster.local']);
    return stdout.includes('canonical name') ? stdout : undefined;
  });
  expect(value).toContain('foo.example.com');
}, 60_000);

test('a ReplicationController keeps its pods, and a Job ends at an exit code that its policy calls fatal', async () => {
  const template = { metadata: { labels: { app: 'rc' } }, spec: { terminationGracePeriodSeconds: 1, containers: [aContainer('main')] } };
  const failing = { restartPolicy: 'Never', containers: [aContainer('main', { command: sh('exit 42') })] };
  await applyObjects(
    cluster,
    { apiVersion: 'v1', kind: 'ReplicationController', metadata: { name: 'rc' }, spec: { replicas: 2, selector: { app: 'rc' }, template } },
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'fatal' },
      spec: {
        podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] },
        template: { spec: failing },
      },
    },
  );
  await cluster.kubectl(['wait', '--for=condition=Failed', 'job/fatal', '--timeout=20s']);
  const job = await cluster.get<{ status: { failed: number; conditions: readonly { type: string; reason: string }[] } }>('job', 'fatal');
  expect(job.status.failed).toBe(1);
  expect(job.status.conditions.map(({ type, reason }) => `${type} ${reason}`)).toContain('Failed PodFailurePolicy');
  await cluster.kubectl(['wait', '--for=jsonpath={.status.readyReplicas}=2', 'rc/rc', '--timeout=20s']);
}, 60_000);

test('the API passes HTTP on to pods and services', async () => {
  const script = 'mkdir /tmp/w && echo page > /tmp/w/page.html && exec httpd -f -p 8080 -h /tmp/w';
  await applyObjects(
    cluster,
    aPod('web', {
      command: sh(script),
      ports: [{ name: 'http', containerPort: 8080 }],
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
  );
  await untilReady(cluster, 'web');
  const ask = async (what: string): Promise<string> =>
    cluster.kubectl(['get', '--raw', `/api/v1/namespaces/default/${what}/proxy/page.html`]);
  expect(await ask('pods/web:8080')).toBe('page\n');
  expect(await ask('pods/web')).toBe('page\n');
  await eventually('the service answers', 10_000, async () => (await ask('services/web:http')) === 'page\n');
  const missing = await cluster.kubectlAny(['get', '--raw', '/api/v1/namespaces/default/pods/web:9/proxy/']);
  expect(missing.stderr).toContain('error trying to reach service');
}, 60_000);

test('a pod that outgrows its emptyDir is evicted', async () => {
  await applyObjects(
    cluster,
    aPod(
      'greedy',
      { command: sh('dd if=/dev/zero of=/d/x bs=1M count=20; sleep 1000'), volumeMounts: [{ name: 'd', mountPath: '/d' }] },
      { volumes: [{ name: 'd', emptyDir: { sizeLimit: '10Mi' } }] },
    ),
  );
  const pod = await untilPod(cluster, 'greedy', { what: 'is evicted', is: ({ status }) => status?.phase === 'Failed', timeoutMs: 25_000 });
  expect(pod.status).toMatchObject({ reason: 'Evicted', message: 'Usage of EmptyDir volume "d" exceeds the limit "10Mi". ' });
}, 60_000);
