/** What controllers make of objects, end to end: garbage collection, namespaces, quotas, replication controllers, aggregated roles. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startRig, until, type Answer, type Json, type Rig } from './rig.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(async () => rig[Symbol.asyncDispose]());

const template = (labels: Record<string, string>, resources?: object): object => ({
  metadata: { labels },
  spec: { containers: [{ name: 'c', image: 'registry.example/i:1', ...(resources === undefined ? {} : { resources }) }] },
});
const items = (answer: Answer): Json[] => answer.body.items;
const list = (path: string): Promise<Json[]> => rig.call('GET', path).then(items);
const countIs = (path: string, count: number): Promise<Json[]> =>
  until(
    `${count} of ${path}`,
    () => list(path),
    (seen) => seen.length === count,
  );
const gone = (path: string): Promise<number> =>
  until(
    `${path} gone`,
    () => rig.call('GET', path).then(({ status }) => status),
    (status) => status === 404,
  );

describe('replication controllers', () => {
  const pods = '/api/v1/namespaces/rc/pods';
  const controllers = '/api/v1/namespaces/rc/replicationcontrollers';
  beforeAll(async () => {
    await rig.namespace('rc');
  });
  const create = (name: string, replicas: number): Promise<Answer> =>
    rig.call('POST', controllers, { metadata: { name }, spec: { replicas, selector: { name }, template: template({ name }) } });

  // "An ownerless Pod is created, then a Replication Controller (RC) is created whose label selector will match the Pod. The RC MUST either adopt the Pod or delete and replace it with a new Pod"
  test('Replication Controller, adopt matching pods', async () => {
    await rig.call('POST', pods, {
      metadata: { name: 'orphan', labels: { name: 'adopter' } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await create('adopter', 1);
    const owners = await until(
      'adoption',
      () => rig.call('GET', `${pods}/orphan`).then(({ body }) => body.metadata.ownerReferences ?? []),
      (references: Json[]) => references.length > 0,
    );
    expect(owners[0]).toMatchObject({ apiVersion: 'v1', kind: 'ReplicationController', name: 'adopter', controller: true });
  });

  // "When the labels on one of the Pods change to not match the RC's label selector, the RC MUST release the Pod and update the Pod's owner references"
  test('Replication Controller, release pods', async () => {
    await create('releaser', 1);
    const [pod] = await countIs(`${pods}?labelSelector=name%3Dreleaser`, 1);
    await rig.patch(`${pods}/${pod.metadata.name}`, 'merge', { metadata: { labels: { name: 'free' } } });
    await until(
      'release',
      () => rig.call('GET', `${pods}/${pod.metadata.name}`).then(({ body }) => body.metadata.ownerReferences ?? []),
      (references: Json[]) => references.length === 0,
    );
    await countIs(`${pods}?labelSelector=name%3Dreleaser`, 1);
  });

  test('scale and status follow the pods', async () => {
    await create('scaled', 1);
    const scale = await rig.call('GET', `${controllers}/scaled/scale`);
    expect(scale.body).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 1 },
      status: { selector: 'name=scaled' },
    });
    await rig.call('PUT', `${controllers}/scaled/scale`, { ...scale.body, spec: { replicas: 3 } });
    await countIs(`${pods}?labelSelector=name%3Dscaled`, 3);
    const status = await until(
      'status',
      () => rig.call('GET', `${controllers}/scaled/status`).then(({ body }) => body.status),
      (seen) => seen.replicas === 3 && seen.observedGeneration === 2,
    );
    expect(status.fullyLabeledReplicas).toBe(3);
  });

  // "Attempt to create a Replication Controller which exceeds the namespace quota. The RC MUST ... surface a condition"; "scaled down to satisfy quota ... the failure condition MUST be removed"
  test('Replication Controller, check for issues like exceeding allocated quota', async () => {
    await rig.namespace('rc-quota');
    const path = '/api/v1/namespaces/rc-quota';
    await rig.call('POST', `${path}/resourcequotas`, { metadata: { name: 'two' }, spec: { hard: { pods: '2' } } });
    const body = { metadata: { name: 'many' }, spec: { replicas: 3, selector: { a: 'b' }, template: template({ a: 'b' }) } };
    await rig.call('POST', `${path}/replicationcontrollers`, body);
    const conditions = (): Promise<Json[]> =>
      rig.call('GET', `${path}/replicationcontrollers/many`).then((seen) => seen.body.status.conditions ?? []);
    const [failure] = await until('the failure', conditions, (seen) => seen.length === 1);
    expect(failure).toMatchObject({ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' });
    await rig.patch(`${path}/replicationcontrollers/many/scale`, 'merge', { spec: { replicas: 2 } });
    await until('no failure', conditions, (seen) => seen.length === 0);
  });
});

describe('garbage collection', () => {
  const apps = '/apis/apps/v1/namespaces/gc';
  beforeAll(async () => {
    await rig.namespace('gc');
  });
  const deployment = async (name: string): Promise<void> => {
    const spec = { replicas: 2, selector: { matchLabels: { name } }, template: template({ name }) };
    await rig.call('POST', `${apps}/deployments`, { metadata: { name, labels: { name } }, spec });
    await countIs(`/api/v1/namespaces/gc/pods?labelSelector=name%3D${name}`, 2);
  };

  test('Garbage Collector, delete deployment, propagation policy background', async () => {
    await deployment('background');
    await rig.call('DELETE', `${apps}/deployments/background`, { propagationPolicy: 'Background' });
    expect((await rig.call('GET', `${apps}/deployments/background`)).status).toBe(404);
    await countIs(`${apps}/replicasets?labelSelector=name%3Dbackground`, 0);
    await countIs('/api/v1/namespaces/gc/pods?labelSelector=name%3Dbackground', 0);
  });

  // "Create a deployment with a replication controller ... delete with deleteOptions.PropagationPolicy set to Orphan ... MUST cause the ReplicaSet to be orphaned"
  test('Garbage Collector, delete deployment, propagation policy orphan', async () => {
    await deployment('orphan');
    await rig.call('DELETE', `${apps}/deployments/orphan`, { propagationPolicy: 'Orphan' });
    await gone(`${apps}/deployments/orphan`);
    const [set] = await list(`${apps}/replicasets?labelSelector=name%3Dorphan`);
    expect(set.metadata.ownerReferences).toBeUndefined();
  });

  test('in the foreground, the owner stays until dependents that block it are gone', async () => {
    await deployment('foreground');
    const held = '/api/v1/namespaces/gc/configmaps/held';
    const owner = (await rig.call('GET', `${apps}/deployments/foreground`)).body;
    const reference = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'foreground', uid: owner.metadata.uid, blockOwnerDeletion: true };
    await rig.call('POST', '/api/v1/namespaces/gc/configmaps', {
      metadata: { name: 'held', ownerReferences: [reference], finalizers: ['example.com/wait'] },
    });
    const deleted = await rig.call('DELETE', `${apps}/deployments/foreground`, { propagationPolicy: 'Foreground' });
    expect(deleted.body.metadata.finalizers).toEqual(['foregroundDeletion']);
    await countIs(`${apps}/replicasets?labelSelector=name%3Dforeground`, 0);
    expect((await rig.call('GET', `${apps}/deployments/foreground`)).status).toBe(200);
    await rig.patch(held, 'merge', { metadata: { finalizers: null } });
    await gone(held);
    await gone(`${apps}/deployments/foreground`);
  });

  // "Create three pods, patch them with Owner references such that pod1 has pod3, pod2 has pod1 and pod3 has pod2 ... Delete pod1 MUST delete all pods. The dependency cycle MUST not block the garbage collection."
  test('Garbage Collector, dependency cycle', async () => {
    const maps = '/api/v1/namespaces/gc/configmaps';
    const made = await Promise.all(['one', 'two', 'three'].map((name) => rig.call('POST', maps, { metadata: { name } })));
    const [one, two, three] = made.map(({ body }) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: body.metadata.name,
      uid: body.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    }));
    for (const [name, owner] of [
      ['one', three],
      ['two', one],
      ['three', two],
    ] as const) {
      await rig.patch(`${maps}/${name}`, 'merge', { metadata: { ownerReferences: [owner] } });
    }
    await rig.call('DELETE', `${maps}/one`, { propagationPolicy: 'Foreground' });
    for (const name of ['one', 'two', 'three']) await gone(`${maps}/${name}`);
  });

  test('replication controllers and jobs leave their pods behind where nothing is said, and a job warns of it', async () => {
    const controllers = '/api/v1/namespaces/gc/replicationcontrollers';
    await rig.call('POST', controllers, {
      metadata: { name: 'rc' },
      spec: { replicas: 2, selector: { rc: 'x' }, template: template({ rc: 'x' }) },
    });
    await countIs('/api/v1/namespaces/gc/pods?labelSelector=rc%3Dx', 2);
    await rig.call('DELETE', `${controllers}/rc`);
    await gone(`${controllers}/rc`);
    expect(await list('/api/v1/namespaces/gc/pods?labelSelector=rc%3Dx')).toHaveLength(2);
    const jobs = '/apis/batch/v1/namespaces/gc/jobs';
    await rig.call('POST', jobs, {
      metadata: { name: 'j' },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
    });
    await countIs('/api/v1/namespaces/gc/pods?labelSelector=job-name%3Dj', 1);
    const deleted = await rig.call('DELETE', `${jobs}/j`);
    expect(deleted.headers['warning']).toContain('child pods are preserved by default when jobs are deleted');
    await gone(`${jobs}/j`);
    expect(await list('/api/v1/namespaces/gc/pods?labelSelector=job-name%3Dj')).toHaveLength(1);
  });
});

describe('namespaces', () => {
  // "Ensure that if a namespace is deleted then all pods are removed from that namespace."; "... all services ..."
  test('namespace-deletion-removes-pods and services; finalizers of the content hold it', async () => {
    await rig.namespace('doomed');
    const path = '/api/v1/namespaces/doomed';
    await rig.call('POST', `${path}/pods`, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
    await rig.call('POST', `${path}/services`, { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } });
    await rig.call('POST', `${path}/configmaps`, { metadata: { name: 'held', finalizers: ['example.com/wait'] } });
    const deleted = await rig.call('DELETE', path);
    expect(deleted.body).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } });
    await gone(`${path}/services/s`);
    await gone(`${path}/pods/p`);
    const refused = await rig.call('POST', `${path}/configmaps`, { metadata: { name: 'late' } });
    expect([refused.status, refused.body.details.causes[0].reason]).toEqual([403, 'NamespaceTerminating']);
    const conditions = await until(
      'conditions',
      () => rig.call('GET', path).then(({ body }) => body.status.conditions ?? []),
      (seen: Json[]) => seen.some((condition) => condition.type === 'NamespaceFinalizersRemaining' && condition.status === 'True'),
    );
    expect(conditions.map((condition: Json) => condition.type)).toEqual(
      expect.arrayContaining([
        'NamespaceContentRemaining',
        'NamespaceDeletionContentFailure',
        'NamespaceDeletionDiscoveryFailure',
        'NamespaceDeletionGroupVersionParsingFailure',
      ]),
    );
    await rig.patch(`${path}/configmaps/held`, 'merge', { metadata: { finalizers: null } });
    await gone(path);
  });

  test('"Namespace patching: A Namespace is created. The Namespace is patched. The Namespace and MUST now include the new Label."', async () => {
    await rig.namespace('patched');
    const { body } = await rig.patch('/api/v1/namespaces/patched', 'strategic-merge', { metadata: { labels: { testLabel: 'testValue' } } });
    expect(body.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'patched', testLabel: 'testValue' });
  });
});

describe('quotas', () => {
  const core = '/api/v1/namespaces/quotas';
  const used = (): Promise<Json> => rig.call('GET', `${core}/resourcequotas/q`).then(({ body }) => body.status.used ?? {});
  const usedIs = (wanted: Record<string, string>): Promise<Json> =>
    until(JSON.stringify(wanted), used, (seen) => Object.entries(wanted).every(([name, amount]) => seen[name] === amount));

  // "Create a ResourceQuota. The status MUST be calculated promptly; creation ... MUST be reflected; deletion MUST release"
  test('usage follows services, config maps, pods and replica sets as they come and go', async () => {
    await rig.namespace('quotas');
    const hard = {
      configmaps: '5',
      services: '3',
      'services.nodeports': '1',
      pods: '2',
      'requests.cpu': '1',
      'limits.memory': '1Gi',
      'count/replicasets.apps': '1',
    };
    await rig.call('POST', `${core}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard } });
    await usedIs({ configmaps: '1', services: '0', pods: '0', 'requests.cpu': '0', 'count/replicasets.apps': '0' });
    const service = { metadata: { name: 's' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } };
    await rig.call('POST', `${core}/services`, service);
    await usedIs({ services: '1', 'services.nodeports': '1' });
    const second = await rig.call('POST', `${core}/services`, { ...service, metadata: { name: 's2' } });
    expect(second.body.message).toContain(
      'exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
    );
    await rig.call('POST', `${core}/services`, { metadata: { name: 's3' }, spec: { ports: [{ port: 80 }] } });
    expect((await rig.patch(`${core}/services/s3`, 'merge', { spec: { type: 'NodePort' } })).status).toBe(403);
    await rig.call('DELETE', `${core}/services/s`);
    await usedIs({ services: '1', 'services.nodeports': '0' });
    const resources = { requests: { cpu: '300m', memory: '64Mi' }, limits: { memory: '512Mi' } };
    const pod = (name: string): object => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i', resources }] } });
    await rig.call('POST', `${core}/pods`, pod('p1'));
    await usedIs({ pods: '1', 'requests.cpu': '300m', 'limits.memory': '512Mi' });
    const unstated = await rig.call('POST', `${core}/pods`, {
      metadata: { name: 'p2' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    expect(unstated.body.message).toBe('pods "p2" is forbidden: failed quota: q: must specify requests.cpu for: c; limits.memory for: c');
    await rig.call('DELETE', `${core}/pods/p1`);
    await usedIs({ pods: '0', 'requests.cpu': '0', 'limits.memory': '0' });
    const spec = { replicas: 0, selector: { matchLabels: { a: 'b' } }, template: template({ a: 'b' }) };
    await rig.call('POST', '/apis/apps/v1/namespaces/quotas/replicasets', { metadata: { name: 'rs' }, spec });
    await usedIs({ 'count/replicasets.apps': '1' });
  });

  // "Create two ResourceQuotas with BestEffort and NotBestEffort scope ... Terminating and NotTerminating ... MUST capture only the pods of their scope"
  test('scopes choose the pods that count', async () => {
    await rig.namespace('scopes');
    const path = '/api/v1/namespaces/scopes';
    const quota = (name: string, spec: object): Promise<Answer> =>
      rig.call('POST', `${path}/resourcequotas`, { metadata: { name }, spec: { hard: { pods: '5' }, ...spec } });
    await quota('best', { scopes: ['BestEffort'] });
    await quota('not-best', { scopes: ['NotBestEffort'] });
    await quota('ends', { scopes: ['Terminating'] });
    await quota('stays', { scopes: ['NotTerminating'] });
    const expression = { scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] };
    await quota('class', { scopeSelector: { matchExpressions: [expression] } });
    await rig.call('POST', `${path}/pods`, {
      metadata: { name: 'p' },
      spec: { activeDeadlineSeconds: 3600, containers: [{ name: 'c', image: 'i' }] },
    });
    const counts = (): Promise<Record<string, string>> =>
      list(`${path}/resourcequotas`).then((seen) => Object.fromEntries(seen.map((each) => [each.metadata.name, each.status.used?.pods])));
    await until('the counts', counts, (seen) => seen['best'] === '1' && seen['ends'] === '1');
    expect(await counts()).toEqual({ best: '1', 'not-best': '0', ends: '1', stays: '0', class: '0' });
  });
});

describe('aggregated roles', () => {
  test('hold the rules of the roles that are labelled for them', async () => {
    const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
    const rules = [{ apiGroups: ['example.com'], resources: ['things'], verbs: ['get'] }];
    await rig.call('POST', roles, {
      metadata: { name: 'things', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } },
      rules,
    });
    for (const role of ['view', 'edit', 'admin']) {
      await until(
        `the rule in ${role}`,
        () => rig.call('GET', `${roles}/${role}`).then(({ body }) => JSON.stringify(body.rules)),
        (seen) => seen?.includes('"things"') === true,
      );
    }
    await rig.call('DELETE', `${roles}/things`);
    await until(
      'no rule',
      () => rig.call('GET', `${roles}/admin`).then(({ text }) => text),
      (seen) => !seen.includes('"things"'),
    );
  });
});

describe('endpoints without a selector', () => {
  test('are mirrored to slices, and go with them', async () => {
    await rig.namespace('mirror');
    const core = '/api/v1/namespaces/mirror';
    await rig.call('POST', `${core}/services`, { metadata: { name: 'db' }, spec: { ports: [{ port: 5432 }] } });
    await rig.call('POST', `${core}/endpoints`, {
      metadata: { name: 'db' },
      subsets: [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ port: 5432 }] }],
    });
    const slices = '/apis/discovery.k8s.io/v1/namespaces/mirror/endpointslices';
    const [slice] = await countIs(slices, 1);
    expect(slice).toMatchObject({ addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.7'] }], ports: [{ port: 5432 }] });
    expect(slice.metadata.labels).toMatchObject({
      'kubernetes.io/service-name': 'db',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    });
    await rig.call('DELETE', `${core}/endpoints/db`);
    await countIs(slices, 0);
  });
});
