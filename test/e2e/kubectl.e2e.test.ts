/** Stock kubectl on a real cluster: every verb, and what its user sees. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBusybox } from '../support/images.js';
import { service, toolPod, webDeployment } from '../support/manifests.js';
import { aPod, applyObjects, sh, untilReady } from '../support/pods.js';
import { eventually, run, runAny } from '../support/processes.js';
import { TestCluster } from '../support/test-cluster.js';

let cluster: TestCluster;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-kubectl-test-'));
  cluster = await TestCluster.start({ name: 'bekube', nodes: 2, slot: 3 });
  await buildBusybox(cluster);
  await cluster.apply([webDeployment({ name: 'web', replicas: 2 }), service('web'), toolPod('tool')].join('\n---\n'));
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s'], { timeoutMs: 70_000 });
  await untilReady(cluster, 'tool');
}, 150_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const kubectl = (...args: readonly string[]): Promise<string> => cluster.kubectl(args);

/** A table without its padding, line by line. */
async function rows(...args: readonly string[]): Promise<readonly string[]> {
  return (await cluster.kubectl(args))
    .trim()
    .split('\n')
    .map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));
}

interface Follower extends Disposable {
  readonly output: () => string;
  readonly type: (text: string) => void;
}

/** kubectl in the background, until it is disposed. */
function follow(...args: readonly string[]): Follower {
  const child: ChildProcess = spawn(cluster.kubectlFile, args, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });
  let output = '';
  const collect = (data: Buffer): void => void (output += data.toString());
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  return {
    output: () => output,
    type: (text) => void child.stdin?.write(text),
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

/** kubectl on a terminal of 100 columns and 30 lines, fed with `input`; answers what the terminal showed. */
async function onTerminal(args: readonly string[], input: string): Promise<string> {
  const words = [cluster.kubectlFile, ...args].map((word) => `'${word}'`).join(' ');
  const { stdout } = await runAny(
    ['sh', '-c', `(sleep 1; printf '${input}'; sleep 1) | script -qec "stty cols 100 rows 30; ${words}" /dev/null`],
    {
      env: { KUBECONFIG: cluster.kubeconfig, TERM: 'xterm' },
      timeoutMs: 20_000,
    },
  );
  return stdout;
}

describe('get', () => {
  test('tables, wide ones, and columns by choice', async () => {
    expect((await rows('get', 'deployments'))[0]).toBe('NAME | READY | UP-TO-DATE | AVAILABLE | AGE');
    expect((await rows('get', 'deployment', 'web', '-o', 'wide'))[1]).toMatch(
      /^web \| 2\/2 \| 2 \| 2 \| \d+s \| web \| busybox:test \| app=web$/,
    );
    expect((await rows('get', 'pods', '-o', 'wide'))[0]).toBe(
      'NAME | READY | STATUS | RESTARTS | AGE | IP | NODE | NOMINATED NODE | READINESS GATES',
    );
    expect((await rows('get', 'svc', 'web'))[1]).toMatch(/^web \| ClusterIP \| 10\.173\.\d+\.\d+ \| <none> \| 80\/TCP \| \d+s$/);
    expect((await rows('get', 'nodes'))[1]).toMatch(/^node-1 \| Ready \| <none> \| \d+s \| v1\.36\.0\S*$/);
    expect(await rows('get', 'pod', 'tool', '-o', 'custom-columns=N:.metadata.name,I:.spec.containers[*].image')).toEqual([
      'N | I',
      'tool | busybox:test',
    ]);
  });

  test('json, yaml, name, jsonpath, templates, sorted, by label and field, of several kinds, and in all namespaces', async () => {
    expect(JSON.parse(await kubectl('get', 'deploy/web', '-o', 'json'))).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment' });
    expect(await kubectl('get', 'deploy/web', '-o', 'yaml')).toMatch(/^apiVersion: apps\/v1\nkind: Deployment\n/);
    expect(await kubectl('get', 'deploy,svc', '-o', 'name')).toBe('deployment.apps/web\nservice/kubernetes\nservice/web\n');
    expect(await kubectl('get', 'pod', 'tool', '-o', 'jsonpath={.spec.containers[0].name}')).toBe('tool');
    expect(await kubectl('get', 'pods', '-o', 'go-template={{len .items}}')).toBe('3');
    expect(await rows('get', 'pods', '-l', 'app=web', '--sort-by=.metadata.name', '--no-headers')).toHaveLength(2);
    expect(await kubectl('get', 'pods', '--field-selector', 'metadata.name=tool', '-o', 'name')).toBe('pod/tool\n');
    expect(await rows('get', 'all')).toContainEqual(expect.stringMatching(/^deployment\.apps\/web \| 2\/2/));
    expect((await rows('get', 'pods', '-A'))[0]).toMatch(/^NAMESPACE \| NAME/);
    expect(await kubectl('get', '--raw', '/readyz')).toBe('ok');
    expect((await cluster.kubectlAny(['get', 'pod', 'nobody'])).stderr).toBe('Error from server (NotFound): pods "nobody" not found\n');
    expect((await cluster.kubectlAny(['get', 'nonsense'])).stderr).toBe(`error: the server doesn't have a resource type "nonsense"\n`);
    expect((await cluster.kubectlAny(['get', 'cronjobs'])).stderr).toBe('No resources found in default namespace.\n');
  });

  test('-w shows changes as they come', async () => {
    using watch = follow('get', 'configmap', 'watched', '-w', '-o', 'jsonpath={.data.x}{"\\n"}', '--ignore-not-found');
    using events = follow('get', 'pods', '-w', '--output-watch-events');
    await eventually('the table of pods', 5_000, async () => events.output().includes('tool'));
    void watch;
    await applyObjects(cluster, aPod('seen'));
    await eventually('the pod ran', 10_000, async () =>
      /ADDED +seen +0\/1 +Pending[^]*MODIFIED +seen +0\/1 +ContainerCreating[^]*MODIFIED +seen +1\/1 +Running/.test(events.output()),
    );
    await kubectl('delete', 'pod', 'seen', '--now');
    await eventually('the pod went', 10_000, async () => /DELETED +seen /.test(events.output()));
  });
});

describe('describe and explain', () => {
  test('of a pod, a deployment, a node, a service', async () => {
    const [pod] = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n');
    const described = await kubectl('describe', pod!);
    for (const expected of [
      /^Node: +node-\d\/10\.93\.0\.1\d$/m,
      /^Status: +Running$/m,
      /^Controlled By: +ReplicaSet\/web-/m,
      /Readiness: +http-get http:\/\/:http\/ delay=0s timeout=1s period=1s #success=1 #failure=3/,
      /^ +Normal +Scheduled +\d+s +\S+ +Successfully assigned default\/web-\S+ to node-\d$/m,
      /Normal +Pulled +/,
      /Normal +Created +/,
      /Normal +Started +/,
      /^QoS Class: +BestEffort$/m,
    ])
      expect(described).toMatch(expected);
    expect(await kubectl('describe', 'deployment', 'web')).toMatch(
      /^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$/m,
    );
    expect(await kubectl('describe', 'deployment', 'web')).toMatch(
      /Normal +ScalingReplicaSet +\d+s +deployment-controller +Scaled up replica set web-\S+ from 0 to 2/,
    );
    const node = await kubectl('describe', 'node', 'node-1');
    for (const expected of [
      /^Conditions:$/m,
      /^ +Ready +True .* KubeletReady +/m,
      /^Allocated resources:$/m,
      /^Non-terminated Pods: +\(\d+ in total\)$/m,
      /Container Runtime Version: +\S+/,
    ])
      expect(node).toMatch(expected);
    expect(await kubectl('describe', 'service', 'web')).toMatch(/^Endpoints: +10\.193\.\d+\.\d+:8080,10\.193\.\d+\.\d+:8080$/m);
  });

  test('explain knows fields and their words', async () => {
    expect(await kubectl('explain', 'deployment.spec.strategy.rollingUpdate.maxSurge')).toMatch(
      /FIELD: maxSurge <IntOrString>[^]*DESCRIPTION:/,
    );
    expect(await kubectl('explain', 'pod.spec', '--recursive')).toContain('terminationGracePeriodSeconds');
    expect(await kubectl('explain', 'operation.spec')).toMatch(/GROUP: +berth\.dev/);
  });

  test('api-resources, api-versions, version, cluster-info and auth can-i', async () => {
    expect(await rows('api-resources')).toContainEqual('deployments | deploy | apps/v1 | true | Deployment');
    expect(await kubectl('api-versions')).toMatch(/^apps\/v1\n[^]*^v1$/m);
    expect(await kubectl('version')).toMatch(/^Client Version: v1\.35[^]*^Server Version: v1\.36\.0$/m);
    expect(await kubectl('cluster-info')).toContain('is running at');
    expect(await kubectl('auth', 'can-i', 'create', 'pods')).toBe('yes\n');
    expect((await cluster.kubectlAny(['auth', 'can-i', 'delete', 'nodes', '--as=somebody'])).stdout).toBe('no\n');
    expect(await kubectl('auth', 'whoami')).toMatch(/system:masters/);
    expect(await kubectl('auth', 'can-i', '--list')).toMatch(/\*\.\* +\[\] +\[\] +\[\*\]/);
  });
});

describe('apply, diff, edit and their kin', () => {
  const manifest = (colour: string): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'paint' }, data: { colour } });

  test('created, unchanged, diff, configured, server-side, conflict', async () => {
    expect(await cluster.apply(manifest('green'))).toBe('configmap/paint created\n');
    expect(await cluster.apply(manifest('green'))).toBe('configmap/paint unchanged\n');
    const diff = await cluster.kubectlAny(['diff', '-f', '-'], { input: manifest('blue') });
    expect(diff.code).toBe(1);
    expect(diff.stdout).toMatch(/^-  colour: green\n\+  colour: blue$/m);
    expect(await cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], { input: manifest('blue') })).toBe(
      'configmap/paint configured (server dry run)\n',
    );
    expect(await cluster.apply(manifest('blue'))).toBe('configmap/paint configured\n');
    expect(await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: manifest('red') })).toBe(
      'configmap/paint serverside-applied\n',
    );
    const conflict = await cluster.kubectlAny(['apply', '--server-side', '--field-manager=other', '-f', '-'], { input: manifest('black') });
    expect(conflict.stderr).toMatch(/Apply failed with 1 conflict: conflict with "kubectl"[^]*\.data\.colour/);
  });

  test('edit, label, annotate, patch in three ways, set, replace', async () => {
    const editor = join(folder, 'editor.sh');
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/colour: .*/colour: white/" "$1"\n', { mode: 0o755 });
    expect(await cluster.kubectl(['edit', 'configmap', 'paint'], { env: { KUBE_EDITOR: editor } })).toBe('configmap/paint edited\n');
    expect(await kubectl('label', 'configmap', 'paint', 'kind=oil')).toBe('configmap/paint labeled\n');
    expect(await kubectl('annotate', 'configmap', 'paint', 'by=us')).toBe('configmap/paint annotated\n');
    expect((await cluster.kubectlAny(['label', 'configmap', 'paint', 'kind=water'])).stderr).toContain(
      'already has a value (oil), and --overwrite is false',
    );
    expect(await kubectl('label', 'configmap', 'paint', 'kind-')).toBe('configmap/paint unlabeled\n');
    expect(await kubectl('patch', 'configmap', 'paint', '--type=merge', '-p', '{"data":{"a":"1"}}')).toBe('configmap/paint patched\n');
    expect(
      await kubectl(
        'patch',
        'configmap',
        'paint',
        '--type=json',
        '-p',
        '[{"op":"test","path":"/data/a","value":"1"},{"op":"add","path":"/data/b","value":"2"}]',
      ),
    ).toBe('configmap/paint patched\n');
    expect(await kubectl('patch', 'configmap', 'paint', '-p', '{"data":{"a":null}}')).toBe('configmap/paint patched\n');
    expect(await kubectl('patch', 'configmap', 'paint', '-p', '{"data":{"b":"2"}}')).toBe('configmap/paint patched (no change)\n');
    expect(JSON.parse(await kubectl('get', 'configmap', 'paint', '-o', 'jsonpath={.data}'))).toEqual({ colour: 'white', b: '2' });
    expect(await cluster.kubectl(['replace', '-f', '-'], { input: manifest('grey') })).toBe('configmap/paint replaced\n');
    expect(await kubectl('set', 'env', 'deployment/web', 'X=1')).toBe('deployment.apps/web env updated\n');
    expect(await kubectl('set', 'resources', 'deployment/web', '--requests=cpu=10m')).toBe(
      'deployment.apps/web resource requirements updated\n',
    );
    expect(await kubectl('delete', 'configmap', 'paint')).toBe('configmap "paint" deleted from default namespace\n');
  });

  test('create of everything that it knows, and delete', async () => {
    writeFileSync(join(folder, 'file'), 'x');
    const created = [
      ['namespace', 'made'],
      ['configmap', 'made', '--from-literal=a=b', `--from-file=${folder}/file`],
      ['secret', 'generic', 'made', '--from-literal=a=b'],
      ['secret', 'docker-registry', 'made-registry', '--docker-server=r', '--docker-username=u', '--docker-password=p'],
      ['serviceaccount', 'made'],
      ['deployment', 'made', '--image=busybox:test', '--', 'sleep', '1000'],
      ['service', 'clusterip', 'made', '--tcp=80:8080'],
      ['job', 'made', '--image=busybox:test', '--', 'true'],
      ['cronjob', 'made', '--image=busybox:test', '--schedule=0 0 1 1 *', '--', 'true'],
      ['poddisruptionbudget', 'made', '--selector=app=made', '--min-available=1'],
      ['quota', 'made', '--hard=pods=50'],
      ['role', 'made', '--verb=get', '--resource=pods'],
      ['rolebinding', 'made', '--role=made', '--user=somebody'],
      ['clusterrole', 'made', '--verb=get', '--resource=nodes'],
      ['clusterrolebinding', 'made', '--clusterrole=made', '--user=somebody'],
      ['ingress', 'made', '--rule=host/path=made:80'],
      ['priorityclass', 'made', '--value=5'],
    ];
    for (const args of created) expect(await kubectl('create', ...args)).toMatch(/ created\n$/);
    expect((await kubectl('create', 'token', 'made')).split('.')).toHaveLength(3);
    expect((await cluster.kubectlAny(['auth', 'can-i', 'get', 'pods', '--as=somebody'])).stdout).toBe('yes\n');
    await kubectl('wait', '--for=condition=Complete', 'job/made', '--timeout=20s');
    const objects = created
      .slice(1)
      .map(([kind, name, third]) => (kind === 'secret' || kind === 'service' ? `${kind}/${third}` : `${kind}/${name}`));
    await cluster.kubectl(['delete', ...objects, 'namespace/made'], { timeoutMs: 40_000 });
    expect((await cluster.kubectlAny(['get', 'namespace', 'made'])).code).toBe(1);
  });
});

