import { describe, expect, test } from '@jest/globals';
import { applyDefaults, findByKind, withJobSelector, type KindInfo, type KubeObject } from '../index.js';
import { imageTag } from './image-tag.js';

const metadata = { name: 'x' };

function kindOf(apiVersion: string, kind: string): KindInfo {
  const info = findByKind(apiVersion, kind);
  if (info === undefined) throw new Error(`no kind ${apiVersion} ${kind}`);
  return info;
}

function defaulted(apiVersion: string, kind: string, fields: Record<string, unknown>): Record<string, unknown> {
  const object: KubeObject = { apiVersion, kind, metadata, ...fields };
  const filled = applyDefaults(kindOf(apiVersion, kind), object);
  expect(applyDefaults(kindOf(apiVersion, kind), filled)).toBe(filled); // complete objects come back as they are
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...rest } = filled;
  return rest;
}

const filledContainer = {
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
};
const filledPodSpec = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
};

describe('defaults of a pod', () => {
  test('a pod of one line gets what Kubernetes writes into it', () => {
    expect(defaulted('v1', 'Pod', { spec: { containers: [{ name: 'c', image: 'nginx:1' }] } })).toEqual({
      spec: { ...filledPodSpec, enableServiceLinks: true, containers: [{ name: 'c', image: 'nginx:1', ...filledContainer }] },
    });
  });

  test('the input is not changed, and what is set stays, 0 and false included', () => {
    const spec = Object.freeze({ containers: [], terminationGracePeriodSeconds: 0, enableServiceLinks: false });
    expect(defaulted('v1', 'Pod', { spec })).toMatchObject({ spec: { terminationGracePeriodSeconds: 0, enableServiceLinks: false } });
  });

  test.each([
    ['nginx', 'latest'],
    ['nginx:latest', 'latest'],
    ['registry:5000/app', 'latest'],
    ['registry:5000/app:2', '2'],
    ['app@sha256:00', ''],
    ['app:2@sha256:00', '2'],
  ])('the tag of %s is %j', (reference, tag) => expect(imageTag(reference)).toBe(tag));

  test('images of the latest tag are pulled always, others if not present', () => {
    const pod = defaulted('v1', 'Pod', {
      spec: { containers: [{ name: 'a', image: 'x' }], initContainers: [{ name: 'b', image: 'x:1' }] },
    });
    expect(pod).toMatchObject({
      spec: { containers: [{ imagePullPolicy: 'Always' }], initContainers: [{ imagePullPolicy: 'IfNotPresent' }] },
    });
  });

  test('a probe gets its times, path and scheme; 0 counts as unset', () => {
    const probe = { httpGet: { port: 80 }, timeoutSeconds: 0, initialDelaySeconds: 3 };
    const pod = defaulted('v1', 'Pod', {
      spec: { containers: [{ name: 'c', image: 'x', livenessProbe: probe, startupProbe: { grpc: { port: 1 } } }] },
    });
    expect(pod).toMatchObject({
      spec: {
        containers: [
          {
            livenessProbe: {
              httpGet: { port: 80, path: '/', scheme: 'HTTP' },
              initialDelaySeconds: 3,
              timeoutSeconds: 1,
              periodSeconds: 10,
              successThreshold: 1,
              failureThreshold: 3,
            },
            startupProbe: { grpc: { port: 1, service: '' } },
          },
        ],
      },
    });
  });

  test('limits become requests in a pod, and stay alone in a template', () => {
    const containers = [{ name: 'c', image: 'x', resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } }];
    expect(defaulted('v1', 'Pod', { spec: { containers } })).toMatchObject({
      spec: { containers: [{ resources: { requests: { cpu: '500m', memory: '1Gi' } } }] },
    });
    expect(defaulted('apps/v1', 'ReplicaSet', { spec: { selector: {}, template: { spec: { containers } } } })).toMatchObject({
      spec: { template: { spec: { containers: [{ resources: { requests: { cpu: '500m' } } }] } } },
    });
  });

  test('on the host network container ports are host ports', () => {
    const containers = [{ name: 'c', image: 'x', ports: [{ containerPort: 80 }, { containerPort: 81, hostPort: 91 }] }];
    expect(defaulted('v1', 'Pod', { spec: { hostNetwork: true, containers } })).toMatchObject({
      spec: { containers: [{ ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }, { hostPort: 91 }] }] },
    });
  });

  test('volumes get their modes, types and versions', () => {
    const volumes = [
      { name: 'none' },
      { name: 'secret', secret: { secretName: 's' } },
      { name: 'config', configMap: { name: 'c' } },
      { name: 'host', hostPath: { path: '/x' } },
      { name: 'down', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      { name: 'all', projected: { sources: [{ serviceAccountToken: { path: 'token' } }, { configMap: { name: 'ca' } }] } },
      { name: 'own', ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'] } } } },
    ];
    expect(defaulted('v1', 'Pod', { spec: { containers: [], volumes } })).toMatchObject({
      spec: {
        volumes: [
          { name: 'none', emptyDir: {} },
          { secret: { secretName: 's', defaultMode: 420 } },
          { configMap: { name: 'c', defaultMode: 420 } },
          { hostPath: { path: '/x', type: '' } },
          { downwardAPI: { defaultMode: 420, items: [{ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.labels' } }] } },
          {
            projected: { defaultMode: 420, sources: [{ serviceAccountToken: { expirationSeconds: 3600 } }, { configMap: { name: 'ca' } }] },
          },
          { ephemeral: { volumeClaimTemplate: { spec: { volumeMode: 'Filesystem' } } } },
        ],
      },
    });
  });

  test('the service account and its deprecated twin follow each other', () => {
    expect(defaulted('v1', 'Pod', { spec: { containers: [], serviceAccount: 'a' } })).toMatchObject({ spec: { serviceAccountName: 'a' } });
    expect(defaulted('v1', 'Pod', { spec: { containers: [], serviceAccountName: 'b' } })).toMatchObject({ spec: { serviceAccount: 'b' } });
  });
});

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'x:1' }] } };

