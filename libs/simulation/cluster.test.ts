import { describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../api/index.js';
import { resources } from '../reconciling/index.js';
import { SimulatedCluster } from './index.js';

function aDeployment(replicas: number, image = 'app:1'): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', image, resources: { requests: { cpu: '100m' } } }] },
      },
    },
  };
}

function readyPods(cluster: SimulatedCluster) {
  return cluster.view
    .list(resources.pods, 'default')
    .filter((pod) => pod.metadata.deletionTimestamp === undefined)
    .filter((pod) => pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'));
}

describe('a simulated cluster', () => {
  test('spreads three replicas over three nodes', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 1, nodes: 3 });
    await cluster.apply(aDeployment(3));
    await cluster.settle();
    expect(
      readyPods(cluster)
        .map((pod) => pod.spec?.nodeName ?? '')
        .toSorted(),
    ).toEqual(['node-1', 'node-2', 'node-3']);
    cluster.invariants.assert();
  });

  test('replaces the pods of a killed host within 5 s', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 2, nodes: 3 });
    await cluster.advance(15_000);
    await cluster.apply(aDeployment(6));
    await cluster.settle();
    cluster.node(2).kill();
    await cluster.advance(5_000);
    const pods = readyPods(cluster);
    expect(pods).toHaveLength(6);
    expect(pods.every((pod) => pod.spec?.nodeName !== 'node-2')).toBe(true);
    cluster.node(2).revive();
    await cluster.settle();
    expect(cluster.view.list(resources.pods, 'default')).toHaveLength(6);
    const node = cluster.view.get(resources.nodes, undefined, 'node-2');
    expect(node?.spec?.taints ?? []).toEqual([]);
    cluster.invariants.assert();
  });

  test('empties a deleted namespace and lets it go', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 3, nodes: 2 });
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    await cluster.settle();
    expect(cluster.view.get(resources.serviceAccounts, 'shop', 'default')).toBeDefined();
    expect(cluster.view.get(resources.configMaps, 'shop', 'kube-root-ca.crt')?.data).toEqual({ 'ca.crt': 'CA' });
    await cluster.apply({ ...aDeployment(4), metadata: { name: 'web', namespace: 'shop' } });
    await cluster.settle();
    await cluster.delete(resources.namespaces, undefined, 'shop');
    await cluster.settle();
    expect(cluster.view.get(resources.namespaces, undefined, 'shop')).toBeUndefined();
    expect(cluster.view.list(resources.pods, 'shop')).toEqual([]);
  });

  test('deletes what a deleted Deployment owned', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 4, nodes: 2 });
    await cluster.apply(aDeployment(3));
    await cluster.settle();
    await cluster.delete(resources.deployments, 'default', 'web');
    await cluster.settle();
    expect(cluster.view.list(resources.replicaSets)).toEqual([]);
    expect(cluster.view.list(resources.pods)).toEqual([]);
  });

  test('does not declare nodes lost because the control plane was away', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 5, nodes: 3 });
    await cluster.apply(aDeployment(3));
    await cluster.settle();
    const before = readyPods(cluster).map((pod) => pod.metadata.uid);
    await cluster.stopControlPlane();
    await cluster.advance(60_000);
    cluster.startControlPlane();
    await cluster.settle();
    expect(readyPods(cluster).map((pod) => pod.metadata.uid)).toEqual(before);
  });

  test('keeps endpoints in step with ready pods', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 6, nodes: 2 });
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    });
    await cluster.apply(aDeployment(3));
    await cluster.settle();
    const slices = cluster.view
      .list(resources.endpointSlices, 'default')
      .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === 'web');
    const addresses = slices.flatMap((slice) => slice.endpoints ?? []).map((endpoint) => endpoint.addresses[0] ?? '');
    expect(addresses.toSorted()).toEqual(
      readyPods(cluster)
        .map((pod) => pod.status?.podIP ?? '')
        .toSorted(),
    );
    const endpoints = cluster.view.get(resources.endpoints, 'default', 'web');
    expect(endpoints?.subsets?.[0]?.addresses).toHaveLength(3);
    expect(endpoints?.subsets?.[0]?.ports).toEqual([{ protocol: 'TCP', port: 8080 }]);
    await cluster.delete(resources.services, 'default', 'web');
    await cluster.settle();
    expect(cluster.view.list(resources.endpointSlices, 'default').filter((slice) => slice.metadata.name.startsWith('web'))).toEqual([]);
    expect(cluster.view.get(resources.endpoints, 'default', 'web')).toBeUndefined();
  });
});
