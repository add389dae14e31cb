/** What a container finds around it on a real host: environment, volumes, its user and rights, and ports of the host. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildBusybox } from '../support/images.js';
import { aContainer, aPod, applyObjects, eventsOf, inPod, podNamed, sh, statusOf, untilPod, untilReady } from '../support/pods.js';
import { eventually } from '../support/processes.js';
import { TestCluster } from '../support/test-cluster.js';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'besurr', nodes: 2, slot: 2 });
  await buildBusybox(cluster);
  await applyObjects(
    cluster,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { colour: 'green', 'app.conf': 'level=1\n' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { password: 's3cret' } },
  );
}, 120_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
}, 60_000);

test('environment from values, ConfigMaps, Secrets, fields, resources, and services', async () => {
  const field = (fieldPath: string): { valueFrom: object } => ({ valueFrom: { fieldRef: { fieldPath } } });
  await applyObjects(
    cluster,
    aPod(
      'env',
      {
        command: ['sh', '-c', 'echo $0 $1; sleep 100000', 'from-$(PLAIN)', '$$(PLAIN) $(MISSING)'],
        resources: { requests: { cpu: '50m' }, limits: { memory: '64Mi', cpu: '1500m' } },
        envFrom: [{ configMapRef: { name: 'settings' }, prefix: 'C_' }, { secretRef: { name: 'absent', optional: true } }],
        env: [
          { name: 'PLAIN', value: 'plain' },
          { name: 'NESTED', value: 'a-$(PLAIN)-$(LATER)' },
          { name: 'LATER', value: 'x' },
          { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'keys', key: 'password' } } },
          { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
          { name: 'NAME', ...field('metadata.name') },
          { name: 'LABEL', ...field("metadata.labels['tier']") },
          { name: 'NODE', ...field('spec.nodeName') },
          { name: 'IP', ...field('status.podIP') },
          { name: 'HOST_IP', ...field('status.hostIP') },
          { name: 'CPUS', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
          { name: 'MEGABYTES', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
        ],
      },
      { labels: { tier: 'front' } },
    ),
  );
  await untilReady(cluster, 'env');
  const pod = await podNamed(cluster, 'env');
  const lines = (await inPod(cluster, 'env', 'env')).split('\n');
  const seen = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  expect(seen).toMatchObject({
    PLAIN: 'plain',
    NESTED: 'a-plain-$(LATER)',
    C_colour: 'green',
    PASSWORD: 's3cret',
    COLOUR: 'green',
    NAME: 'env',
    LABEL: 'front',
    NODE: pod.spec?.nodeName,
    IP: pod.status?.podIP,
    HOST_IP: pod.status?.hostIP,
    CPUS: '2',
    MEGABYTES: '64',
    HOSTNAME: 'env',
    KUBERNETES_SERVICE_PORT: '443',
  });
  expect(seen).not.toHaveProperty('C_app.conf');
  expect(await cluster.kubectl(['logs', 'env'])).toBe('from-plain $(PLAIN) $(MISSING)\n');
});

test('a missing ConfigMap: CreateContainerConfigError until it is there', async () => {
  await applyObjects(cluster, aPod('waits', { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'tardy', key: 'x' } } }] }));
  const pod = await untilPod(cluster, 'waits', {
    what: 'has no configuration',
    is: (now) => statusOf(now)?.state?.waiting?.reason === 'CreateContainerConfigError',
  });
  expect(statusOf(pod)?.state?.waiting?.message).toBe('configmap "tardy" not found');
  await cluster.kubectl(['create', 'configmap', 'tardy', '--from-literal=x=1']);
  await untilReady(cluster, 'waits');
});

describe('volumes', () => {
  const hostFolder = '/tmp/berth-besurr-host';

  beforeAll(async () => {
    const mount = (name: string, extra: object = {}): { name: string; mountPath: string } => ({ name, mountPath: `/v/${name}`, ...extra });
    await applyObjects(
      cluster,
      aPod(
        'volumes',
        {
          resources: { limits: { memory: '64Mi' } },
          volumeMounts: [
            mount('disk'),
            mount('memory'),
            mount('host'),
            mount('config'),
            mount('secret', { readOnly: true }),
            mount('downward'),
            mount('projected'),
            { name: 'config', mountPath: '/single/app.conf', subPath: 'app.conf' },
            { name: 'disk', mountPath: '/part', subPath: 'inner/part' },
            { name: 'disk', mountPath: '/named', subPathExpr: '$(POD)' },
          ],
          env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        },
        {
          annotations: { note: 'first' },
          volumes: [
            { name: 'disk', emptyDir: {} },
            { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
            { name: 'host', hostPath: { path: hostFolder, type: 'DirectoryOrCreate' } },
            { name: 'config', configMap: { name: 'settings', defaultMode: 0o640 } },
            { name: 'secret', secret: { secretName: 'keys', items: [{ key: 'password', path: 'deep/pass', mode: 0o400 }] } },
            {
              name: 'downward',
              downwardAPI: {
                items: [
                  { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
                  { path: 'note', fieldRef: { fieldPath: "metadata.annotations['note']" } },
                  { path: 'memory', resourceFieldRef: { containerName: 'main', resource: 'limits.memory' } },
                ],
              },
            },
            {
              name: 'projected',
              projected: {
                sources: [
                  { configMap: { name: 'settings', items: [{ key: 'colour', path: 'colour' }] } },
                  { secret: { name: 'keys' } },
                  { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
                  { serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 3_600 } },
                ],
              },
            },
          ],
        },
      ),
    );
    await untilReady(cluster, 'volumes');
  });

  afterAll(async () => {
    await cluster.inHost(1, ['rm', '-rf', hostFolder]);
  });

  test('emptyDir on disk, parts of it, and in memory with its size', async () => {
    await inPod(cluster, 'volumes', 'echo a > /part/x; echo b > /named/y');
    expect(await inPod(cluster, 'volumes', 'cat /v/disk/inner/part/x /v/disk/volumes/y')).toBe('a\nb');
    expect(await inPod(cluster, 'volumes', "grep ' /v/memory ' /proc/mounts")).toMatch(/^tmpfs .*size=8192k/);
  });

  test('hostPath is the folder of the host', async () => {
    await inPod(cluster, 'volumes', 'echo kept > /v/host/file');
    expect(await cluster.inHost(1, ['cat', `${hostFolder}/file`])).toBe('kept\n');
  });

  test('ConfigMap, Secret, downward API and projected files, with their modes', async () => {
    expect(await inPod(cluster, 'volumes', 'cat /v/config/colour; echo; cat /single/app.conf /v/secret/deep/pass')).toBe(
      'green\nlevel=1\ns3cret',
    );
    expect(await inPod(cluster, 'volumes', 'stat -L -c %a /v/config/colour /v/secret/deep/pass')).toBe('640\n400');
    expect(await inPod(cluster, 'volumes', 'cat /v/downward/labels; echo; cat /v/downward/note; echo; cat /v/downward/memory')).toBe(
      `app="volumes"\nfirst\n${64 * 1024 * 1024}`,
    );
    expect(await inPod(cluster, 'volumes', 'cd /v/projected && cat colour && echo && cat password && echo && cat name')).toBe(
      'green\ns3cret\nvolumes',
    );
    const payload = (await inPod(cluster, 'volumes', 'cat /v/projected/token')).split('.')[1] ?? '';
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      aud: ['vault'],
      sub: 'system:serviceaccount:default:default',
    });
    const written = await cluster.kubectlAny(['exec', 'volumes', '--', 'sh', '-c', 'echo x > /v/secret/new']);
    expect(written.stderr).toContain('Read-only file system');
  });

  test('the token of the service account reaches the API from inside', async () => {
    const script =
      'T=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token); ls /var/run/secrets/kubernetes.io/serviceaccount; echo $T | head -c 3';
    expect(await inPod(cluster, 'volumes', script)).toBe('ca.crt\nnamespace\ntoken\neyJ');
  });

  test('changes of a ConfigMap, of a label and of an annotation show up; a subPath stays', async () => {
    await cluster.kubectl(['patch', 'configmap', 'settings', '-p', '{"data":{"colour":"blue","app.conf":"level=2\\n"}}']);
    await cluster.kubectl(['annotate', '--overwrite', 'pod', 'volumes', 'note=second']);
    await cluster.kubectl(['label', 'pod', 'volumes', 'extra=yes']);
    const files = '/v/config/colour /v/config/app.conf /v/projected/colour /v/downward/note /v/downward/labels';
    await eventually('the new values', 15_000, async () => {
      const seen = await inPod(cluster, 'volumes', `cat ${files}`);
      if (seen !== 'bluelevel=2\nbluesecondapp="volumes"\nextra="yes"') throw new Error(seen);
      return true;
    });
    expect(await inPod(cluster, 'volumes', 'cat /single/app.conf')).toBe('level=1');
  });

  test('a volume that cannot be mounted: FailedMount, and it goes on when it can', async () => {
    await applyObjects(
      cluster,
      aPod('mountless', { volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes: [{ name: 'v', secret: { secretName: 'tardy' } }] }),
    );
    await eventually('an event', 10_000, async () =>
      (await eventsOf(cluster, 'mountless')).some(
        (event) => event === 'FailedMount: MountVolume.SetUp failed for volume "v" : secret "tardy" not found',
      ),
    );
    await cluster.kubectl(['create', 'secret', 'generic', 'tardy', '--from-literal=x=1']);
    await untilReady(cluster, 'mountless');
  });
});

describe('rights', () => {
  beforeAll(async () => {
    await applyObjects(
      cluster,
      aPod(
        'bound',
        {
          securityContext: {
            runAsUser: 1_000,
            runAsGroup: 2_000,
            readOnlyRootFilesystem: true,
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
        { securityContext: { fsGroup: 3_000, supplementalGroups: [4_000] }, volumes: [{ name: 'data', emptyDir: {} }] },
      ),
      aPod('usual', {}),
      aPod('added', { securityContext: { capabilities: { add: ['NET_ADMIN'], drop: ['CHOWN'] } } }),
      aPod('rootless', { securityContext: { runAsNonRoot: true } }),
      aPod('privileged', { securityContext: { privileged: true } }),
    );
    await untilReady(cluster, 'bound', 'usual', 'added', 'privileged');
  });

  test('user, groups, read-only root, no capabilities, no new privileges', async () => {
    expect(await inPod(cluster, 'bound', 'id -u; id -g; id -G')).toBe('1000\n2000\n2000 3000 4000');
    expect(await inPod(cluster, 'bound', "grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/1/status")).toMatch(
      /CapEff:\t0+\nCapBnd:\t0+\nNoNewPrivs:\t1/,
    );
    const { stderr } = await cluster.kubectlAny(['exec', 'bound', '--', 'touch', '/x']);
    expect(stderr).toContain('Read-only file system');
    expect(await inPod(cluster, 'bound', 'touch /data/x && stat -c %g /data/x')).toBe('3000');
  });

  test('capabilities as Docker gives them, added and dropped ones, and all for a privileged container', async () => {
    const effective = async (name: string): Promise<bigint> =>
      BigInt(`0x${(await inPod(cluster, name, 'grep CapEff /proc/1/status')).split('\t')[1] ?? ''}`);
    const usual = 0xa80425fbn;
    expect(await effective('usual')).toBe(usual);
    expect(await effective('added')).toBe((usual | (1n << 12n)) & ~1n);
    expect(await effective('privileged')).toBeGreaterThan(usual);
    expect(await inPod(cluster, 'usual', 'grep Seccomp: /proc/1/status')).toBe('Seccomp:\t2');
    expect(await inPod(cluster, 'usual', 'cat /proc/kcore 2>/dev/null | head -c 1; touch /proc/sys/x 2>&1 || true')).toMatch(/touch/);
  });

  test('root in an image is refused to who must not be root', async () => {
    const pod = await untilPod(cluster, 'rootless', {
      what: 'is refused',
      is: (now) => statusOf(now)?.state?.waiting?.reason === 'CreateContainerConfigError',
    });
    expect(statusOf(pod)?.state?.waiting?.message).toMatch(/^container has runAsNonRoot and image will run as root/);
  });
});

describe('the host', () => {
  test('a port of the host leads to the pod, and the next pod that wants it stays pending', async () => {
    const server = aContainer('web', {
      command: sh('mkdir -p /tmp/w && hostname > /tmp/w/index.html && exec httpd -f -p 80 -h /tmp/w'),
      ports: [{ containerPort: 80, hostPort: 8_081 }],
    });
    const pods = ['port-1', 'port-2', 'port-3'].map((name) => aPod(name, {}, { containers: [server] }));
    await applyObjects(cluster, ...pods.slice(0, 2));
    await untilReady(cluster, 'port-1', 'port-2');
    for (const name of ['port-1', 'port-2']) {
      const { hostIP = '' } = (await podNamed(cluster, name)).status ?? {};
      const { value } = await eventually(`${hostIP}:8081`, 5_000, () =>
        cluster.inHost(1, ['curl', '-sS', '--max-time', '2', `http://${hostIP}:8081/`]),
      );
      expect(value).toBe(`${name}\n`);
    }
    await applyObjects(cluster, pods[2]);
    await eventually('the reason', 10_000, async () =>
      (await eventsOf(cluster, 'port-3')).some((event) =>
        event.startsWith("FailedScheduling: 0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports."),
      ),
    );
  });

  test('hostNetwork, hostPID and the process namespace of the pod', async () => {
    await applyObjects(
      cluster,
      aPod('on-host', {}, { hostNetwork: true, hostPID: true }),
      aPod(
        'together',
        {},
        {
          shareProcessNamespace: true,
          containers: [aContainer('main'), aContainer('other', { command: ['sleep', '4242'] })],
          hostname: 'given',
          hostAliases: [{ ip: '10.1.2.3', hostnames: ['alias'] }],
        },
      ),
    );
    await untilReady(cluster, 'on-host', 'together');
    const onHost = await podNamed(cluster, 'on-host');
    expect(onHost.status?.podIP).toBe(onHost.status?.hostIP);
    expect(await inPod(cluster, 'on-host', 'ps')).toContain('node-agent');
    expect(await cluster.kubectl(['exec', 'together', '-c', 'main', '--', 'ps'])).toContain('sleep 4242');
    expect(await cluster.kubectl(['exec', 'together', '-c', 'main', '--', 'hostname'])).toBe('given\n');
    expect(await cluster.kubectl(['exec', 'together', '-c', 'main', '--', 'cat', '/etc/hosts'])).toMatch(/10\.1\.2\.3\s+alias/);
  });
});
