import { describe, expect, test } from '@jest/globals';
import type { Container, Pod } from '../../api/index.js';
import { containerLimits, oomScoreAdjustment, podLimits, qosClass, quotaOf, sharesOf, weightOf } from './limits.js';

type Amounts = Record<string, string>;

function container(requests?: Amounts, limits?: Amounts, more: Partial<Container> = {}): Container {
  return { name: 'c', resources: { requests, limits }, ...more };
}

function pod(...containers: Container[]): Pod {
  return { spec: { containers } };
}

const GUARANTEED = container({ cpu: '1', memory: '64Mi' }, { cpu: '1000m', memory: '64Mi' });

describe('the QoS class', () => {
  test('follows the table of the Kubernetes documentation', () => {
    expect(qosClass(pod(container()))).toBe('BestEffort');
    expect(qosClass(pod(GUARANTEED))).toBe('Guaranteed');
    expect(qosClass(pod(container(undefined, { cpu: '1', memory: '1Gi' })))).toBe('Guaranteed');
    expect(qosClass(pod(GUARANTEED, container()))).toBe('Burstable');
    expect(qosClass(pod(container({ cpu: '100m' })))).toBe('Burstable');
    expect(qosClass(pod(container({ cpu: '0' })))).toBe('BestEffort');
  });
});

describe('limits', () => {
  test('of a container are shares of its request, and quota and bytes of its limits', () => {
    expect(containerLimits(container({ cpu: '250m' }, { cpu: '500m', memory: '64Mi' }))).toEqual({
      cpuShares: 256,
      cpuQuotaUs: 50_000,
      memoryBytes: 67_108_864,
    });
  });

  test('without amounts are the smallest share and nothing else', () => {
    expect(containerLimits(container())).toEqual({ cpuShares: 2, cpuQuotaUs: undefined, memoryBytes: undefined });
  });

  test('of a pod are the sum, but only where every container has one', () => {
    expect(podLimits(pod(GUARANTEED, GUARANTEED), 100)).toEqual({
      cpuShares: 2048,
      cpuQuotaUs: 200_000,
      memoryBytes: 134_217_728,
      pids: 100,
    });
    expect(podLimits(pod(GUARANTEED, container({ cpu: '1' })), undefined)).toMatchObject({ cpuQuotaUs: undefined, memoryBytes: undefined });
  });

  test('of a pod are at least those of its largest init container beside the sidecars before it', () => {
    const big = container({ cpu: '3' }, { cpu: '3', memory: '1Gi' });
    const sidecar = container({ cpu: '1' }, { cpu: '1', memory: '64Mi' }, { restartPolicy: 'Always' });
    expect(podLimits({ spec: { initContainers: [sidecar, big], containers: [GUARANTEED] } }, undefined).cpuQuotaUs).toBe(400_000);
  });

  test('stay within what the kernel takes', () => {
    expect([sharesOf(0), sharesOf(1_000_000)]).toEqual([2, 262_144]);
    expect(quotaOf(1)).toBe(1_000);
    expect([weightOf(2), weightOf(1024), weightOf(262_144)]).toEqual([1, 39, 10_000]);
  });
});

describe('the OOM score', () => {
  const GIB = 2 ** 30;
  test('spares guaranteed pods, offers best effort ones, and ranks the others by their request', () => {
    expect(oomScoreAdjustment(pod(GUARANTEED), GUARANTEED, GIB)).toBe(-997);
    expect(oomScoreAdjustment(pod(container()), container(), GIB)).toBe(1000);
    const half = container({ memory: '512Mi' });
    expect(oomScoreAdjustment(pod(half), half, GIB)).toBe(500);
    const tiny = container({ memory: '1Ki' });
    expect(oomScoreAdjustment(pod(tiny), tiny, GIB)).toBe(999);
  });
});
