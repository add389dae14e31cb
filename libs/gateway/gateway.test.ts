import { describe, expect, test } from '@jest/globals';
import { FakeClock, FakeIds, RecordingLogger } from '../kit/testing/index.js';
import type { KubeObject, NodeStatus, PodStatus } from '../api/index.js';
import type { AgentLine, AgentMessage, GatewayMessage } from './index.js';
import { formatJoinToken, Gateway, joinTokenSecret, mergePodStatus, nodeStatus, parseJoinToken, refuseJoin } from './index.js';
import { FakeCache, FakeObjectClient } from './testing/fake-cache.js';

class FakeLine implements AgentLine {
  readonly sent: GatewayMessage[] = [];
  closed: string | undefined;
  send(message: GatewayMessage): void {
    this.sent.push(message);
  }
  close(reason: string): void {
    this.closed = reason;
  }
  get assignments() {
    return this.sent.flatMap((message) => (message.type === 'assignment' ? [message.assignment] : []));
  }
}

const PODS = { group: '', resource: 'pods' };
const status: NodeStatus = {
  conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ok' }],
  capacity: { cpu: '2' },
};

function hello(nodeName: string, version = 0, epoch = ''): AgentMessage {
  const nodeStatus = { statusJson: JSON.stringify(status), labels: { 'kubernetes.io/hostname': nodeName } };
  return {
    type: 'hello',
    hello: { nodeName, agentVersion: 'v0', bootId: 'b', assignmentVersion: version, assignmentEpoch: epoch, nodeStatus },
  };
}
function aPod(name: string, nodeName: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: { nodeName, containers: [] },
  };
}
function world() {
  const clock = new FakeClock();
  const cache = new FakeCache();
  const client = new FakeObjectClient(cache);
  const addresses = {
    clusterDomain: 'cluster.local',
    dnsAddress: '10.96.0.10',
    serviceCidr: '10.96.0.0/16',
    clusterCidr: '10.244.0.0/16',
    nodeMaskSize: 24,
  };
  const gateway = new Gateway({ cache, client, clock, ids: new FakeIds(), log: new RecordingLogger(), addresses });
  gateway.start();
  const join = async (node: string, message = hello(node)): Promise<FakeLine> => {
    const line = new FakeLine();
    gateway.connect(node, line);
    gateway.receive(node, line, message);
    await clock.settle();
    return line;
  };
  return { clock, cache, client, gateway, join };
}
const usage: AgentMessage = { type: 'usage', usage: { atMs: 1, windowMs: 1000, nodeCpuCores: 0.5, nodeMemoryBytes: 7, pods: [] } };

