import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../../libs/api/index.js';
import { consequence, parseHealth } from './health.js';
import { hostRows } from './hosts.js';
import { findTroubles, podReason } from './workloads.js';

const owner = (uid: string) => [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid, controller: true }];
const pod = (name: string, more: Partial<Pod> & { readonly owner?: string }): Pod => ({
  metadata: { name, namespace: 'shop', uid: name, ...(more.owner !== undefined && { ownerReferences: owner(more.owner) }) },
  spec: { containers: [{ name: 'app' }], ...more.spec },
  status: { phase: 'Pending', ...more.status },
});
const waiting = (reason: string, message: string) => ({
  containerStatuses: [{ name: 'app', ready: false, restartCount: 0, image: '', imageID: '', state: { waiting: { reason, message } } }],
});
const web = { kind: 'deployment', namespace: 'shop', name: 'web', uid: 'deploy', wanted: 2, ready: 0 };
const replicaSets = [{ metadata: { uid: 'rs', ownerReferences: owner('deploy') } }];

describe('status', () => {
  test('a part that is degraded is told apart from one that failed, with what follows from it', () => {
    const health = parseHealth('[+]etcd ok\n[!]redis degraded (not critical): connect ECONNREFUSED\nreadyz check passed\n');
    expect(health).toEqual([
      { name: 'etcd', state: 'ok', problem: '' },
      { name: 'redis', state: 'degraded', problem: 'connect ECONNREFUSED' },
    ]);
    expect(health.map(consequence)).toEqual(['', 'operations (drain, build) wait; everything else goes on']);
    expect(parseHealth('[-]etcd failed: no leader\n')).toEqual([{ name: 'etcd', state: 'failed', problem: 'no leader' }]);
  });

  test('the worst reason among the pods of a workload speaks for it', () => {
    const pods = [
      pod('a', { owner: 'rs', status: waiting('ContainerCreating', '') }),
      pod('b', { owner: 'rs', status: waiting('ImagePullBackOff', 'no such image: web:9\nmore') }),
      pod('c', { owner: 'other', status: waiting('CrashLoopBackOff', 'back-off') }),
    ];
    expect(findTroubles({ workloads: [web, { ...web, name: 'fine', ready: 2 }], pods, replicaSets })).toEqual([
      { ...web, reason: 'ImagePullBackOff: no such image: web:9' },
    ]);
  });

  test('pods of nobody count unless they have done their work', () => {
    const pods = [pod('done', { status: { phase: 'Succeeded' } }), pod('lone', {})];
    expect(findTroubles({ workloads: [], pods, replicaSets })).toMatchObject([{ kind: 'pod', name: 'lone', reason: 'Pending' }]);
  });

  test('a pod that no host takes says why, without what preemption could not do', () => {
    const conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available',
      },
    ];
    expect(podReason(pod('a', { status: { phase: 'Pending', conditions } }))).toBe(
      'Unschedulable: 0/3 nodes are available: 3 Insufficient cpu',
    );
  });

  test('hosts show what they use of what they have', () => {
    const node = {
      metadata: { name: 'n1' },
      spec: { unschedulable: true },
      status: {
        allocatable: { cpu: '2', memory: '1Gi', pods: '10' },
        conditions: [{ type: 'Ready', status: 'Unknown' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      },
    };
    const pods = [
      pod('a', { spec: { nodeName: 'n1', containers: [] } }),
      pod('b', { spec: { nodeName: 'n1', containers: [] }, status: { phase: 'Succeeded' } }),
    ];
    const [row] = hostRows([node], pods, [{ metadata: { name: 'n1' }, usage: { cpu: '500m', memory: '256Mi' } }]);
    expect(row).toMatchObject({
      status: 'NotReady,SchedulingDisabled',
      ready: false,
      pods: 1,
      podsMax: 10,
      cpu: 500,
      cpuMax: 2_000,
      memory: 268_435_456,
      address: '10.0.0.1',
    });
  });
});
