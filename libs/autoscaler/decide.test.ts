import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { V2HorizontalPodAutoscalerBehavior, V2HorizontalPodAutoscalerSpec, V2MetricSpec } from '../api/index.js';
import { formatTime, instant } from '../kit/index.js';
import { decideReplicas, DEFAULT_SETTINGS, NO_HISTORY } from './index.js';
import type { AutoscalerDecision, History, PodSample } from './index.js';

const NOW = instant(Date.UTC(2026, 0, 1, 12));

interface SampleFacts {
  /** Cores; absent = no sample. */
  readonly cpu?: number | undefined;
  readonly request?: string;
  readonly ready?: boolean;
  readonly phase?: string;
  readonly startedSecondsAgo?: number;
  readonly readySecondsAgo?: number;
}

function aSample(index: number, facts: SampleFacts): PodSample {
  const { cpu, request = '1', ready = true, phase = 'Running', startedSecondsAgo = 3600, readySecondsAgo = startedSecondsAgo } = facts;
  const started = formatTime(instant(NOW - startedSecondsAgo * 1000));
  const lastTransitionTime = formatTime(instant(NOW - readySecondsAgo * 1000));
  const name = `pod-${index}`;
  return {
    pod: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: started },
      spec: { containers: [{ name: 'main', resources: { requests: { cpu: request } } }] },
      status: { phase, startTime: started, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }] },
    },
    usage:
      cpu === undefined
        ? undefined
        : {
            namespace: 'default',
            name,
            uid: name,
            at: NOW,
            windowMs: 1000,
            containers: [{ name: 'main', cpuCores: cpu, memoryBytes: 1024 ** 2 }],
          },
  };
}

const cpuAt = (percent: number): V2MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } },
});

function decide(options: {
  readonly pods: readonly SampleFacts[];
  readonly replicas?: number;
  readonly min?: number;
  readonly max?: number;
  readonly metrics?: readonly V2MetricSpec[];
  readonly behavior?: V2HorizontalPodAutoscalerBehavior;
  readonly history?: History;
  readonly at?: number;
}): AutoscalerDecision {
  const spec: V2HorizontalPodAutoscalerSpec = {
    scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' },
    minReplicas: options.min ?? 1,
    maxReplicas: options.max ?? 10,
    metrics: options.metrics ?? [cpuAt(50)],
    behavior: options.behavior,
  };
  const samples = options.pods.map((facts, index) => aSample(index, facts));
  const view = {
    spec,
    status: undefined,
    currentReplicas: options.replicas ?? options.pods.length,
    samples,
    history: options.history ?? NO_HISTORY,
  };
  return decideReplicas(view, DEFAULT_SETTINGS, instant(options.at ?? NOW));
}

const condition = (decision: AutoscalerDecision, type: string) => decision.status.conditions?.find((each) => each.type === type);
const using = (cpu: number, count: number): SampleFacts[] => Array.from({ length: count }, () => ({ cpu }));

