/** Helm 4 as it is, and clients that send rubbish, on a real cluster with etcd. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { malformedBodies } from '../malformed/bodies.js';
import { judge, send, type MalformedCase, type Target } from '../malformed/judge.js';
import { buildBusybox } from '../support/images.js';
import { helmPath } from '../support/kubectl.js';
import { eventually, runAny, type Outcome } from '../support/processes.js';
import { TestCluster, repositoryRoot } from '../support/test-cluster.js';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'beclient', nodes: 1, slot: 2 });
  await buildBusybox(cluster);
}, 120_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
}, 60_000);

const chartFiles: Readonly<Record<string, string>> = {
  'Chart.yaml':
    'apiVersion: v2\nname: greeter\ndescription: A web server that greets\ntype: application\nversion: 0.1.0\nappVersion: "1"\n',
  'values.yaml':
    'replicaCount: 1\ngreeting: hello\nimage: { repository: busybox, tag: test, pullPolicy: IfNotPresent }\nservice: { type: ClusterIP, port: 80 }\n',
  'templates/_helpers.tpl':
    '{{- define "greeter.labels" -}}\napp.kubernetes.io/name: {{ .Chart.Name }}\napp.kubernetes.io/instance: {{ .Release.Name }}\n{{- end }}\n',
  'templates/configmap.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-pages }\ndata: { index.html: {{ .Values.greeting | quote }} }\n',
  'templates/service.yaml': `apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
  labels: {{- include "greeter.labels" . | nindent 4 }}
spec:
  type: {{ .Values.service.type }}
  selector: {{- include "greeter.labels" . | nindent 4 }}
  ports: [{ port: {{ .Values.service.port }}, targetPort: http, name: http }]
`,
  'templates/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {{- include "greeter.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicaCount }}
  selector:
    matchLabels: {{- include "greeter.labels" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "greeter.labels" . | nindent 8 }}
      annotations: { checksum/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }} }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          command: [httpd, -f, -p, "8080", -h, /pages]
          ports: [{ name: http, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
          volumeMounts: [{ name: pages, mountPath: /pages }]
      volumes: [{ name: pages, configMap: { name: {{ .Release.Name }}-pages } }]
`,
  'templates/tests/answers.yaml': `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations: { helm.sh/hook: test, helm.sh/hook-delete-policy: hook-succeeded }
spec:
  restartPolicy: Never
  containers:
    - name: wget
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
      command: [wget, -qO-, "http://{{ .Release.Name }}/"]
`,
  'templates/NOTES.txt': 'Greets with {{ .Values.greeting }}.\n',
};

describe('Helm 4', () => {
  let folder: string;
  let program: string;

  beforeAll(async () => {
    program = await helmPath();
    folder = mkdtempSync(join(tmpdir(), 'berth-chart-'));
    mkdirSync(join(folder, 'greeter/templates/tests'), { recursive: true });
    for (const [name, text] of Object.entries(chartFiles)) writeFileSync(join(folder, 'greeter', name), text);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const helm = async (...args: readonly string[]): Promise<Outcome> => {
    const env = { KUBECONFIG: cluster.kubeconfig, HOME: folder };
    const outcome = await runAny([program, ...args], { env, timeoutMs: 60_000 });
    if (outcome.code !== 0) throw new Error(`helm ${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
    return outcome;
  };
  const greeting = (): Promise<string> => cluster.inHost(1, ['curl', '-sS', '--max-time', '3', 'http://hi.greet.svc.cluster.local/']);
  const wait = ['--wait', '--timeout', '40s', '-n', 'greet'];

  test('install waits for the pods, and shows its notes', async () => {
    const { stdout } = await helm('install', 'hi', join(folder, 'greeter'), '--create-namespace', ...wait);
    expect(stdout).toMatch(/^NAME: hi\n[^]*STATUS: deployed\nREVISION: 1\n[^]*NOTES:\nGreets with hello\./m);
    expect(await cluster.kubectl(['get', 'deployment', 'hi', '-n', 'greet', '--no-headers'])).toMatch(/^hi +1\/1 +1 +1 /);
    await eventually('the greeting', 10_000, async () => (await greeting()) === 'hello');
  }, 60_000);

  test('test, list, status, get', async () => {
    expect((await helm('test', 'hi', '-n', 'greet')).stdout).toMatch(/Phase: +Succeeded/);
    expect((await helm('list', '-A')).stdout).toMatch(/^hi\s+greet\s+1\s+.*deployed\s+greeter-0\.1\.0\s+1/m);
    expect((await helm('get', 'manifest', 'hi', '-n', 'greet')).stdout).toContain('kind: Deployment');
    expect(JSON.parse((await helm('status', 'hi', '-n', 'greet', '-o', 'json')).stdout)).toMatchObject({ name: 'hi', version: 1 });
  }, 60_000);

  test('upgrade and rollback change what runs', async () => {
    await helm('upgrade', 'hi', join(folder, 'greeter'), '--set', 'greeting=welcome,replicaCount=2', ...wait);
    expect(await cluster.kubectl(['get', 'deployment', 'hi', '-n', 'greet', '--no-headers'])).toMatch(/^hi +2\/2 +2 +2 /);
    await eventually('the new greeting', 10_000, async () => (await greeting()) === 'welcome');
    await helm('rollback', 'hi', '1', ...wait);
    await eventually('the old greeting', 10_000, async () => (await greeting()) === 'hello');
    expect((await helm('history', 'hi', '-n', 'greet')).stdout).toMatch(/^3\s+.*deployed\s+greeter-0\.1\.0\s+1\s+Rollback to 1/m);
  }, 90_000);

  test('an upgrade that the API refuses changes nothing', async () => {
    const refused = await helm('upgrade', 'hi', join(folder, 'greeter'), '--set', 'service.type=Wrong', '-n', 'greet').catch(String);
    expect(refused).toContain('spec.type: Unsupported value: "Wrong"');
    expect(await greeting()).toBe('hello');
  }, 60_000);

  test('uninstall removes everything', async () => {
    expect((await helm('uninstall', 'hi', ...wait)).stdout).toContain('release "hi" uninstalled');
    const kinds = 'deployments,services,configmaps,secrets,pods';
    const args = ['get', kinds, '-n', 'greet', '-o', 'name', '-l', 'app.kubernetes.io/instance=hi'];
    await eventually('nothing left', 10_000, async () => (await cluster.kubectl(args)) === '');
  }, 60_000);
});

describe('malformed manifests, by a real API server with etcd behind it', () => {
  // Addresses of Services are those of this cluster.
  const text = readFileSync(join(repositoryRoot, 'test/malformed/cases.yaml'), 'utf8').replaceAll('10.96.', '10.172.');
  const cases = parse(text) as readonly MalformedCase[];
  let target: Target;
  let proxy: ChildProcess;

  beforeAll(async () => {
    await cluster.kubectl(['create', 'serviceaccount', 'tester']);
    await cluster.kubectl(['create', 'clusterrolebinding', 'tester', '--clusterrole=cluster-admin', '--serviceaccount=default:tester']);
    const token = (await cluster.kubectl(['create', 'token', 'tester'])).trim();
    proxy = spawn(cluster.kubectlFile, ['proxy', '--port=0'], { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });
    let said = '';
    proxy.stdout?.on('data', (data: Buffer) => (said += data.toString()));
    const { value } = await eventually('the proxy listens', 10_000, async () => /127\.0\.0\.1:\d+/.exec(said)?.[0]);
    target = { url: `http://${value}`, token };
  }, 30_000);

  afterAll(() => void proxy?.kill('SIGKILL'));

  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const { message, isStored } = await judge(target, one);
    expect(message).toBe(one.error);
    expect(isStored).toBe(false);
  });

  test.each(malformedBodies.map((one) => [one.name, one] as const))('%s', async (_name, { type, data, code }) => {
    expect((await send(target, 'POST', '/api/v1/namespaces/default/configmaps', { type, data })).code).toBe(code);
  });

  test('after all that the cluster is ready, and holds nothing of it', async () => {
    expect(await cluster.kubectl(['get', '--raw', '/readyz'])).toBe('ok');
    expect((await cluster.kubectlAny(['get', 'configmap', 'x'])).stderr).toContain('not found');
  });
});
