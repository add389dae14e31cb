import { describe, expect, test } from '@jest/globals';
import { fieldErrorText, invalidStatus, validateCreate, validateStatusUpdate } from './index.js';
import { complete, container, created, pod, updated, withContainer, type Given } from './testing/given.js';

describe('validation of pods', () => {
  test('a plain pod is valid, with every part that this project runs', () => {
    expect(
      created(
        pod({
          initContainers: [{ name: 'init', image: 'x' }],
          containers: [
            {
              name: 'c',
              image: 'registry:5000/x@sha256:00',
              command: ['a'],
              env: [
                { name: 'A', value: '' },
                { name: 'B', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app.kubernetes.io/name']" } } },
                { name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
                { name: 'D', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
              ],
              envFrom: [{ configMapRef: { name: 'm' } }],
              ports: [{ name: 'http', containerPort: 80 }],
              volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a/b' }],
              livenessProbe: { httpGet: { port: 'http' } },
              readinessProbe: { exec: { command: ['true'] }, successThreshold: 2 },
              lifecycle: { preStop: { sleep: { seconds: 1 } } },
              resources: { requests: { cpu: '100m', 'example.com/gpu': '1' }, limits: { cpu: '1', memory: '1Gi', 'example.com/gpu': '1' } },
              securityContext: { runAsUser: 0, capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } },
            },
          ],
          volumes: [{ name: 'v', configMap: { name: 'm', items: [{ key: 'a', path: 'b/c' }] } }],
          tolerations: [{ operator: 'Exists' }, { key: 'a', effect: 'NoExecute', tolerationSeconds: 1 }],
          nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
        }),
      ),
    ).toEqual([]);
  });

  test.each<[string, Given, readonly string[]]>([
    ['no containers', pod({ containers: [] }), ['spec.containers: Required value']],
    ['no spec', { kind: 'Pod' }, ['spec.containers: Required value']],
    ['no image', withContainer({ image: '' }), ['spec.containers[0].image: Required value']],
    [
      'an image with a space',
      withContainer({ image: ' x' }),
      ['spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace'],
    ],
    ['a container without a name', withContainer({ name: undefined }), ['spec.containers[0].name: Required value']],
    ['two containers of one name', pod({ containers: [container, container] }), ['spec.containers[1].name: Duplicate value: "c"']],
    ['an init container of that name', pod({ initContainers: [container] }), ['spec.initContainers[0].name: Duplicate value: "c"']],
    [
      'an unknown pull policy',
      withContainer({ imagePullPolicy: 'Sometimes' }),
      ['spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"'],
    ],
    [
      'an unknown restart policy',
      pod({ restartPolicy: 'Perhaps' }),
      ['spec.restartPolicy: Unsupported value: "Perhaps": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      'a port too large',
      withContainer({ ports: [{ containerPort: 70_000 }] }),
      ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    ['no port', withContainer({ ports: [{}] }), ['spec.containers[0].ports[0].containerPort: Required value']],
    [
      'an unknown protocol',
      withContainer({ ports: [{ containerPort: 1, protocol: 'tcp' }] }),
      ['spec.containers[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"'],
    ],
    [
      'a mount of no volume',
      withContainer({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    [
      'a request above its limit',
      withContainer({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      'a negative limit',
      withContainer({ resources: { limits: { memory: '-1' } } }),
      [
        'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
        'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    [
      'a probe that does nothing',
      withContainer({ livenessProbe: {} }),
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      'a probe that does two things',
      withContainer({ livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }),
      ['spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type'],
    ],
    [
      'a liveness probe that must succeed twice',
      withContainer({ livenessProbe: { exec: { command: ['a'] }, successThreshold: 2 } }),
      ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    ],
    [
      'an environment variable without a name',
      withContainer({ env: [{ value: 'a' }] }),
      ['spec.containers[0].env[0].name: Required value'],
    ],
    [
      'a value and a source',
      withContainer({ env: [{ name: 'A', value: 'a', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } }] }),
      ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ],
    [
      'a volume of two sources',
      pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }),
      ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    ],
    ['two volumes of one name', pod({ volumes: [{ name: 'v' }, { name: 'v' }] }), ['spec.volumes[1].name: Duplicate value: "v"']],
    [
      'a path out of a volume',
      withContainer({ volumeMounts: [{ name: 'v', mountPath: '/v', subPath: '../a' }] }),
      [
        'spec.containers[0].volumeMounts[0].subPath: Invalid value: "../a": must not contain \'..\'',
        'spec.containers[0].volumeMounts[0].name: Not found: "v"',
      ],
    ],
    [
      'a host port used twice',
      withContainer({
        ports: [
          { containerPort: 1, hostPort: 9 },
          { containerPort: 2, hostPort: 9 },
        ],
      }),
      ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"'],
    ],
    [
      'a toleration of everything but one operator',
      pod({ tolerations: [{ value: 'a' }] }),
      [
        'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      'a privileged container that may not be',
      withContainer({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
      [
        'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      ],
    ],
    [
      'no time to end',
      pod({ activeDeadlineSeconds: 0 }),
      ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
    ],
    [
      'a node affinity without terms',
      pod({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }),
      [
        'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
      ],
    ],
    [
      'a resource of no kind',
      withContainer({ resources: { limits: { gpu: '1' } } }),
      [
        'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
        'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
        'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
        'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
      ],
    ],
  ])('refuses %s', (_name, given, errors) => expect(created(given)).toEqual(errors));

  test('all broken rules are reported, in one Status with a cause for each', () => {
    const { info, object } = complete(pod({ containers: [{ name: 'B', image: '' }], restartPolicy: 'No' }));
    const status = invalidStatus(info, 'x', validateCreate(info, object)).status;
    expect(status.code).toBe(422);
    expect(status.message).toMatch(
      /^Pod "x" is invalid: \[spec\.containers\[0\]\.name: Invalid value: "B": .*, spec\.restartPolicy: Unsupported value: "No": .*\]$/,
    );
    expect(status.details?.causes).toHaveLength(3);
    expect(status.details?.causes).toContainEqual({
      reason: 'FieldValueRequired',
      message: 'Required value',
      field: 'spec.containers[0].image',
    });
    expect(status.details).toMatchObject({ name: 'x', kind: 'Pod' });
  });

  test('only images, the deadline and more tolerations may change', () => {
    const old = pod({ tolerations: [{ key: 'a', operator: 'Exists' }] });
    expect(
      updated(old, {
        ...pod({
          tolerations: [
            { key: 'a', operator: 'Exists' },
            { key: 'b', operator: 'Exists' },
          ],
          containers: [{ ...container, image: 'x:2' }],
          activeDeadlineSeconds: 5,
        }),
      }),
    ).toEqual([]);
    expect(updated(old, pod({ tolerations: [] }))).toEqual([
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ]);
    expect(updated(pod({}), pod({ nodeName: 'n' }))).toEqual([
      expect.stringMatching(
        /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers\[\*\]\.image`,`spec\.activeDeadlineSeconds`,`spec\.tolerations` \(only additions to existing tolerations\),`spec\.terminationGracePeriodSeconds` \(allow it to be set to 1 if it was previously negative\)\n/,
      ),
    ]);
    expect(updated(pod({}), pod({ containers: [container, { ...container, name: 'd' }] }))).toEqual([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
  });

  test('a resize changes amounts and nothing else; debugging only adds containers', () => {
    const sized = (cpu: string, image = 'x:1'): Given => pod({ containers: [{ ...container, image, resources: { limits: { cpu } } }] });
    expect(updated(sized('1'), sized('2'), 'resize')).toEqual([]);
    expect(updated(sized('1'), sized('2'))).toEqual([expect.stringContaining('- containers[0].resources.limits.cpu: "1"')]);
    expect(updated(sized('1'), sized('2', 'x:2'), 'resize')).toEqual([
      'spec: Forbidden: only cpu and memory resources are mutable\n- containers[0].image: "x:1"\n+ containers[0].image: "x:2"',
    ]);
    const debugged = (...names: readonly string[]): Given =>
      pod({ ephemeralContainers: names.map((name) => ({ name, image: 'debug:1' })) });
    expect(updated(pod({}), debugged('a'), 'ephemeralcontainers')).toEqual([]);
    expect(updated(pod({}), debugged('a'))).toEqual([expect.stringContaining('spec: Forbidden: pod updates may not change fields')]);
    expect(updated(debugged('a'), debugged('b'), 'ephemeralcontainers')).toEqual([
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "a" may not be removed',
    ]);
  });

  test('a status update looks at metadata and counts only', () => {
    const { info, object } = complete({ ...pod({ restartPolicy: 'No' }), status: { observedGeneration: -1 } });
    expect(validateStatusUpdate(info, object, object).map(fieldErrorText)).toEqual([
      'status.observedGeneration: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });
});