describe('defaults of workloads', () => {
  test('a deployment rolls by quarters', () => {
    expect(defaulted('apps/v1', 'Deployment', { spec: { selector: {}, template } })).toMatchObject({
      spec: {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        template: { spec: { ...filledPodSpec, containers: [filledContainer] } },
      },
      status: {},
    });
  });

  test('a template does not get what only pods get, and 0 replicas stay 0', () => {
    const deployment = defaulted('apps/v1', 'Deployment', {
      spec: { replicas: 0, selector: {}, template, strategy: { type: 'Recreate' } },
    });
    expect(deployment).toMatchObject({ spec: { replicas: 0, strategy: { type: 'Recreate' } } });
    expect(JSON.stringify(deployment)).not.toContain('enableServiceLinks');
    expect(JSON.stringify(deployment)).not.toContain('rollingUpdate');
  });

  test('a stateful set, with its claims', () => {
    const claims = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }];
    expect(
      defaulted('apps/v1', 'StatefulSet', { spec: { selector: {}, serviceName: 's', template, volumeClaimTemplates: claims } }),
    ).toMatchObject({
      spec: {
        replicas: 1,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        volumeClaimTemplates: [
          { apiVersion: 'v1', kind: 'PersistentVolumeClaim', spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } },
        ],
      },
    });
  });

  test('a daemon set', () => {
    expect(defaulted('apps/v1', 'DaemonSet', { spec: { selector: {}, template } })).toMatchObject({
      spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }, revisionHistoryLimit: 10 },
    });
  });

  test('a job: one completion unless parallelism alone is set', () => {
    const spec = { template };
    expect(defaulted('batch/v1', 'Job', { spec })).toMatchObject({
      spec: {
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        podReplacementPolicy: 'TerminatingOrFailed',
      },
    });
    const workQueue = defaulted('batch/v1', 'Job', { spec: { ...spec, parallelism: 3 } });
    expect(workQueue).not.toHaveProperty('spec.completions');
  });

  test('a new job selects its pods by its own uid, unless it says how itself', () => {
    const job = (fields: Record<string, unknown>): KubeObject => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'x', uid: 'u1' },
      spec: { template, ...fields },
    });
    const uid = { 'batch.kubernetes.io/controller-uid': 'u1' };
    expect(withJobSelector(job({}))).toMatchObject({
      spec: { selector: { matchLabels: uid }, template: { metadata: { labels: { app: 'x', 'job-name': 'x', ...uid } } } },
    });
    const manual = job({ manualSelector: true, selector: { matchLabels: { app: 'x' } } });
    expect(withJobSelector(manual)).toBe(manual);
  });

  test('a cron job leaves its jobs to be defaulted when they are made', () => {
    const cron = defaulted('batch/v1', 'CronJob', { spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } });
    expect(cron).toMatchObject({
      spec: { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
    });
    expect(cron).not.toHaveProperty('spec.jobTemplate.spec.backoffLimit');
    expect(cron).toHaveProperty('spec.jobTemplate.spec.template.spec.dnsPolicy', 'ClusterFirst');
  });

  test('an autoscaler without metrics follows 80 % CPU', () => {
    expect(
      defaulted('autoscaling/v2', 'HorizontalPodAutoscaler', { spec: { maxReplicas: 3, scaleTargetRef: {}, behavior: { scaleDown: {} } } }),
    ).toMatchObject({
      spec: {
        minReplicas: 1,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
        behavior: {
          scaleUp: {
            stabilizationWindowSeconds: 0,
            selectPolicy: 'Max',
            policies: [
              { type: 'Pods', value: 4 },
              { type: 'Percent', value: 100 },
            ],
          },
          scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
        },
      },
    });
    expect(defaulted('autoscaling/v1', 'HorizontalPodAutoscaler', { spec: { maxReplicas: 3 } })).toMatchObject({
      spec: { minReplicas: 1, targetCPUUtilizationPercentage: 80 },
    });
  });
});