describe('run, expose, wait, logs, exec, attach, cp, port-forward, debug', () => {
  test('run shows output and exit code and removes the pod; expose and wait', async () => {
    const { stdout, code } = await cluster.kubectlAny(
      ['run', 'once', '--image=busybox:test', '--restart=Never', '--rm', '-i', '--quiet', '--', 'sh', '-c', 'cat; exit 3'],
      { input: 'through\n' },
    );
    expect({ stdout, code }).toEqual({ stdout: 'through\n', code: 3 });
    await kubectl('run', 'served', '--image=busybox:test', '--port=8080', '--', 'sleep', '1000');
    await kubectl('wait', '--for=condition=Ready', 'pod/served', '--timeout=20s');
    expect(await kubectl('expose', 'pod', 'served', '--port=80', '--target-port=8080')).toBe('service/served exposed\n');
    await kubectl('wait', '--for=jsonpath={.spec.ports[0].targetPort}=8080', 'service/served', '--timeout=5s');
    await kubectl('delete', 'pod/served', 'service/served', '--now', '--wait=false');
    await kubectl('wait', '--for=delete', 'pod/served', '--timeout=20s');
  });

  test('logs follow, of all pods of a label, with prefix, since, timestamps, of a container', async () => {
    await applyObjects(cluster, aPod('talker', { command: sh('i=0; while :; do i=$((i+1)); echo line $i; sleep 0.3; done') }));
    await untilReady(cluster, 'talker');
    using following = follow('logs', '-f', 'talker');
    await eventually('three lines', 10_000, async () => following.output().startsWith('line 1\nline 2\nline 3\n'));
    expect(await kubectl('logs', 'talker', '--tail=1', '--timestamps')).toMatch(/^\d{4}-\d\d-\d\dT\S+Z line \d+\n$/);
    expect(await kubectl('logs', '-l', 'app=talker', '--prefix', '--tail=1')).toMatch(/^\[pod\/talker\/main\] line \d+\n$/);
    expect((await kubectl('logs', 'talker', '--since=1s')).split('\n').length).toBeLessThan(8);
    expect((await cluster.kubectlAny(['logs', 'talker', '-c', 'nobody'])).stderr).toContain('container nobody is not valid for pod talker');
    await kubectl('logs', 'deployment/web');
  });

  test('exec on a terminal: a shell that knows its size and its user', async () => {
    const shown = await onTerminal(
      ['exec', '-it', 'tool', '--', 'sh'],
      'echo $((6*7)) $TERM\\nstty size\\ntest -t 0 && echo terminal\\nexit 5\\n',
    );
    expect(shown).toMatch(/42 xterm/);
    expect(shown).toMatch(/^30 100\r$/m);
    expect(shown).toMatch(/^terminal\r$/m);
    expect(shown).toContain('command terminated with exit code 5');
  });

  test('attach hears the running process and speaks to it', async () => {
    await applyObjects(cluster, aPod('echoing', { command: sh('while read line; do echo "heard $line"; done; sleep 1000'), stdin: true }));
    await untilReady(cluster, 'echoing');
    using attached = follow('attach', '-i', 'echoing', '--quiet');
    attached.type('hello\n');
    await eventually('the echo', 10_000, async () => attached.output().includes('heard hello'));
  });

  test('cp of a folder, there and back', async () => {
    writeFileSync(join(folder, 'a'), 'content');
    await kubectl('cp', folder, 'tool:/tmp/copied');
    await kubectl('cp', 'tool:/tmp/copied', join(folder, 'back'));
    expect(readFileSync(join(folder, 'back/a'), 'utf8')).toBe('content');
  });

  test('port-forward to a Service', async () => {
    using forward = follow('port-forward', 'service/web', '18193:80');
    await eventually('forwarding', 10_000, async () => forward.output().includes('Forwarding from'));
    for (let i = 0; i < 3; i++) expect(await run(['curl', '-sS', '--max-time', '3', 'http://127.0.0.1:18193/'])).toMatch(/^web-/);
  });

  test('debug adds a container that sees the processes of its target', async () => {
    await kubectl('debug', 'tool', '--image=busybox:test', '--container=helper', '--target=tool', '--', 'sh', '-c', 'ps; sleep 1000');
    await eventually('the helper ran', 15_000, async () => (await kubectl('logs', 'tool', '-c', 'helper')).includes('sleep 100000'));
  });

  test('top and events', async () => {
    await eventually('usage', 20_000, async () =>
      (await rows('top', 'pods', '--no-headers')).some((row) => /^tool \| \d+m \| \d+Mi$/.test(row)),
    );
    expect((await rows('top', 'nodes'))[0]).toBe('NAME | CPU(cores) | CPU(%) | MEMORY(bytes) | MEMORY(%)');
    expect(await rows('top', 'pod', 'talker', '--containers')).toContainEqual(expect.stringMatching(/^talker \| main \| \d+m \| \d+Mi$/));
    expect(await rows('events', '--for', 'pod/talker')).toContainEqual(
      expect.stringMatching(/\| Normal \| Scheduled \| Pod\/talker \| Successfully assigned default\/talker to node-\d/),
    );
  });
});

