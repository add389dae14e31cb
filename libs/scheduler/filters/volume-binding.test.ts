import { describe, expect, test } from '@jest/globals';
import type { Node, PersistentVolumeClaim, Pod, Stored, StoredVolume } from '../../api/index.js';
import { localVolumeSpec } from '../../api/index.js';
import { SeededRandom } from '../../kit/testing/index.js';
import { Decider, NO_VOLUMES, podFacts, Snapshot } from '../index.js';
import type { VolumeView } from '../index.js';

const meta = (name: string) => ({ name, uid: name, namespace: 'default', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' });

function decide(view: Partial<VolumeView>): string {
  const snapshot = new Snapshot({ ...NO_VOLUMES, ...view });
  for (const name of ['n1', 'n2']) {
    const node: Stored<Node> = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { ...meta(name), labels: { 'kubernetes.io/hostname': name } },
      status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } },
    };
    snapshot.putNode(node);
  }
  const pod: Stored<Pod> = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: meta('p'),
    spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] },
  };
  const decision = new Decider(snapshot, new SeededRandom(1)).decide(podFacts(pod));
  return decision.kind === 'place' ? decision.node.name : decision.message;
}

function aClaim(extra: object, annotations: Record<string, string> = {}): Stored<PersistentVolumeClaim> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { ...meta('data'), annotations },
    spec: { accessModes: ['ReadWriteOnce'], ...extra },
  };
}

const bound = aClaim({ volumeName: 'pv' }, { 'pv.kubernetes.io/bind-completed': 'yes' });
const onNode = (node: string): StoredVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: meta('pv'),
  spec: localVolumeSpec('pv', node),
});

describe('volumes of a pod', () => {
  test('hold it to the node that has them', () => {
    expect(decide({ claim: () => bound, volume: () => onNode('n2') })).toBe('n2');
  });

  test('are named where no node has them', () => {
    expect(decide({ claim: () => bound, volume: () => onNode('n3') })).toBe(
      "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.",
    );
  });

  test('must be claimed', () => {
    expect(decide({})).toBe('0/2 nodes are available: persistentvolumeclaim "data" not found.');
  });

  test('that are to be bound at once must be', () => {
    expect(decide({ claim: () => aClaim({ storageClassName: 'now' }) })).toBe(
      '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
    );
  });

  test('that wait for the pod must be there or be made there', () => {
    const view = (provisioner: string): Partial<VolumeView> => ({
      claim: () => aClaim({ storageClassName: 'later' }),
      storageClass: () => ({
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: meta('later'),
        provisioner,
        volumeBindingMode: 'WaitForFirstConsumer',
      }),
    });
    expect(decide(view('kubernetes.io/no-provisioner'))).toBe(
      "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.",
    );
    expect(decide(view('berth.dev/local'))).toMatch(/^n[12]$/);
  });
});
