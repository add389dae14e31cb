import { describe, expect, test } from '@jest/globals';
import type { Node, Pod, Stored } from '../api/index.js';
import { SeededRandom } from '../kit/testing/index.js';
import { Decider, planPreemption, podFacts, Snapshot } from './index.js';

let serial = 0;

function aNode(
  name: string,
  extra: { cpu?: string; labels?: Record<string, string>; spec?: object; images?: object[] } = {},
): Stored<Node> {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'kubernetes.io/hostname': name, ...extra.labels },
    },
    spec: extra.spec ?? {},
    status: { allocatable: { cpu: extra.cpu ?? '4', memory: '8Gi', pods: '110' }, images: [] },
  };
}

function aPod(
  extra: { cpu?: string; labels?: Record<string, string>; spec?: object; owner?: string; namespace?: string } = {},
): Stored<Pod> {
  serial += 1;
  const name = `pod-${serial}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: extra.namespace ?? 'default',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: extra.labels ?? {},
      ownerReferences:
        extra.owner === undefined
          ? []
          : [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: extra.owner, uid: extra.owner, controller: true }],
    },
    spec: {
      containers: [{ name: 'main', image: 'app', resources: extra.cpu === undefined ? {} : { requests: { cpu: extra.cpu } } }],
      ...extra.spec,
    },
  };
}

function cluster(...nodes: Stored<Node>[]) {
  const snapshot = new Snapshot();
  for (const node of nodes) snapshot.putNode(node);
  const decider = new Decider(snapshot, new SeededRandom(7));
  return {
    snapshot,
    /** Places the pod and answers the node, or the refusal with the preemption part. */
    schedule(pod: Stored<Pod>): string {
      const facts = podFacts(pod);
      const decision = decider.decide(facts);
      if (decision.kind === 'unschedulable') return `${decision.message} preemption: ${planPreemption(snapshot, facts, decision).message}`;
      snapshot.placePod(facts, decision.node.name);
      return decision.node.name;
    },
  };
}

describe('scheduling decisions', () => {
  test('spread the replicas of one controller: three on three equal nodes are one each', () => {
    const { schedule } = cluster(aNode('n1'), aNode('n2'), aNode('n3'));
    const nodes = [1, 2, 3].map(() => schedule(aPod({ owner: 'web', cpu: '100m' })));
    expect(nodes.toSorted()).toEqual(['n1', 'n2', 'n3']);
  });

  test('explain in the words of Kubernetes why no node is left', () => {
    const { schedule } = cluster(
      aNode('n1', { spec: { taints: [{ key: 'x', value: 'y', effect: 'NoSchedule' }] } }),
      aNode('n2', { cpu: '1' }),
      aNode('n3', { cpu: '1' }),
    );
    expect(schedule(aPod({ cpu: '2' }))).toBe(
      '0/3 nodes are available: 1 node(s) had untolerated taint {x: y}, 2 Insufficient cpu. ' +
        'preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
    );
  });

  test('say that there are no nodes where there are none', () => {
    expect(cluster().schedule(aPod())).toContain('no nodes available to schedule pods');
  });

  test('respect cordoned nodes, node selectors and host ports', () => {
    const { schedule } = cluster(aNode('n1', { spec: { unschedulable: true } }), aNode('n2', { labels: { disk: 'ssd' } }), aNode('n3'));
    const withPort = () =>
      aPod({ spec: { nodeSelector: { disk: 'ssd' }, containers: [{ name: 'a', ports: [{ containerPort: 80, hostPort: 80 }] }] } });
    expect(schedule(withPort())).toBe('n2');
    expect(schedule(withPort())).toContain(
      "0/3 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable.",
    );
  });

  test('keep pods with required anti-affinity apart, also when only the placed pod has it', () => {
    const { schedule } = cluster(aNode('n1'), aNode('n2'));
    const alone = () =>
      aPod({
        labels: { app: 'db' },
        spec: {
          containers: [{ name: 'a' }],
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } },
              ],
            },
          },
        },
      });
    expect([schedule(alone()), schedule(alone())].toSorted()).toEqual(['n1', 'n2']);
    expect(schedule(alone())).toContain("2 node(s) didn't match pod anti-affinity rules");
    expect(schedule(aPod({ labels: { app: 'db' } }))).toContain("2 node(s) didn't satisfy existing pods anti-affinity rules");
    expect(schedule(aPod({ labels: { app: 'db' }, namespace: 'other' }))).toMatch(/^n/);
  });

  test('let the first pod of a self-affine group go anywhere, and the others follow', () => {
    const { schedule } = cluster(
      aNode('n1', { labels: { zone: 'a' } }),
      aNode('n2', { labels: { zone: 'b' } }),
      aNode('n3', { labels: { zone: 'b' } }),
    );
    const together = () =>
      aPod({
        labels: { app: 'x' },
        spec: {
          containers: [{ name: 'a' }],
          affinity: {
            podAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: { matchLabels: { app: 'x' } } }],
            },
          },
        },
      });
    const first = schedule(together());
    const zone = (node: string) => (node === 'n1' ? 'a' : 'b');
    for (let index = 0; index < 4; index += 1) expect(zone(schedule(together()))).toBe(zone(first));
  });

  test('hold hard topology spread constraints', () => {
    const { schedule } = cluster(
      aNode('n1', { labels: { zone: 'a' } }),
      aNode('n2', { labels: { zone: 'b' }, cpu: '1' }),
      aNode('n3', { labels: {} }),
    );
    const spread = () =>
      aPod({
        cpu: '1',
        labels: { app: 's' },
        spec: {
          topologySpreadConstraints: [
            { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 's' } } },
          ],
          containers: [{ name: 'a', resources: { requests: { cpu: '1' } } }],
        },
      });
    expect([schedule(spread()), schedule(spread())].toSorted()).toEqual(['n1', 'n2']);
    expect(schedule(spread())).toBe('n1');
    expect(schedule(spread())).toContain(
      "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod topology spread constraints (missing required label).",
    );
  });

  test('make room for a pod of higher priority with the least harm', () => {
    const { snapshot, schedule } = cluster(aNode('n1', { cpu: '2' }), aNode('n2', { cpu: '2' }));
    for (const priority of [10, 20]) {
      for (const node of ['n1', 'n2']) {
        const pod = aPod({
          cpu: '1',
          spec: { priority: node === 'n1' ? priority : priority + 5, containers: [{ name: 'a', resources: { requests: { cpu: '1' } } }] },
        });
        snapshot.placePod(podFacts(pod), node);
      }
    }
    const important = podFacts(aPod({ spec: { priority: 1000, containers: [{ name: 'a', resources: { requests: { cpu: '1' } } }] } }));
    const decision = new Decider(snapshot, new SeededRandom(1)).decide(important);
    expect(decision.kind).toBe('unschedulable');
    if (decision.kind !== 'unschedulable') return;
    const preemption = planPreemption(snapshot, important, decision);
    expect(preemption.node).toBe('n1');
    expect(preemption.victims.map((victim) => victim.priority)).toEqual([10]);
    expect(schedule(aPod({ cpu: '1' }))).toContain('No preemption victims found');
  });
});