describe('scale, rollout, autoscale', () => {
  test('scale with a condition', async () => {
    expect(await kubectl('scale', 'deployment/web', '--replicas=3')).toBe('deployment.apps/web scaled\n');
    expect((await cluster.kubectlAny(['scale', 'deployment/web', '--current-replicas=1', '--replicas=5'])).stderr).toContain(
      'Expected replicas to be 1, was 3',
    );
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=40s'], { timeoutMs: 45_000 });
  });

  test('autoscale writes an autoscaler that get shows', async () => {
    expect(await kubectl('autoscale', 'deployment/web', '--min=1', '--max=5', '--cpu=50%')).toBe(
      'horizontalpodautoscaler.autoscaling/web autoscaled\n',
    );
    expect((await rows('get', 'hpa'))[0]).toBe('NAME | REFERENCE | TARGETS | MINPODS | MAXPODS | REPLICAS | AGE');
    await kubectl('delete', 'hpa', 'web');
  });
});

describe('nodes', () => {
  test('cordon, taint, drain, uncordon', async () => {
    expect(await kubectl('cordon', 'node-2')).toBe('node/node-2 cordoned\n');
    expect((await rows('get', 'node', 'node-2'))[1]).toMatch(/Ready,SchedulingDisabled/);
    expect(await kubectl('taint', 'node', 'node-2', 'a=b:NoSchedule')).toBe('node/node-2 tainted\n');
    expect(await kubectl('taint', 'node', 'node-2', 'a-')).toBe('node/node-2 untainted\n');
    const drained = await cluster.kubectl(
      ['drain', 'node-2', '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=40s'],
      { timeoutMs: 45_000 },
    );
    expect(drained).toMatch(/node\/node-2 drained\n$/);
    expect(await kubectl('get', 'pods', '--field-selector', 'spec.nodeName=node-2', '-o', 'name')).toBe('');
    expect(await kubectl('uncordon', 'node-2')).toBe('node/node-2 uncordoned\n');
  });
});
