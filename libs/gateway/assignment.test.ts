import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { localVolumeSpec } from '../api/index.js';
import type { KubeObject } from '../api/index.js';
import type { AssignedResource, Assignment } from './messages.js';
import { AssignmentIndex, AssignmentTracker, assignmentFor, cacheView, resourceId } from './index.js';
import { FakeCache } from './testing/fake-cache.js';

/** An agent that applies what it is sent. */
class ModelAgent {
  version = 0;
  readonly has = new Map<string, AssignedResource>();

  apply(assignment: Assignment): void {
    if (assignment.full) this.has.clear();
    for (const resource of assignment.upserts) this.has.set(resourceId(resource.kind, resource.key), resource);
    for (const { kind, key } of assignment.removals) this.has.delete(resourceId(kind, key));
    this.version = assignment.version;
  }
}

function pod(name: string, nodeName: string | undefined, uses?: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: {
      nodeName,
      serviceAccountName: 'default',
      containers: [{ name: 'c', image: 'i', envFrom: uses === undefined ? [] : [{ configMapRef: { name: uses } }] }],
      volumes: uses === undefined ? [] : [{ name: 'v', persistentVolumeClaim: { claimName: uses } }],
    },
  };
}
function plain(kind: string, name: string, extra: object = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'default' }, ...extra };
}

function aVolume(name: string, node: string | undefined, claim: string | undefined): KubeObject {
  const claimRef = claim === undefined ? undefined : { namespace: 'default', name: claim };
  const folder = node === undefined ? {} : localVolumeSpec(name, node);
  return { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { claimRef, ...folder } };
}

function world(): { cache: FakeCache; index: AssignmentIndex; trackers: Map<string, AssignmentTracker> } {
  const cache = new FakeCache();
  const trackers = new Map<string, AssignmentTracker>();
  const index = new AssignmentIndex(cache, (node, id) => {
    for (const tracker of trackers.values()) if (node === undefined || tracker.node === node) tracker.touch(id);
  });
  index.start();
  return { cache, index, trackers };
}

describe('assignments', () => {
  const change = fc.record({
    what: fc.constantFrom('pod', 'configmap', 'service', 'node', 'claim', 'volume'),
    name: fc.constantFrom('a', 'b', 'c'),
    node: fc.constantFrom(undefined, 'n1', 'n2'),
    uses: fc.constantFrom(undefined, 'a', 'b'),
    gone: fc.boolean(),
    after: fc.constantFrom('nothing', 'deliver', 'lose', 'refuse', 'reconnect'),
  });

  test('deltas, lost, refused and repeated, always end at what the pure function says', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const { cache, index, trackers } = world();
        const tracker = new AssignmentTracker('n1', index);
        trackers.set('n1', tracker);
        const agent = new ModelAgent();
        tracker.connected(agent.version);
        const deliver = (): boolean => {
          const message = tracker.next();
          if (message === undefined) return false;
          agent.apply(message);
          tracker.acknowledged(message.version, '');
          return true;
        };
        for (const { what, name, node, uses, gone, after } of changes) {
          const [resource, object] =
            what === 'pod'
              ? (['pods', pod(name, node, uses)] as const)
              : what === 'configmap'
                ? (['configmaps', plain('ConfigMap', name, { data: { at: String(cache.revision) } })] as const)
                : what === 'service'
                  ? (['services', plain('Service', name)] as const)
                  : what === 'claim'
                    ? (['persistentvolumeclaims', plain('PersistentVolumeClaim', name, { spec: { volumeName: uses } })] as const)
                    : what === 'volume'
                      ? (['persistentvolumes', aVolume(name, node, uses)] as const)
                      : (['nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: { podCIDR: String(node) } }] as const);
          if (gone) cache.delete({ group: '', resource }, what === 'node' || what === 'volume' ? undefined : 'default', name);
          else cache.put({ group: '', resource }, object);
          if (after === 'deliver') deliver();
          else if (after === 'lose') {
            tracker.next();
            tracker.connected(agent.version);
          } else if (after === 'refuse') {
            const message = tracker.next();
            if (message !== undefined) tracker.acknowledged(message.version, 'no');
          } else if (after === 'reconnect') tracker.connected(agent.version);
        }
        while (deliver());
        const byId = (list: readonly AssignedResource[]): Map<string, string> =>
          new Map(list.map((resource) => [resourceId(resource.kind, resource.key), resource.json]));
        const wanted = byId(assignmentFor(cacheView(cache), 'n1'));
        expect(byId(index.all('n1'))).toEqual(wanted);
        expect(byId([...agent.has.values()])).toEqual(wanted);
      }),
      { numRuns: 300 },
    );
  });

  test('an agent that has the acknowledged version gets only what changed since', () => {
    const { cache, index, trackers } = world();
    cache.put({ group: '', resource: 'pods' }, pod('a', 'n1'));
    const tracker = new AssignmentTracker('n1', index);
    trackers.set('n1', tracker);
    tracker.connected(0);
    const full = tracker.next();
    expect(full?.full).toBe(true);
    tracker.acknowledged(1, '');
    cache.put({ group: '', resource: 'pods' }, pod('b', 'n1'));
    tracker.connected(1);
    const delta = tracker.next();
    expect(delta?.full).toBe(false);
    expect(delta?.upserts.map((resource) => resource.key)).toEqual(['default/b']);
  });

  test('a node that renews its status disturbs no other agent', () => {
    const { cache, index, trackers } = world();
    const node = (beat: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n2' },
      status: { conditions: [beat] },
    });
    cache.put({ group: '', resource: 'nodes' }, node('1'));
    const tracker = new AssignmentTracker('n1', index);
    trackers.set('n1', tracker);
    tracker.connected(0);
    tracker.next();
    tracker.acknowledged(1, '');
    cache.put({ group: '', resource: 'nodes' }, node('2'));
    expect(tracker.next()).toBeUndefined();
  });

  test('a ConfigMap is assigned with the first pod that uses it and taken with the last', () => {
    const { cache, index } = world();
    cache.put({ group: '', resource: 'configmaps' }, plain('ConfigMap', 'a'));
    const keys = (): string[] => index.all('n1').map((resource) => `${resource.kind} ${resource.key}`);
    expect(keys()).toEqual([]);
    cache.put({ group: '', resource: 'pods' }, pod('p', 'n1', 'a'));
    cache.put({ group: '', resource: 'pods' }, pod('q', 'n1', 'a'));
    expect(keys()).toContain('config-map default/a');
    cache.delete({ group: '', resource: 'pods' }, 'default', 'p');
    expect(keys()).toContain('config-map default/a');
    cache.delete({ group: '', resource: 'pods' }, 'default', 'q');
    expect(keys()).toEqual([]);
  });
});