describe('defaults of services', () => {
  test('a plain service', () => {
    expect(defaulted('v1', 'Service', { spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } })).toEqual({
      spec: {
        selector: { a: 'b' },
        type: 'ClusterIP',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      },
      status: { loadBalancer: {} },
    });
  });

  test('headless, node port, load balancer and external name', () => {
    expect(defaulted('v1', 'Service', { spec: { clusterIP: 'None', selector: { a: 'b' } } })).toMatchObject({
      spec: { clusterIPs: ['None'] },
    });
    expect(defaulted('v1', 'Service', { spec: { clusterIP: 'None' } })).toMatchObject({
      spec: { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] },
    });
    expect(defaulted('v1', 'Service', { spec: { type: 'NodePort' } })).toMatchObject({ spec: { externalTrafficPolicy: 'Cluster' } });
    expect(defaulted('v1', 'Service', { spec: { type: 'LoadBalancer' } })).toMatchObject({ spec: { allocateLoadBalancerNodePorts: true } });
    expect(defaulted('v1', 'Service', { spec: { type: 'ExternalName', externalName: 'a.b' } })).toEqual({
      spec: { type: 'ExternalName', externalName: 'a.b', sessionAffinity: 'None' },
      status: { loadBalancer: {} },
    });
  });

  test('client affinity has a timeout of three hours', () => {
    expect(defaulted('v1', 'Service', { spec: { sessionAffinity: 'ClientIP' } })).toMatchObject({
      spec: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } },
    });
  });

  test('endpoints and slices speak TCP', () => {
    expect(defaulted('v1', 'Endpoints', { subsets: [{ ports: [{ port: 1 }] }] })).toEqual({
      subsets: [{ ports: [{ port: 1, protocol: 'TCP' }] }],
    });
    expect(defaulted('discovery.k8s.io/v1', 'EndpointSlice', { ports: [{ port: 1 }], endpoints: [] })).toMatchObject({
      ports: [{ name: '', port: 1, protocol: 'TCP' }],
    });
  });
});

describe('defaults of the other kinds', () => {
  test('a secret is opaque and its stringData is encoded over its data', () => {
    expect(defaulted('v1', 'Secret', { data: { a: 'MQ==', b: 'Mg==' }, stringData: { b: 'drei €' } })).toEqual({
      type: 'Opaque',
      data: { a: 'MQ==', b: 'ZHJlaSDigqw=' },
    });
  });

  test('a namespace is active and labelled by its name', () => {
    const filled = applyDefaults(kindOf('v1', 'Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata });
    expect(filled).toMatchObject({ metadata: { labels: { 'kubernetes.io/metadata.name': 'x' } }, status: { phase: 'Active' } });
  });

  test('claims, volumes and storage classes', () => {
    expect(defaulted('v1', 'PersistentVolumeClaim', { spec: {} })).toMatchObject({
      spec: { volumeMode: 'Filesystem' },
      status: { phase: 'Pending' },
    });
    expect(defaulted('v1', 'PersistentVolume', { spec: { hostPath: { path: '/x' } } })).toMatchObject({
      spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', hostPath: { type: '' } },
    });
    expect(defaulted('storage.k8s.io/v1', 'StorageClass', { provisioner: 'p' })).toMatchObject({
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'Immediate',
    });
  });

  test('network policies, bindings, limits, webhooks, custom resources', () => {
    expect(
      defaulted('networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] } }),
    ).toMatchObject({
      spec: { policyTypes: ['Ingress', 'Egress'], egress: [{ ports: [{ protocol: 'TCP' }] }] },
    });
    const subjects = [
      { kind: 'User', name: 'u' },
      { kind: 'ServiceAccount', name: 's' },
    ];
    expect(defaulted('rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef: { kind: 'Role', name: 'r' }, subjects })).toEqual({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [
        { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's' },
      ],
    });
    expect(
      defaulted('v1', 'LimitRange', { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '1', memory: '1Mi' } }] } }),
    ).toMatchObject({
      spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1Mi' } }] },
    });
    const webhooks = [{ name: 'w', clientConfig: { service: { name: 's', namespace: 'n' } }, rules: [{ operations: ['*'] }] }];
    expect(defaulted('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', { webhooks })).toMatchObject({
      webhooks: [
        {
          failurePolicy: 'Fail',
          matchPolicy: 'Equivalent',
          timeoutSeconds: 10,
          reinvocationPolicy: 'Never',
          rules: [{ scope: '*' }],
          clientConfig: { service: { port: 443 } },
        },
      ],
    });
    const names = { plural: 'foos', kind: 'Foo' };
    expect(defaulted('apiextensions.k8s.io/v1', 'CustomResourceDefinition', { spec: { names, versions: [] } })).toMatchObject({
      spec: { names: { singular: 'foo', listKind: 'FooList' }, conversion: { strategy: 'None' } },
    });
  });
});
