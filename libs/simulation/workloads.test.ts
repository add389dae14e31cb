import { describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../api/index.js';
import { resources } from '../reconciling/index.js';
import { SimulatedCluster } from './index.js';

const template = (app: string, image = 'app:1', spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'main', image }], ...spec },
});

function workload(kind: string, name: string, spec: object): KubeObject {
  const apiVersion = kind === 'Job' || kind === 'CronJob' ? 'batch/v1' : 'apps/v1';
  return { apiVersion, kind, metadata: { name }, spec };
}

function podsOf(cluster: SimulatedCluster, app: string) {
  return cluster.view.list(resources.pods, 'default').filter((pod) => pod.metadata.labels?.['app'] === app);
}

const namesOf = (objects: readonly { readonly metadata: { readonly name: string } }[]) => objects.map(({ metadata }) => metadata.name);

describe('workloads in a simulated cluster', () => {
  test('a StatefulSet makes its pods in order, with stable names, and updates them from the last', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 21, nodes: 3, startMs: [300, 400] });
    const set = (replicas: number, image = 'db:1') =>
      workload('StatefulSet', 'db', {
        serviceName: 'db',
        replicas,
        selector: { matchLabels: { app: 'db' } },
        template: template('db', image),
      });
    await cluster.apply(set(3));
    await cluster.advance(150);
    expect(namesOf(podsOf(cluster, 'db'))).toEqual(['db-0']);
    await cluster.settle();
    const pods = podsOf(cluster, 'db');
    expect(namesOf(pods)).toEqual(['db-0', 'db-1', 'db-2']);
    expect(pods[1]?.spec).toMatchObject({ hostname: 'db-1', subdomain: 'db' });
    expect(pods[1]?.metadata.labels).toMatchObject({ 'statefulset.kubernetes.io/pod-name': 'db-1', 'apps.kubernetes.io/pod-index': '1' });
    await cluster.apply(set(3, 'db:2'));
    const order: string[] = [];
    for (let step = 0; step < 100; step += 1) {
      await cluster.advance(50);
      for (const pod of podsOf(cluster, 'db')) {
        if (pod.spec?.containers[0]?.image === 'db:2' && !order.includes(pod.metadata.name)) order.push(pod.metadata.name);
      }
    }
    expect(order).toEqual(['db-2', 'db-1', 'db-0']);
    await cluster.settle();
    const status = cluster.view.get(resources.statefulSets, 'default', 'db')?.status;
    expect(status).toMatchObject({ replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 });
    expect(status?.currentRevision).toBe(status?.updateRevision);
    await cluster.apply(set(1, 'db:2'));
    await cluster.settle();
    expect(namesOf(podsOf(cluster, 'db'))).toEqual(['db-0']);
  });

  test('a DaemonSet has one pod on each node, also on one that comes later, and replaces them one by one', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 22, nodes: 3 });
    const set = (image: string) =>
      workload('DaemonSet', 'log', { selector: { matchLabels: { app: 'log' } }, template: template('log', image) });
    await cluster.apply(set('log:1'));
    await cluster.settle();
    const nodes = () => podsOf(cluster, 'log').map((pod) => pod.spec?.nodeName ?? '');
    expect(nodes().toSorted()).toEqual(['node-1', 'node-2', 'node-3']);
    await cluster.addNode(4);
    await cluster.settle();
    expect(nodes().toSorted()).toEqual(['node-1', 'node-2', 'node-3', 'node-4']);
    await cluster.apply(set('log:2'));
    await cluster.settle();
    expect(podsOf(cluster, 'log').map((pod) => pod.spec?.containers[0]?.image)).toEqual(Array(4).fill('log:2'));
    expect(cluster.view.get(resources.daemonSets, 'default', 'log')?.status).toMatchObject({
      desiredNumberScheduled: 4,
      numberReady: 4,
      updatedNumberScheduled: 4,
      numberAvailable: 4,
    });
  });

  test('a Job runs until its completions are reached, and goes after its time', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 23, nodes: 2 });
    cluster.finishing = (pod) => (pod.metadata.labels?.['app'] === 'sum' ? 'Succeeded' : undefined);
    await cluster.apply(
      workload('Job', 'sum', {
        completions: 5,
        parallelism: 2,
        ttlSecondsAfterFinished: 30,
        template: template('sum', 'sum', { restartPolicy: 'Never' }),
      }),
    );
    await cluster.settle();
    const job = cluster.view.get(resources.jobs, 'default', 'sum');
    expect(job?.status).toMatchObject({ succeeded: 5 });
    expect(job?.status?.conditions?.map((each) => each.type)).toEqual(['SuccessCriteriaMet', 'Complete']);
    expect(podsOf(cluster, 'sum')).toHaveLength(5);
    await cluster.advance(31_000);
    await cluster.settle();
    expect(cluster.view.get(resources.jobs, 'default', 'sum')).toBeUndefined();
    expect(podsOf(cluster, 'sum')).toEqual([]);
  });

  test('a Job whose pods fail stops at its backoff limit', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 24, nodes: 2 });
    cluster.finishing = () => 'Failed';
    await cluster.apply(workload('Job', 'bad', { backoffLimit: 2, template: template('bad', 'bad', { restartPolicy: 'Never' }) }));
    await cluster.settle();
    await cluster.advance(20_000);
    await cluster.settle();
    const job = cluster.view.get(resources.jobs, 'default', 'bad');
    expect(job?.status).toMatchObject({ failed: 3 });
    expect(job?.status?.conditions?.at(-1)).toMatchObject({ type: 'Failed', reason: 'BackoffLimitExceeded' });
  });

  test('an indexed Job gives each pod its index', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 25, nodes: 2 });
    cluster.finishing = () => 'Succeeded';
    await cluster.apply(
      workload('Job', 'part', {
        completions: 3,
        parallelism: 3,
        completionMode: 'Indexed',
        template: template('part', 'part', { restartPolicy: 'Never' }),
      }),
    );
    await cluster.settle();
    expect(cluster.view.get(resources.jobs, 'default', 'part')?.status).toMatchObject({ succeeded: 3, completedIndexes: '0-2' });
    const indexes = podsOf(cluster, 'part').map((pod) => pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] ?? '');
    expect(indexes.toSorted()).toEqual(['0', '1', '2']);
  });

  test('a CronJob makes a Job at each time of its schedule and keeps three', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 26, nodes: 1 });
    cluster.finishing = () => 'Succeeded';
    await cluster.apply(
      workload('CronJob', 'tick', {
        schedule: '* * * * *',
        jobTemplate: { spec: { template: template('tick', 'tick', { restartPolicy: 'Never' }) } },
      }),
    );
    await cluster.advance(130_000);
    expect(cluster.view.list(resources.jobs, 'default')).toHaveLength(2);
    await cluster.advance(150_000);
    expect(cluster.view.list(resources.jobs, 'default')).toHaveLength(3);
  });

  test('a budget says how many pods may be evicted', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 27, nodes: 3 });
    await cluster.apply(
      workload('Deployment', 'web', { replicas: 4, selector: { matchLabels: { app: 'web' } }, template: template('web') }),
    );
    await cluster.apply({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web' },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
    });
    await cluster.settle();
    const status = () => cluster.view.get(resources.podDisruptionBudgets, 'default', 'web')?.status;
    expect(status()).toMatchObject({ currentHealthy: 4, desiredHealthy: 3, disruptionsAllowed: 1, expectedPods: 4 });
    await cluster.delete(resources.pods, 'default', podsOf(cluster, 'web')[0]?.metadata.name ?? '');
    await cluster.advance(5);
    expect(status()).toMatchObject({ disruptionsAllowed: 0 });
  });
});
