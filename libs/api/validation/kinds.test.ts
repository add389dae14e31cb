import { describe, expect, test } from '@jest/globals';
import { created, updated, type Given } from './testing/given.js';

describe('validation of services and addresses', () => {
  const service = (spec: Record<string, unknown>): Given => ({ kind: 'Service', spec: { ports: [{ port: 80 }], ...spec } });
  test.each<[string, Given, readonly string[]]>([
    ['no ports', service({ ports: [] }), ['spec.ports: Required value']],
    [
      'ports without names',
      service({ ports: [{ port: 1 }, { port: 2 }] }),
      ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
    ],
    [
      'a port twice',
      service({
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1 },
        ],
      }),
      ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":1}'],
    ],
    [
      'port 0',
      service({ ports: [{ port: 0 }] }),
      [
        'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
        'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
      ],
    ],
    [
      'an unknown type',
      service({ type: 'X' }),
      ['spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    ],
    [
      'an address that is none',
      service({ clusterIP: 'a' }),
      ['spec.clusterIPs[0]: Invalid value: "a": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
    [
      'a node port inside',
      service({ ports: [{ port: 1, nodePort: 30_000 }] }),
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      'a headless node port',
      service({ type: 'NodePort', clusterIP: 'None' }),
      ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
    ],
    ['an external name of nothing', service({ type: 'ExternalName' }), ['spec.externalName: Required value']],
  ])('refuses %s', (_name, given, errors) => expect(created(given)).toEqual(errors));

  test('an assigned address stays', () => {
    expect(updated(service({ clusterIP: '10.0.0.1' }), service({ clusterIP: '10.0.0.2' }))).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
    ]);
  });

  test('endpoints have addresses of other hosts', () => {
    expect(created({ kind: 'Endpoints', subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port: 0 }] }] })).toEqual([
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ]);
    expect(
      created({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        addressType: 'IPv4',
        endpoints: [{ addresses: [] }, { addresses: ['::2'] }],
      }),
    ).toEqual([
      'endpoints[0].addresses: Required value: must contain at least 1 address',
      'endpoints[1].addresses[0]: Invalid value: "::2": must be an IPv4 address',
    ]);
  });
});

describe('validation of the other kinds', () => {
  test.each<[string, Given, readonly string[]]>([
    [
      'a config map key with a slash',
      { kind: 'ConfigMap', data: { 'a/b': '' } },
      [
        `data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      ],
    ],
    [
      'a config map of more than a mebibyte',
      { kind: 'ConfigMap', data: { a: 'x'.repeat(1_048_577) } },
      ['Too long: may not be more than 1048576 bytes'],
    ],
    [
      'a TLS secret without a key',
      { kind: 'Secret', type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
      ['data[tls.key]: Required value'],
    ],
    [
      'a claim of nothing',
      { kind: 'PersistentVolumeClaim', spec: {} },
      ['spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value'],
    ],
    [
      'a volume without source',
      { kind: 'PersistentVolume', spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } } },
      ['spec: Required value: must specify a volume type'],
    ],
    [
      'a taint of no effect',
      { kind: 'Node', spec: { taints: [{ key: 'a', effect: 'Sometimes' }] } },
      ['spec.taints[0].effect: Unsupported value: "Sometimes": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'],
    ],
    [
      'a role that does nothing',
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', rules: [{ apiGroups: [''], resources: ['pods'], verbs: [] }] },
      ['rules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      'a binding to nothing',
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', roleRef: { kind: 'Rule', name: 'r' } },
      ['roleRef.kind: Unsupported value: "Rule": supported values: "Role", "ClusterRole"'],
    ],
    [
      'a network policy of no range',
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0' } }] }] },
      },
      ['spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ],
    [
      'an ingress path of no type',
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        spec: { rules: [{ http: { paths: [{ path: '/', backend: { service: { name: 's', port: { number: 80 } } } }] } }] },
      },
      ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
    ],
    [
      'a priority above all',
      { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', value: 2_000_000_000 },
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
    [
      'a budget of two bounds',
      { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec: { minAvailable: 1, maxUnavailable: 1 } },
      ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'],
    ],
    [
      'a lease of no duration',
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec: { leaseDurationSeconds: 0 } },
      ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
    ],
    [
      'an event elsewhere',
      { kind: 'Event', involvedObject: { namespace: 'other' } },
      ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
    ],
    [
      'a definition of another name',
      {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'foo.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Global',
          names: { plural: 'foos', kind: 'Foo' },
          versions: [{ name: 'v1', storage: false, schema: {} }],
        },
      },
      [
        'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"',
        'spec.versions: Invalid value: [{"name":"v1","storage":false,"schema":{}}]: must have exactly one version marked as storage version',
        'metadata.name: Invalid value: "foo.example.com": must be spec.names.plural+"."+spec.group',
      ],
    ],
    [
      'a webhook of nobody',
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
        webhooks: [{ name: 'mine', clientConfig: {}, sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 40 }],
      },
      [
        'webhooks[0].name: Invalid value: "mine": should be a domain with at least three segments separated by dots',
        'webhooks[0].timeoutSeconds: Invalid value: 40: the timeout value must be between 1 and 30 seconds',
        'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
      ],
    ],
    [
      'a limit range upside down',
      { kind: 'LimitRange', spec: { limits: [{ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' } }] } },
      ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
    ],
    [
      'a quota below nothing',
      { kind: 'ResourceQuota', spec: { hard: { pods: '-1' } } },
      ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    ['an operation without a type', { apiVersion: 'berth.dev/v1alpha1', kind: 'Operation', spec: {} }, ['spec.type: Required value']],
  ])('refuses %s', (_name, given, errors) => expect(created(given)).toEqual(errors));

  test('what was locked stays locked', () => {
    const locked = { kind: 'ConfigMap', immutable: true, data: { a: '1' } };
    expect(updated(locked, { ...locked, data: { a: '2' } })).toEqual(['data: Forbidden: field is immutable when `immutable` is set']);
    expect(updated({ kind: 'Secret' }, { kind: 'Secret', type: 'a/b' })).toEqual(['type: Invalid value: "a/b": field is immutable']);
    const claim = (storage: string): Given => ({
      kind: 'PersistentVolumeClaim',
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    });
    expect(updated(claim('1Gi'), claim('2Gi'))).toEqual([
      'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    ]);
  });

  test('a cancelled operation runs again only as another attempt', () => {
    const operation = (spec: object): Given => ({
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'Operation',
      spec: { type: 'DrainNode', ...spec },
    });
    expect(updated(operation({ cancel: true }), operation({}))).toEqual([
      'spec.cancel: Forbidden: an operation that was cancelled stays cancelled; raise spec.attempt to run it again',
    ]);
    expect(updated(operation({ cancel: true }), operation({ attempt: 2 }))).toEqual([]);
    expect(updated(operation({ attempt: 2 }), operation({ attempt: 1 }))).toEqual(['spec.attempt: Forbidden: attempts only go up']);
  });
});