describe('gateway', () => {
  test('a new agent is registered, gets a pod network of its own and its assignment', async () => {
    const { cache, join, clock } = world();
    cache.put(PODS, aPod('a', 'n1'));
    const first = await join('n1');
    const second = await join('n2');
    await clock.advance(1);
    expect(first.sent[0]).toMatchObject({ type: 'welcome', welcome: { podCidr: '10.244.0.0/24' } });
    expect(second.sent[0]).toMatchObject({ type: 'welcome', welcome: { podCidr: '10.244.1.0/24' } });
    expect(first.assignments[0]).toMatchObject({ full: true, version: 1 });
    const node = cache.get('/registry/nodes/n1')?.object as unknown as { status: NodeStatus };
    expect(node.status.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' });
  });

  test('an agent that returns with the acknowledged version gets a delta, one of another epoch everything', async () => {
    const { gateway, cache, join, clock } = world();
    const line = await join('n1');
    const epoch = line.sent[0]?.type === 'welcome' ? line.sent[0].welcome.assignmentEpoch : '';
    gateway.receive('n1', line, { type: 'ack', version: 1, error: '' });
    await clock.advance(1);
    gateway.disconnect('n1', line);
    cache.put(PODS, aPod('b', 'n1'));
    const again = await join('n1', hello('n1', 1, epoch));
    expect(again.assignments.map(({ full, upserts }) => [full, upserts.map(({ key }) => key)])).toEqual([[false, ['default/b']]]);
    const stranger = await join('n1', hello('n1', 1, 'another'));
    expect(stranger.assignments[0]?.full).toBe(true);
    expect(again.closed).toContain('replaced');
  });

  test('changes while a delta is on its way are sent together after its acknowledgement', async () => {
    const { gateway, cache, join, clock } = world();
    const line = await join('n1');
    cache.put(PODS, aPod('a', 'n1'));
    cache.put(PODS, aPod('b', 'n1'));
    await clock.advance(10);
    expect(line.assignments).toHaveLength(1);
    gateway.receive('n1', line, { type: 'ack', version: 1, error: '' });
    await clock.advance(10);
    expect(line.assignments[1]?.upserts.map(({ key }) => key)).toEqual(['default/a', 'default/b']);
  });

  test('the newest pod status is stored, and a released pod is deleted', async () => {
    const { gateway, cache, join, clock } = world();
    cache.put(PODS, aPod('a', 'n1'));
    const line = await join('n1');
    const report = (phase: string, released = false): AgentMessage => ({
      type: 'pod-statuses',
      statuses: [{ namespace: 'default', name: 'a', uid: 'uid-a', statusJson: JSON.stringify({ phase }), released }],
    });
    for (const phase of ['Pending', 'Running', 'Pending', 'Running']) gateway.receive('n1', line, report(phase));
    await clock.advance(100);
    expect(cache.get('/registry/pods/default/a')?.object).toMatchObject({ status: { phase: 'Running' } });
    gateway.receive('n1', line, report('Succeeded', true));
    await clock.advance(100);
    expect(cache.get('/registry/pods/default/a')).toBeUndefined();
  });

  test('an agent cannot speak for pods of other nodes', async () => {
    const { gateway, cache, join, clock } = world();
    cache.put(PODS, aPod('a', 'n2'));
    const line = await join('n1');
    const statuses = [{ namespace: 'default', name: 'a', uid: 'uid-a', statusJson: '{"phase":"Failed"}', released: true }];
    gateway.receive('n1', line, { type: 'pod-statuses', statuses });
    await clock.advance(100);
    expect(cache.get('/registry/pods/default/a')?.object['status']).toBeUndefined();
  });

  test('each heartbeat renews the lease; a silent agent is cut off', async () => {
    const { gateway, cache, join, clock } = world();
    const line = await join('n1');
    await clock.advance(1_000);
    gateway.receive('n1', line, usage);
    await clock.advance(10);
    const lease = cache.get('/registry/coordination.k8s.io/leases/kube-node-lease/n1')?.object;
    expect(lease).toMatchObject({ spec: { holderIdentity: 'n1', renewTime: '2026-01-01T00:00:01.000000Z' } });
    expect(gateway.usage.nodes()).toEqual([{ name: 'n1', at: 1, windowMs: 1000, cpuCores: 0.5, memoryBytes: 7 }]);
    await clock.advance(5_000);
    expect(line.closed).toBe('nothing heard from the agent');
    expect(gateway.connected).toEqual([]);
    expect(gateway.usage.nodes()).toEqual([]);
  });

  test('a storm of reconnecting agents writes leases and nothing else, and sends no assignment twice', async () => {
    const { gateway, client, join, clock } = world();
    const nodes = Array.from({ length: 200 }, (_, index) => `n${index}`);
    const first = await Promise.all(nodes.map((node) => join(node)));
    await clock.advance(100);
    const epoch = first[0]?.sent[0]?.type === 'welcome' ? first[0].sent[0].welcome.assignmentEpoch : '';
    for (let round = 0; round < 3; round++) {
      // Registrations of peers are changes for everyone: acknowledge until all is quiet.
      for (const [index, line] of first.entries())
        gateway.receive(nodes[index] ?? '', line, { type: 'ack', version: line.assignments.at(-1)?.version ?? 0, error: '' });
      await clock.advance(10);
    }
    const version = first[0]?.assignments.at(-1)?.version ?? 0;
    const before = client.writes;
    for (const [index, line] of first.entries()) gateway.disconnect(nodes[index] ?? '', line);
    const again = await Promise.all(
      nodes.map((node, index) => join(node, hello(node, first[index]?.assignments.at(-1)?.version ?? version, epoch))),
    );
    await clock.advance(100);
    expect(client.writes - before).toBe(nodes.length);
    expect(again.flatMap((line) => line.assignments)).toEqual([]);
  });

  test('a repeated event raises its count', async () => {
    const { gateway, cache, join, clock } = world();
    const line = await join('n1');
    const event = {
      namespace: 'default',
      name: 'a',
      uid: 'u',
      type: 'Warning',
      reason: 'BackOff',
      message: 'm',
      fieldPath: '',
      atMs: 0,
    } as const;
    gateway.receive('n1', line, { type: 'events', events: [event, event, { ...event, reason: 'Other' }] });
    await clock.advance(10);
    const events = cache.list('/registry/events/').map(({ object }) => [object['reason'], object['count']]);
    expect(events).toEqual([
      ['BackOff', 2],
      ['Other', 1],
    ]);
  });

  test('a session into a pod waits for the agent to dial, and says so when the node is away', async () => {
    const { gateway, clock, join } = world();
    const pod = aPod('a', 'n1') as never;
    const away = gateway.streams.connect(pod, 80, { aborted: false, addEventListener: () => {}, removeEventListener: () => {} });
    await expect(away).rejects.toMatchObject({ status: { reason: 'ServiceUnavailable' } });
    const line = await join('n1');
    const dialled = gateway.streams.connect(pod, 80, { aborted: false, addEventListener: () => {}, removeEventListener: () => {} });
    await clock.settle();
    const asked = line.sent.find((message) => message.type === 'open-tunnel');
    if (asked?.type !== 'open-tunnel') throw new Error('not asked');
    const channel = {
      send: async () => undefined,
      frames: (async function* () {
        yield { type: 'stdout', data: new Uint8Array([1]) } as const;
      })(),
      [Symbol.dispose]: () => undefined,
    };
    expect(gateway.acceptTunnel('n2', asked.tunnelId, channel)).toBe(false);
    expect(gateway.acceptTunnel('n1', asked.tunnelId, channel)).toBe(true);
    const received: Uint8Array[] = [];
    for await (const data of (await dialled).input) received.push(data);
    expect(received).toEqual([new Uint8Array([1])]);
  });
});

describe('status merging', () => {
  test('conditions of the scheduler and of readiness gates stay', () => {
    const stored: PodStatus = {
      conditions: [
        { type: 'PodScheduled', status: 'True' },
        { type: 'gate', status: 'True' },
        { type: 'Ready', status: 'False' },
      ],
    };
    const merged = mergePodStatus(stored, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
    expect(merged.conditions?.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      'Ready=True',
      'PodScheduled=True',
      'gate=True',
    ]);
  });

  test('an unchanged node status is not written again until it is old', () => {
    const first = nodeStatus(undefined, status, '2026-01-01T00:00:00Z');
    expect(nodeStatus(first, status, '2026-01-01T00:01:00Z')).toBeUndefined();
    expect(nodeStatus(first, status, '2026-01-01T00:05:00Z')?.conditions?.[0]).toMatchObject({
      lastHeartbeatTime: '2026-01-01T00:05:00Z',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
  });
});

describe('join tokens', () => {
  const token = { address: '10.88.0.1:6444', caSha256: 'ab'.repeat(32), id: 'abcdef', secret: '0123456789abcdef' };
  const at = new FakeClock(Date.UTC(2026, 0, 1)).now();
  const later = new FakeClock(Date.UTC(2026, 0, 2)).now();

  test('say everything in one string', () => {
    expect(parseJoinToken(formatJoinToken(token))).toEqual(token);
    expect(() => parseJoinToken('kubeadm.abc')).toThrow('not a join token');
  });

  test('admit until they expire, and only with the right secret', () => {
    const stored = joinTokenSecret(token, later) as never;
    expect(refuseJoin(stored, token, at)).toBeUndefined();
    expect(refuseJoin(stored, token, later)).toContain('expired');
    expect(refuseJoin(stored, { ...token, secret: '0123456789abcdee' }, at)).toContain('unknown');
    expect(refuseJoin(undefined, token, at)).toContain('unknown');
  });
});
