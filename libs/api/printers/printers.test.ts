import { describe, expect, test } from '@jest/globals';
import { instant } from '../../kit/index.js';
import { allKinds, findByKind, humanDuration, printTable, type KindInfo, type KubeObject } from '../index.js';

const now = instant(Date.UTC(2026, 0, 2, 0, 0, 0));
const hourAgo = '2026-01-01T23:00:00Z';

function kindOf(apiVersion: string, kind: string): KindInfo {
  const info = findByKind(apiVersion, kind);
  if (info === undefined) throw new Error(`no kind ${apiVersion} ${kind}`);
  return info;
}

/** The wide row of one object, by column name. */
function row(apiVersion: string, kind: string, fields: Record<string, unknown>): Record<string, unknown> {
  const metadata = { name: 'x', namespace: 'default', creationTimestamp: hourAgo, ...(fields['metadata'] as object | undefined) };
  const table = printTable(kindOf(apiVersion, kind), [{ apiVersion, kind, ...fields, metadata }], { now });
  const cells = table.rows[0]?.cells ?? [];
  return Object.fromEntries(table.columnDefinitions.map((column, index) => [column.name, cells[index]]));
}

describe('durations', () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  test.each([
    [-2 * second, '<invalid>'],
    [-second, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [5 * minute + 30 * second, '5m30s'],
    [10 * minute + 30 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [3 * hour + 20 * minute, '3h20m'],
    [8 * hour + 20 * minute, '8h'],
    [47 * hour, '47h'],
    [3 * day, '3d'],
    [3 * day + 4 * hour, '3d4h'],
    [100 * day, '100d'],
    [2 * 365 * day, '2y'],
    [2 * 365 * day + 30 * day, '2y30d'],
    [9 * 365 * day + 30 * day, '9y'],
  ])('%d ms is %s', (ms, expected) => expect(humanDuration(ms)).toBe(expected));
});

describe('the table of pods', () => {
  const running = { name: 'c', ready: true, restartCount: 0, state: { running: {} } };
  const pod = (status: object, spec: object = {}, metadata: object = {}): Record<string, unknown> =>
    row('v1', 'Pod', { metadata, spec: { nodeName: 'node-1', containers: [{ name: 'c' }], ...spec }, status });

  test('a running pod', () => {
    expect(pod({ phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], containerStatuses: [running] })).toEqual({
      Name: 'x',
      Ready: '1/1',
      Status: 'Running',
      Restarts: '0',
      Age: '60m',
      IP: '10.0.0.1',
      Node: 'node-1',
      'Nominated Node': '<none>',
      'Readiness Gates': '<none>',
    });
  });

  const waiting = (reason: string): object => ({ name: 'c', ready: false, restartCount: 0, state: { waiting: { reason } } });
  const ended = (terminated: object): object => ({ name: 'c', ready: false, restartCount: 0, state: { terminated } });
  const inits = { initContainers: [{ name: 'a' }, { name: 'b' }] };
  const init = (state: object): object => ({ name: 'a', ready: false, restartCount: 1, state });

  test.each<[string, object, object, object]>([
    ['Pending', { phase: 'Pending' }, {}, {}],
    ['ContainerCreating', { phase: 'Pending', containerStatuses: [waiting('ContainerCreating')] }, {}, {}],
    ['CrashLoopBackOff', { phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff')] }, {}, {}],
    ['Completed', { phase: 'Succeeded', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' })] }, {}, {}],
    ['OOMKilled', { phase: 'Failed', containerStatuses: [ended({ exitCode: 137, reason: 'OOMKilled' })] }, {}, {}],
    ['ExitCode:3', { phase: 'Failed', containerStatuses: [ended({ exitCode: 3 })] }, {}, {}],
    ['Signal:9', { phase: 'Failed', containerStatuses: [ended({ exitCode: 137, signal: 9 })] }, {}, {}],
    ['Evicted', { phase: 'Failed', reason: 'Evicted' }, {}, {}],
    [
      'Init:0/2',
      { phase: 'Pending', initContainerStatuses: [init({ running: {} })], containerStatuses: [waiting('PodInitializing')] },
      inits,
      {},
    ],
    [
      'Init:1/2',
      { phase: 'Pending', initContainerStatuses: [init({ terminated: { exitCode: 0 } }), { ...init({ running: {} }), name: 'b' }] },
      inits,
      {},
    ],
    ['Init:CrashLoopBackOff', { phase: 'Pending', initContainerStatuses: [init({ waiting: { reason: 'CrashLoopBackOff' } })] }, inits, {}],
    ['Init:Error', { phase: 'Pending', initContainerStatuses: [init({ terminated: { exitCode: 1, reason: 'Error' } })] }, inits, {}],
    ['Init:ExitCode:1', { phase: 'Pending', initContainerStatuses: [init({ terminated: { exitCode: 1 } })] }, inits, {}],
    [
      'PodInitializing',
      { phase: 'Pending', initContainerStatuses: [init({ terminated: { exitCode: 0 } })], containerStatuses: [waiting('PodInitializing')] },
      inits,
      {},
    ],
    ['Terminating', { phase: 'Running', containerStatuses: [running] }, {}, { deletionTimestamp: hourAgo }],
    ['Succeeded', { phase: 'Succeeded' }, {}, { deletionTimestamp: hourAgo }],
    ['Unknown', { phase: 'Running', reason: 'NodeLost' }, {}, { deletionTimestamp: hourAgo }],
    ['SchedulingGated', { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }, {}, {}],
    ['NotReady', { phase: 'Running', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' }), { ...running, name: 'd' }] }, {}, {}],
    [
      'Running',
      {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [ended({ exitCode: 0, reason: 'Completed' }), { ...running, name: 'd' }],
      },
      {},
      {},
    ],
  ])('Status is %s', (expected, status, spec, metadata) => expect(pod(status, spec, metadata)['Status']).toBe(expected));

  test('restarts say when the last one was; a sidecar counts as a container', () => {
    const lastState = { terminated: { exitCode: 1, finishedAt: '2026-01-01T23:55:00Z' } };
    expect(pod({ phase: 'Running', containerStatuses: [{ ...running, restartCount: 2, lastState }] })['Restarts']).toBe('2 (5m ago)');
    const sidecar = pod(
      { phase: 'Running', initContainerStatuses: [{ ...running, name: 's', started: true }], containerStatuses: [running] },
      { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
    );
    expect(sidecar['Ready']).toBe('2/2');
  });

  test('readiness gates count the conditions that hold', () => {
    const gates = { readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] };
    expect(pod({ phase: 'Running', conditions: [{ type: 'a', status: 'True' }] }, gates)['Readiness Gates']).toBe('1/2');
  });

  test('a pod that is over is marked as such, and rows carry metadata', () => {
    const object: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, status: { phase: 'Succeeded' } };
    const [first] = printTable(kindOf('v1', 'Pod'), [object], { now }).rows;
    expect(first?.conditions).toEqual([
      { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
    ]);
    expect(first?.object).toEqual({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'x' } });
    expect(printTable(kindOf('v1', 'Pod'), [object], { now, includeObject: 'None' }).rows[0]).not.toHaveProperty('object');
    expect(printTable(kindOf('v1', 'Pod'), [object], { now, wide: false }).rows[0]?.cells).toHaveLength(5);
  });
});

const template = {
  metadata: { labels: { app: 'x' } },
  spec: {
    containers: [
      { name: 'a', image: 'i:1' },
      { name: 'b', image: 'i:2' },
    ],
  },
};
const selector = { matchLabels: { app: 'x' } };

describe('tables of workloads', () => {
  test.each<[string, string, object, Record<string, unknown>]>([
    [
      'apps/v1',
      'Deployment',
      { spec: { replicas: 3, selector, template }, status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 } },
      { Ready: '1/3', 'Up-to-date': 2, Available: 1, Age: '60m', Containers: 'a,b', Images: 'i:1,i:2', Selector: 'app=x' },
    ],
    [
      'apps/v1',
      'ReplicaSet',
      { spec: { replicas: 3, selector, template }, status: { replicas: 2, readyReplicas: 1 } },
      { Desired: 3, Current: 2, Ready: 1 },
    ],
    ['apps/v1', 'StatefulSet', { spec: { replicas: 3, template }, status: { readyReplicas: 1 } }, { Ready: '1/3', Images: 'i:1,i:2' }],
    [
      'apps/v1',
      'DaemonSet',
      { spec: { selector, template }, status: { desiredNumberScheduled: 3, numberReady: 2 } },
      { Desired: 3, Current: 0, Ready: 2, 'Node Selector': '<none>' },
    ],
    [
      'batch/v1',
      'Job',
      {
        spec: { completions: 1, template },
        status: {
          succeeded: 1,
          startTime: hourAgo,
          completionTime: '2026-01-01T23:01:00Z',
          conditions: [{ type: 'Complete', status: 'True' }],
        },
      },
      { Status: 'Complete', Completions: '1/1', Duration: '60s' },
    ],
    ['batch/v1', 'Job', { spec: { parallelism: 4, template } }, { Status: 'Running', Completions: '0/1 of 4', Duration: '' }],
    [
      'batch/v1',
      'CronJob',
      { spec: { schedule: '* * * * *', suspend: false } },
      { Schedule: '* * * * *', Timezone: '<none>', Suspend: 'False', Active: 0, 'Last Schedule': '<none>' },
    ],
    [
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      {
        spec: {
          minReplicas: 1,
          maxReplicas: 9,
          scaleTargetRef: { kind: 'Deployment', name: 'd' },
          metrics: [
            { resource: { name: 'cpu', target: { averageUtilization: 50 } } },
            { resource: { name: 'memory', target: { averageValue: '1Gi' } } },
            {},
          ],
        },
        status: { currentReplicas: 2, currentMetrics: [{ resource: { name: 'cpu', current: { averageUtilization: 10 } } }] },
      },
      { Reference: 'Deployment/d', Targets: 'cpu: 10%/50%, memory: <unknown>/1Gi + 1 more...', MinPods: '1', MaxPods: '9', Replicas: 2 },
    ],
    [
      'autoscaling/v1',
      'HorizontalPodAutoscaler',
      { spec: { minReplicas: 1, maxReplicas: 9, targetCPUUtilizationPercentage: 50 } },
      { Targets: 'cpu: <unknown>/50%' },
    ],
  ])('%s %s', (apiVersion, kind, fields, expected) => expect(row(apiVersion, kind, { ...fields })).toMatchObject(expected));
});

describe('tables of services', () => {
  const ports = [
    { port: 80, protocol: 'TCP' },
    { port: 53, protocol: 'UDP', nodePort: 30_053 },
  ];
  test.each<[object, Record<string, unknown>]>([
    [
      { spec: { type: 'ClusterIP', clusterIP: '10.0.0.1', ports, selector: { b: '2', a: '1' } } },
      { Type: 'ClusterIP', 'Cluster-IP': '10.0.0.1', 'External-IP': '<none>', 'Port(s)': '80/TCP,53:30053/UDP', Selector: 'a=1,b=2' },
    ],
    [{ spec: { type: 'ClusterIP', clusterIP: 'None' } }, { 'Cluster-IP': 'None', 'Port(s)': '<none>', Selector: '<none>' }],
    [{ spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1' } }, { 'External-IP': '<pending>' }],
    [
      { spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1' }, status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
      { 'External-IP': '1.2.3.4' },
    ],
    [{ spec: { type: 'ExternalName', externalName: 'a.b' } }, { 'Cluster-IP': '<none>', 'External-IP': 'a.b' }],
  ])('%j', (fields, expected) => expect(row('v1', 'Service', { ...fields })).toMatchObject(expected));

  test('endpoints and slices show the first three', () => {
    const addresses = ['1', '2', '3', '4'].map((last) => ({ ip: `10.0.0.${last}` }));
    expect(row('v1', 'Endpoints', { subsets: [{ addresses, ports: [{ port: 80 }] }] })['Endpoints']).toBe(
      '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...',
    );
    expect(row('v1', 'Endpoints', {})['Endpoints']).toBe('<none>');
    const slice = { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] };
    expect(row('discovery.k8s.io/v1', 'EndpointSlice', slice)).toMatchObject({ AddressType: 'IPv4', Ports: '80', Endpoints: '10.0.0.1' });
    expect(row('discovery.k8s.io/v1', 'EndpointSlice', { addressType: 'IPv4' })).toMatchObject({ Ports: '<unset>', Endpoints: '<unset>' });
  });

  test('ingresses', () => {
    const spec = { ingressClassName: 'nginx', rules: [{ host: 'a.b' }], tls: [{}] };
    expect(row('networking.k8s.io/v1', 'Ingress', { spec })).toMatchObject({ Class: 'nginx', Hosts: 'a.b', Address: '', Ports: '80, 443' });
  });
});

describe('tables of the cluster', () => {
  test('nodes', () => {
    const metadata = { labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' } };
    const status = {
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [{ type: 'InternalIP', address: '10.88.0.11' }],
      nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'Debian', kernelVersion: '6.18', containerRuntimeVersion: 'runc://1.1.5' },
    };
    expect(row('v1', 'Node', { metadata, spec: { unschedulable: true }, status })).toEqual({
      Name: 'x',
      Status: 'Ready,SchedulingDisabled',
      Roles: 'control-plane,worker',
      Age: '60m',
      Version: 'v1.36.0',
      'Internal-IP': '10.88.0.11',
      'External-IP': '<none>',
      'OS-Image': 'Debian',
      'Kernel-Version': '6.18',
      'Container-Runtime': 'runc://1.1.5',
    });
    expect(row('v1', 'Node', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })).toMatchObject({
      Status: 'NotReady',
      Roles: '<none>',
    });
  });

  test('events, of either group', () => {
    const about = { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{c}' };
    const event = {
      type: 'Normal',
      reason: 'Pulled',
      message: 'done\n',
      count: 2,
      lastTimestamp: hourAgo,
      source: { component: 'agent', host: 'node-1' },
    };
    const expected = {
      'Last Seen': '60m',
      Type: 'Normal',
      Reason: 'Pulled',
      Object: 'pod/p',
      Subobject: 'spec.containers{c}',
      Source: 'agent, node-1',
      Message: 'done',
      Count: 2,
    };
    expect(row('v1', 'Event', { ...event, involvedObject: about })).toMatchObject(expected);
    const newer = {
      type: 'Normal',
      reason: 'Pulled',
      note: 'done',
      eventTime: hourAgo,
      regarding: about,
      reportingController: 'agent',
      reportingInstance: 'node-1',
    };
    expect(row('events.k8s.io/v1', 'Event', newer)).toMatchObject({ ...expected, Count: 1 });
  });

  test.each<[string, string, object, Record<string, unknown>]>([
    ['v1', 'Namespace', { status: { phase: 'Active' } }, { Status: 'Active' }],
    ['v1', 'ConfigMap', { data: { a: '' }, binaryData: { b: '' } }, { Data: 2 }],
    ['v1', 'Secret', { type: 'Opaque', data: { a: '' } }, { Type: 'Opaque', Data: 1 }],
    [
      'v1',
      'PersistentVolumeClaim',
      {
        spec: { volumeName: 'v', volumeMode: 'Filesystem' },
        status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] },
      },
      { Status: 'Bound', Volume: 'v', Capacity: '1Gi', 'Access Modes': 'RWO', VolumeAttributesClass: '<unset>' },
    ],
    [
      'v1',
      'PersistentVolume',
      {
        spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany'], claimRef: { namespace: 'a', name: 'b' } },
        status: { phase: 'Bound' },
      },
      { Claim: 'a/b', 'Access Modes': 'RWX' },
    ],
    ['coordination.k8s.io/v1', 'Lease', { spec: { holderIdentity: 'me' } }, { Holder: 'me' }],
    ['policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: '50%' } }, { 'Min Available': '50%', 'Max Unavailable': 'N/A' }],
    [
      'rbac.authorization.k8s.io/v1',
      'RoleBinding',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'User', name: 'u' },
          { kind: 'ServiceAccount', namespace: 'n', name: 's' },
        ],
      },
      { Role: 'Role/r', Users: 'u', ServiceAccounts: 'n/s' },
    ],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole', {}, { Name: 'x', 'Created At': hourAgo }],
    [
      'storage.k8s.io/v1',
      'StorageClass',
      { metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'p' },
      { Name: 'x (default)', Provisioner: 'p' },
    ],
    [
      'berth.dev/v1alpha1',
      'Operation',
      { spec: { type: 'DrainNode' }, status: { phase: 'Running', progress: 40 } },
      { Type: 'DrainNode', Phase: 'Running', Progress: '40%' },
    ],
  ])('%s %s', (apiVersion, kind, fields, expected) => expect(row(apiVersion, kind, { ...fields })).toMatchObject(expected));

  test('an object that lacks everything still has a row, as wide as its table', () => {
    for (const info of allKinds()) {
      for (const fields of [{}, { spec: {}, status: {} }]) {
        const table = printTable(info, [{ apiVersion: 'v1', kind: info.kind, metadata: {}, ...fields }], { now });
        expect(table.rows[0]?.cells).toHaveLength(table.columnDefinitions.length);
      }
    }
  });
});
