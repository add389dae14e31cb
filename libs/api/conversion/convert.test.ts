import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findByKind } from '../kinds.js';
import type { KubeObject } from '../object.js';
import { decodeValue } from '../schema/index.js';
import { convertObject } from './convert.js';

const v1 = { group: 'autoscaling', version: 'v1' };
const v2 = { group: 'autoscaling', version: 'v2' };
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

function autoscaler(apiVersion: string, spec: object, rest: object = {}): KubeObject {
  return {
    apiVersion,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web' },
    spec: { scaleTargetRef: target, maxReplicas: 5, ...spec },
    ...rest,
  };
}

describe('autoscalers', () => {
  test('a CPU target is a field in v1 and a metric in v2', () => {
    const old = autoscaler(
      'autoscaling/v1',
      { targetCPUUtilizationPercentage: 70 },
      { status: { currentReplicas: 1, desiredReplicas: 2, currentCPUUtilizationPercentage: 90 } },
    );
    const newer = autoscaler(
      'autoscaling/v2',
      { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }] },
      {
        status: {
          currentReplicas: 1,
          desiredReplicas: 2,
          currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 90 } } }],
        },
      },
    );
    expect(convertObject(old, v2)).toEqual(newer);
    const back = convertObject(newer, v1);
    expect(back['spec']).toEqual(old['spec']);
    expect(back['status']).toEqual(old['status']);
  });

  test('what v1 has no field for travels in the annotations of Kubernetes', () => {
    const newer = autoscaler('autoscaling/v2', {
      metrics: [{ type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: 3 } },
    });
    expect(convertObject(newer, v1).metadata.annotations).toEqual({
      'autoscaling.alpha.kubernetes.io/metrics': '[{"type":"Pods","pods":{"metricName":"rps","targetAverageValue":"10"}}]',
      'autoscaling.alpha.kubernetes.io/behavior': '{"scaleDown":{"stabilizationWindowSeconds":3}}',
    });
  });

  test('an unreadable annotation is ignored', () => {
    const broken = {
      ...autoscaler('autoscaling/v1', {}),
      metadata: { name: 'web', annotations: { 'autoscaling.alpha.kubernetes.io/metrics': '{', own: 'x' } },
    };
    expect(convertObject(broken, v2)).toMatchObject({ metadata: { annotations: { own: 'x' } } });
  });

  const amount = fc.constantFrom('1', '100m', '1Gi');
  const identifier = fc.record(
    { name: fc.constantFrom('rps', 'queue'), selector: fc.constant({ matchLabels: { a: 'b' } }) },
    { requiredKeys: ['name'] },
  );
  const percent = fc.integer({ min: 1, max: 300 }).map((averageUtilization) => ({ type: 'Utilization', averageUtilization }));
  const average = amount.map((averageValue) => ({ type: 'AverageValue', averageValue }));
  const value = amount.map((v) => ({ type: 'Value', value: v }));
  const metric = fc.oneof(
    fc.record({ type: fc.constant('Resource'), resource: fc.record({ name: fc.constant('memory'), target: fc.oneof(percent, average) }) }),
    fc.record({
      type: fc.constant('ContainerResource'),
      containerResource: fc.record({ name: fc.constant('cpu'), container: fc.constant('c'), target: fc.oneof(percent, average) }),
    }),
    fc.record({ type: fc.constant('Pods'), pods: fc.record({ metric: identifier, target: average }) }),
    fc.record({
      type: fc.constant('Object'),
      object: fc.record({ describedObject: fc.constant(target), metric: identifier, target: fc.oneof(average, value) }),
    }),
    fc.record({ type: fc.constant('External'), external: fc.record({ metric: identifier, target: fc.oneof(average, value) }) }),
  );

  test('nothing is lost from v2 to v1 and back', () => {
    const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };
    const kind = findByKind('autoscaling/v2', 'HorizontalPodAutoscaler');
    fc.assert(
      fc.property(fc.array(metric, { maxLength: 4 }), fc.boolean(), (metrics, hasCpu) => {
        const all = [...(hasCpu ? [cpu] : []), ...metrics];
        const conditions = [{ type: 'AbleToScale', status: 'True' }];
        const newer = autoscaler('autoscaling/v2', all.length === 0 ? {} : { metrics: all }, {
          status: { desiredReplicas: 1, conditions },
        });
        if (kind !== undefined) decodeValue(kind, newer, { fieldValidation: 'Strict' });
        expect(convertObject(convertObject(newer, v1), v2)).toEqual(newer);
      }),
    );
  });
});

describe('events', () => {
  test('carry the same facts under the names of both groups', () => {
    const core: KubeObject = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { kind: 'Pod', name: 'p' },
      message: 'm',
      reason: 'r',
      source: { component: 'c' },
      count: 2,
      reportingComponent: 'rc',
      type: 'Normal',
    };
    const newer = convertObject(core, { group: 'events.k8s.io', version: 'v1' });
    expect(newer).toEqual({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e' },
      regarding: { kind: 'Pod', name: 'p' },
      note: 'm',
      reason: 'r',
      deprecatedSource: { component: 'c' },
      deprecatedCount: 2,
      reportingController: 'rc',
      type: 'Normal',
    });
    expect(convertObject(newer, { group: '', version: 'v1' })).toEqual(core);
  });

  test('an object that has the version already is returned as it is, and a pair that does not exist is refused', () => {
    const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: {} };
    expect(convertObject(pod, { group: '', version: 'v1' })).toBe(pod);
    expect(() => convertObject(pod, { group: 'apps', version: 'v1' })).toThrow('no conversion of Pod from v1 to apps/v1');
  });
});
