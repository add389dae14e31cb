import { describe, expect, test } from '@jest/globals';
import { resources } from '../reconciling/index.js';
import { SimulatedCluster } from './index.js';

describe('autoscaling in a simulated cluster', () => {
  test('a load step is answered within 1.5 s, and the size goes back when it ends', async () => {
    await using cluster = await SimulatedCluster.start({ seed: 11, nodes: 3 });
    await cluster.apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'api' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'api' } },
        template: {
          metadata: { labels: { app: 'api' } },
          spec: { containers: [{ name: 'main', image: 'api', resources: { requests: { cpu: '200m' } } }] },
        },
      },
    });
    await cluster.apply({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'api' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api' },
        minReplicas: 1,
        maxReplicas: 6,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
        behavior: { scaleDown: { stabilizationWindowSeconds: 5, policies: [{ type: 'Percent', value: 100, periodSeconds: 5 }] } },
      },
    });
    await cluster.settle();
    await cluster.advance(20_000);
    const replicas = () => cluster.view.get(resources.deployments, 'default', 'api')?.spec?.replicas;
    const total = () => cluster.view.list(resources.pods, 'default').length;
    expect(replicas()).toBe(1);
    cluster.load = () => 0.4 / Math.max(1, total());
    await cluster.advance(1_500);
    expect(replicas()).toBe(4);
    await cluster.advance(10_000);
    expect(replicas()).toBe(4);
    cluster.load = () => 0;
    await cluster.advance(15_000);
    expect(replicas()).toBe(1);
    const hpa = cluster.view.get(resources.horizontalPodAutoscalers, 'default', 'api');
    expect(hpa?.status).toMatchObject({ currentReplicas: 1, desiredReplicas: 1 });
  });
});
