import { describe, expect, test } from '@jest/globals';
import { allKinds, apiVersionOf, findByKind, findByResource, findKind, qualifiedResource } from './kinds.js';

describe('the table of kinds', () => {
  test('knows pods with their verbs, short names, categories and subresources', () => {
    expect(findByResource({ group: '', resource: 'pods' })).toMatchObject({
      kind: 'Pod',
      version: 'v1',
      singular: 'pod',
      namespaced: true,
      shortNames: ['po'],
      categories: ['all'],
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      schema: 'Pod',
      stored: true,
      storageVersion: 'v1',
    });
    expect(findByResource({ group: '', resource: 'pods' })?.subresources).toEqual(
      expect.arrayContaining(['attach', 'binding', 'ephemeralcontainers', 'eviction', 'exec', 'log', 'portforward', 'resize', 'status']),
    );
  });

  test('serves autoscalers in both versions and stores the newer', () => {
    expect(findByResource({ group: 'autoscaling', resource: 'horizontalpodautoscalers' })?.version).toBe('v2');
    const old = findKind({ group: 'autoscaling', version: 'v1', resource: 'horizontalpodautoscalers' });
    expect(old).toMatchObject({ storageVersion: 'v2', schema: 'HorizontalPodAutoscaler' });
  });

  test('keeps the events of both groups in one place', () => {
    expect(findByKind('events.k8s.io/v1', 'Event')).toMatchObject({ storageGroup: '', storageVersion: 'v1', schema: 'EventsV1Event' });
    expect(findByKind('v1', 'Event')).toMatchObject({ storageGroup: '', schema: 'CoreV1Event' });
  });

  test('answers reviews and metrics without storing them', () => {
    for (const [apiVersion, kind] of [
      ['authentication.k8s.io/v1', 'TokenReview'],
      ['authorization.k8s.io/v1', 'SelfSubjectAccessReview'],
      ['metrics.k8s.io/v1beta1', 'PodMetrics'],
      ['v1', 'Binding'],
    ] as const)
      expect(findByKind(apiVersion, kind)?.stored).toBe(false);
  });

  test('finds every row by resource and by kind, and lists the core group first', () => {
    for (const kind of allKinds()) {
      expect(findKind(kind)).toBe(kind);
      expect(findByKind(apiVersionOf(kind), kind.kind)).toBe(kind);
    }
    expect(allKinds()[0]?.group).toBe('');
    expect(new Set(allKinds().map((k) => `${k.version} ${qualifiedResource(k)}`)).size).toBe(allKinds().length);
  });
});