describe('the replica decision', () => {
  test('multiplies the replicas by usage over target, rounded up', () => {
    const decision = decide({ pods: using(0.9, 2) });
    expect(decision.replicas).toBe(4);
    expect(decision.reason).toBe('cpu resource utilization (percentage of request) above target');
    expect(decision.status.currentMetrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 90, averageValue: '900m' } } },
    ]);
    expect(condition(decision, 'AbleToScale')).toMatchObject({ status: 'True', reason: 'SucceededRescale' });
    expect(condition(decision, 'ScalingActive')).toMatchObject({ status: 'True', reason: 'ValidMetricFound' });
  });

  test('does nothing within ten percent of the target', () => {
    expect(decide({ pods: using(0.54, 3) }).replicas).toBe(3);
    expect(decide({ pods: using(0.46, 3) }).replicas).toBe(3);
  });

  test('scales up at most to twice the size or by four pods in 15 s, whichever is more', () => {
    const decision = decide({ pods: using(1, 1), metrics: [cpuAt(5)], max: 100 });
    expect(decision.replicas).toBe(5);
    expect(condition(decision, 'ScalingLimited')).toMatchObject({ status: 'True', reason: 'ScaleUpLimit' });
  });

  test('stays between minReplicas and maxReplicas and says so', () => {
    const up = decide({ pods: using(1, 2), max: 3 });
    expect(up.replicas).toBe(3);
    expect(condition(up, 'ScalingLimited')).toMatchObject({ status: 'True', reason: 'TooManyReplicas' });
    expect(decide({ pods: using(0.5, 5), max: 3 })).toMatchObject({
      replicas: 3,
      reason: 'Current number of replicas above Spec.MaxReplicas',
    });
    expect(decide({ pods: using(0.5, 1), min: 2 })).toMatchObject({
      replicas: 2,
      reason: 'Current number of replicas below Spec.MinReplicas',
    });
  });

  test('scales down only to the highest recommendation of the stabilization window', () => {
    const history: History = { recommendations: [{ at: instant(NOW - 60_000), replicas: 3 }], changes: [] };
    const held = decide({ pods: using(0.05, 4), history });
    expect(held.replicas).toBe(3);
    expect(condition(held, 'AbleToScale')?.reason).toBe('SucceededRescale');
    const later = decide({ pods: using(0.05, 4), history, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } });
    expect(later.replicas).toBe(1);
  });

  test('does not scale down right after a restart, when nothing is remembered', () => {
    const decision = decide({ pods: using(0.01, 5) });
    expect(decision.replicas).toBe(5);
    expect(condition(decision, 'AbleToScale')).toMatchObject({ reason: 'ScaleDownStabilized' });
  });

  test('counts policies over their period, with what was changed before', () => {
    const behavior: V2HorizontalPodAutoscalerBehavior = {
      scaleUp: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }], selectPolicy: 'Max', stabilizationWindowSeconds: 0 },
    };
    const recent: History = { recommendations: [{ at: NOW, replicas: 3 }], changes: [{ at: instant(NOW - 30_000), delta: 1 }] };
    expect(decide({ pods: using(1, 3), behavior, history: recent }).replicas).toBe(4);
    const old: History = { ...recent, changes: [{ at: instant(NOW - 90_000), delta: 1 }] };
    expect(decide({ pods: using(1, 3), behavior, history: old }).replicas).toBe(5);
  });

  test('takes unready pods as unused when scaling up, and missing ones as fully used when scaling down', () => {
    expect(decide({ pods: [{ cpu: 1 }, { cpu: 1, ready: false, startedSecondsAgo: 2 }] }).replicas).toBe(2);
    const idle: History = { recommendations: [{ at: instant(NOW - 1), replicas: 1 }], changes: [] };
    expect(decide({ pods: [{ cpu: 0.01 }, { cpu: undefined }], history: idle }).replicas).toBe(2);
  });

  test('does not take the work of starting for load: a sample counts a few seconds after the pod became ready', () => {
    const justReady = decide({ pods: [{ cpu: 1, startedSecondsAgo: 6, readySecondsAgo: 3 }] });
    expect(justReady.replicas).toBe(1);
    expect(condition(justReady, 'ScalingActive')).toMatchObject({ status: 'False', reason: 'FailedGetResourceMetric' });
    expect(decide({ pods: [{ cpu: 1, startedSecondsAgo: 9, readySecondsAgo: 6 }] }).replicas).toBe(2);
  });

  test('names the metric that fails, and leaves the size alone', () => {
    const decision = decide({ pods: [{ cpu: undefined }, { cpu: undefined }] });
    expect(decision.replicas).toBe(2);
    expect(condition(decision, 'ScalingActive')).toMatchObject({
      status: 'False',
      reason: 'FailedGetResourceMetric',
      message:
        'the HPA was unable to compute the replica count: failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)',
    });
    const custom = decide({
      pods: using(1, 1),
      metrics: [{ type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } }],
    });
    expect(condition(custom, 'ScalingActive')).toMatchObject({ status: 'False', reason: 'FailedGetPodsMetric' });
  });

  test('leaves a target scaled to zero alone', () => {
    const decision = decide({ pods: [], replicas: 0 });
    expect(decision.replicas).toBe(0);
    expect(condition(decision, 'ScalingActive')).toMatchObject({ status: 'False', reason: 'ScalingDisabled' });
  });

  test('the largest of several metrics decides', () => {
    const memory: V2MetricSpec = {
      type: 'Resource',
      resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '256Ki' } },
    };
    const decision = decide({ pods: using(0.5, 2), metrics: [cpuAt(50), memory] });
    expect(decision.replicas).toBe(6);
    expect(decision.status.currentMetrics?.[1]?.resource?.current).toEqual({ averageValue: '1Mi' });
  });

  test('is always within the bounds, and never moves against the load', () => {
    const pod = fc.record({
      cpu: fc.option(fc.double({ min: 0, max: 4, noNaN: true }), { nil: undefined }),
      ready: fc.boolean(),
      startedSecondsAgo: fc.nat(100),
    });
    fc.assert(
      fc.property(
        fc.array(pod, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 4, max: 20 }),
        (pods, min, max) => {
          const { replicas } = decide({ pods, min, max, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } });
          expect(replicas).toBeGreaterThanOrEqual(min);
          expect(replicas).toBeLessThanOrEqual(Math.max(max, min));
          const seen = pods.flatMap((each) => (each.cpu === undefined ? [] : [each.cpu]));
          if (pods.length >= min && pods.length <= max) {
            if (seen.length > 0 && seen.every((cpu) => cpu > 0.56)) expect(replicas).toBeGreaterThanOrEqual(pods.length);
            if (seen.every((cpu) => cpu < 0.44)) expect(replicas).toBeLessThanOrEqual(pods.length);
          }
        },
      ),
    );
  });
});
