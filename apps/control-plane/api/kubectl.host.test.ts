/** Stock kubectl against the real server: what users type, and what they then see. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApiRig, type ApiRig } from '../testing/api-rig.js';

const web = (replicas: number, image = 'nginx:1'): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: c, image: "${image}", ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, type: NodePort, ports: [{ port: 80 }] }
`;

describe('kubectl', () => {
  let rig: ApiRig;
  beforeAll(async () => {
    rig = await startApiRig();
    await rig.kubectl(['apply', '-f', '-'], { input: web(2) });
  }, 60_000);
  afterAll(async () => rig[Symbol.asyncDispose]());
  const kubectl = (line: string, input?: string): Promise<string> => rig.kubectl(line.split(' '), { input });

  test('apply creates, then finds nothing to change, then configures', async () => {
    expect(await kubectl('apply -f -', web(2))).toBe('deployment.apps/web unchanged\nservice/web unchanged\n');
    expect(await kubectl('apply -f -', web(3))).toContain('deployment.apps/web configured');
    expect(await kubectl('get deployment web -o jsonpath={.spec.replicas}/{.metadata.generation}')).toBe('3/2');
  });

  test('apply refuses an unknown field by name, before anything is stored', async () => {
    const bad = web(3).replace('replicas:', 'replicsa:');
    const outcome = await rig.kubectl.any(['apply', '-f', '-'], { input: bad });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('unknown field "spec.replicsa"');
  });

  test('diff shows the difference and ends with 1; nothing changes', async () => {
    const outcome = await rig.kubectl.any(['diff', '-f', '-'], { input: web(7) });
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toContain('+  replicas: 7');
    expect(await kubectl('get deploy web -o jsonpath={.spec.replicas}')).not.toBe('7');
  });

  test('get prints tables, wide tables, names, yaml and json', async () => {
    expect(await kubectl('get deploy web')).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/\d +0 +0 +\d+s/);
    expect(await kubectl('get deploy web -o wide')).toContain('nginx:1');
    expect(await kubectl('get deploy,svc -o name')).toBe('deployment.apps/web\nservice/kubernetes\nservice/web\n');
    expect(await kubectl('get svc web -o yaml')).toContain('type: NodePort');
    expect(JSON.parse(await kubectl('get svc web -o json'))).toMatchObject({ kind: 'Service', spec: { ipFamilies: ['IPv4'] } });
    expect(await kubectl('get svc kubernetes -o jsonpath={.spec.clusterIP}')).toBe('10.96.0.1');
  });

  test('describe, explain and api-resources have what they need', async () => {
    expect(await kubectl('describe deploy web')).toContain('StrategyType:           RollingUpdate');
    expect(await kubectl('explain deployment.spec.strategy.rollingUpdate.maxSurge')).toContain('FIELD: maxSurge');
    const resources = await kubectl('api-resources -o name');
    expect(resources).toContain('deployments.apps\n');
    expect(resources).toContain('horizontalpodautoscalers.autoscaling\n');
  });

  test('edit writes back what the editor leaves', async () => {
    const editor = join(rig.dataDir, 'editor.sh');
    await writeFile(editor, '#!/bin/sh\nsed -i s/nginx:1/nginx:2/ "$1"\n', { mode: 0o755 });
    expect(await rig.kubectl(['edit', 'deploy', 'web'], { env: { EDITOR: editor } })).toBe('deployment.apps/web edited\n');
    expect(await kubectl('get deploy web -o jsonpath={.spec.template.spec.containers[0].image}')).toBe('nginx:2');
  });

  test('label, annotate, scale, set image and patch change what they say', async () => {
    expect(await kubectl('label deploy web tier=front')).toBe('deployment.apps/web labeled\n');
    expect(await kubectl('annotate deploy web note=hello')).toBe('deployment.apps/web annotated\n');
    expect(await kubectl('scale deploy web --replicas=5')).toBe('deployment.apps/web scaled\n');
    expect(await kubectl('set image deploy/web c=nginx:3')).toBe('deployment.apps/web image updated\n');
    const shown = await kubectl('get deploy -l tier=front -o jsonpath={.items[*].spec.replicas}/{.items[*].metadata.annotations.note}');
    expect(shown).toBe('5/hello');
    expect((await rig.kubectl.any(['scale', 'deploy', 'web', '--replicas=1', '--current-replicas=9'])).stderr).toContain(
      'Expected replicas to be 9',
    );
  });

  test('typed clients, which speak protobuf, create objects', async () => {
    expect(await kubectl('create namespace team')).toBe('namespace/team created\n');
    expect(await kubectl('create configmap settings --from-literal=a=b')).toBe('configmap/settings created\n');
    expect(await kubectl('create secret generic keys --from-literal=k=välue')).toBe('secret/keys created\n');
    expect(await kubectl('get secret keys -o jsonpath={.data.k}')).toBe(Buffer.from('välue').toString('base64'));
    expect(await kubectl('create deployment two --image=a --image=b --replicas=0')).toBe('deployment.apps/two created\n');
    expect(await kubectl('get deploy two -o jsonpath={.spec.replicas}{.spec.template.spec.containers[*].image}')).toBe('0a b');
    expect(await kubectl('create job once --image=busybox -- echo hi')).toBe('job.batch/once created\n');
    expect(await kubectl('create cronjob daily --image=busybox --schedule=@daily')).toBe('cronjob.batch/daily created\n');
    expect(await kubectl('create ingress front --rule=example.com/*=web:80')).toBe('ingress.networking.k8s.io/front created\n');
    expect(await kubectl('create role reader --verb=get --resource=pods')).toBe('role.rbac.authorization.k8s.io/reader created\n');
    expect(await kubectl('create pdb web --selector=app=web --min-available=1')).toBe('poddisruptionbudget.policy/web created\n');
    expect(await kubectl('autoscale deployment web --min=1 --max=4')).toContain('horizontalpodautoscaler.autoscaling/web autoscaled');
    expect(await kubectl('get horizontalpodautoscalers.v1.autoscaling web -o jsonpath={.apiVersion}/{.spec.maxReplicas}')).toBe(
      'autoscaling/v1/4',
    );
  });

  test('refusals have the words of Kubernetes', async () => {
    const said = async (line: string): Promise<string> => (await rig.kubectl.any(line.split(' '))).stderr.trim();
    expect(await said('get pod nobody')).toBe('Error from server (NotFound): pods "nobody" not found');
    expect(await said('create configmap x -n nowhere')).toBe('error: failed to create configmap: namespaces "nowhere" not found');
    expect(await said('create configmap kube -n team')).toBe('');
    expect(await said('create configmap kube -n team')).toBe('error: failed to create configmap: configmaps "kube" already exists');
    expect(await said('delete namespace default')).toContain('namespaces "default" is forbidden: this namespace may not be deleted');
    expect(await said('get pods --as=ann')).toBe(
      'Error from server (Forbidden): pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    expect(await said('scale deploy web --replicas=-1')).toContain('--replicas=COUNT');
  });

  test('roles that are bound decide what their subjects may do', async () => {
    expect(await kubectl('create rolebinding ann --clusterrole=view --user=ann')).toContain('created');
    expect(await kubectl('auth can-i list pods --as=ann')).toBe('yes\n');
    const secret = await rig.kubectl.any(['auth', 'can-i', 'get', 'secrets', '--as=ann']);
    expect(secret.stdout).toBe('no\n');
    expect(await kubectl('auth whoami -o jsonpath={.status.userInfo.groups}')).toBe('["system:masters","system:authenticated"]');
  });

  test('run, logs, exec, label, wait and delete work on a pod with a node', async () => {
    await kubectl('run p --image=busybox --overrides={"spec":{"nodeName":"n1"}}');
    expect(await kubectl('logs p --tail=2')).toBe('two\nthree\n');
    expect(await kubectl('exec p -- echo hi')).toBe('echo hi\n');
    expect(await kubectl('exec -i p -- cat', 'from here')).toBe('cat\nfrom here');
    const failed = await rig.kubectl.any(['exec', 'p', '--', 'false']);
    expect(failed).toMatchObject({ code: 3, stderr: expect.stringContaining('bad\n') });
    const waiting = kubectl('wait pod/p --for=jsonpath={.metadata.labels.ready}=yes --timeout=20s');
    await kubectl('label pod p ready=yes');
    expect(await waiting).toContain('pod/p condition met');
    expect(await kubectl('delete pod p --grace-period=0 --force')).toContain('pod "p" force deleted');
  });

  test('a pod with a node is marked first and goes when its grace is cut', async () => {
    await kubectl('run held --image=busybox --overrides={"spec":{"nodeName":"n1"}}');
    await kubectl('delete pod held --wait=false');
    expect(await kubectl('get pod held -o jsonpath={.metadata.deletionGracePeriodSeconds}')).toBe('30');
    await kubectl('delete pod held --grace-period=0 --force --wait=false');
    expect(await kubectl('get pods held --ignore-not-found')).toBe('');
  });

  test('server-side apply owns fields and names the owner of those that it may not change', async () => {
    const map = (value: string): string => `{apiVersion: v1, kind: ConfigMap, metadata: {name: owned}, data: {k: ${value}}}`;
    expect(await kubectl('apply --server-side -f -', map('one'))).toBe('configmap/owned serverside-applied\n');
    const other = await rig.kubectl.any('apply --server-side --field-manager=other -f -'.split(' '), { input: map('two') });
    expect(other.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl": .data.k');
    expect(await kubectl('apply --server-side --field-manager=other --force-conflicts -f -', map('two'))).toContain('serverside-applied');
  });

  test('tokens of service accounts authenticate', async () => {
    await kubectl('create serviceaccount robot');
    const token = (await kubectl('create token robot')).trim();
    expect(await kubectl(`auth whoami --token=${token} --client-certificate= -o jsonpath={.status.userInfo.username}`)).toMatch(
      /^(kubernetes-admin|system:serviceaccount:default:robot)$/,
    );
    expect(token.split('.')).toHaveLength(3);
  });
});
