import { describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../api/index.js';
import { Gateway } from '../gateway/index.js';
import { FakeCache, FakeObjectClient } from '../gateway/testing/fake-cache.js';
import { FakeClock, FakeIds, RecordingLogger, SeededRandom } from '../kit/testing/index.js';
import { NodeAgent } from './index.js';
import {
  FakeDisk,
  FakeHostFacts,
  FakeHostNetwork,
  FakeImages,
  FakePodNetwork,
  FakeProber,
  FakeRuntime,
  FakeUsage,
  FakeVolumes,
} from './testing/fake-host.js';
import { MemoryTransport } from './testing/memory-transport.js';

const PODS = { group: '', resource: 'pods' };
const addresses = {
  clusterDomain: 'cluster.local',
  dnsAddress: '10.96.0.10',
  serviceCidr: '10.96.0.0/16',
  clusterCidr: '10.244.0.0/16',
  nodeMaskSize: 24,
};

/** One host, its agent, and the control plane's half, on one clock. */
class Cluster {
  readonly clock = new FakeClock();
  readonly cache = new FakeCache();
  readonly log = new RecordingLogger();
  readonly runtime = new FakeRuntime(this.clock);
  readonly disk = new FakeDisk();
  readonly podNetwork = new FakePodNetwork();
  readonly hostNetwork = new FakeHostNetwork();
  readonly transport = new MemoryTransport('n1', this.clock);
  agent: NodeAgent | undefined;

  controlPlane(): void {
    const gateway = new Gateway({
      cache: this.cache,
      client: new FakeObjectClient(this.cache),
      clock: this.clock,
      ids: new FakeIds(),
      log: this.log,
      addresses,
    });
    gateway.start();
    this.transport.gateway = gateway;
  }
  controlPlaneGoes(): void {
    const { gateway } = this.transport;
    this.transport.gateway = undefined;
    gateway?.[Symbol.dispose]();
  }
  async startAgent(): Promise<void> {
    const { clock, log, runtime, disk, podNetwork, hostNetwork, transport } = this;
    const ports = {
      clock,
      log,
      runtime,
      disk,
      podNetwork,
      hostNetwork,
      transport,
      images: new FakeImages(),
      volumes: new FakeVolumes(),
      prober: new FakeProber(),
      usage: new FakeUsage(),
      facts: new FakeHostFacts(),
      random: new SeededRandom(),
    };
    this.agent = new NodeAgent(ports, { nodeName: 'n1', nodeAddress: '10.88.0.11', labels: {}, clusterCa: '' });
    await this.agent.start();
    await this.clock.advance(200);
  }
  /** As `kill -9`: nothing is told, timers are gone; containers stay. */
  async killAgent(): Promise<void> {
    await this.agent?.[Symbol.asyncDispose]();
    this.transport.cut();
    await this.clock.advance(10);
  }
  pod(name: string, more: object = {}): void {
    const metadata = { name, namespace: 'default', uid: `uid-${name}`, ...more };
    this.cache.put(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'n1', containers: [{ name, image: 'i' }] } });
  }
  status(name: string): { readonly phase?: string } | undefined {
    return (this.cache.get(`/registry/pods/default/${name}`)?.object as (KubeObject & { status?: { phase?: string } }) | undefined)?.status;
  }
}

describe('the agent and its control plane', () => {
  test('a pod goes from assignment to Running to gone', async () => {
    const cluster = new Cluster();
    cluster.controlPlane();
    await cluster.startAgent();
    cluster.pod('a');
    await cluster.clock.advance(100);
    expect(cluster.status('a')?.phase).toBe('Running');
    cluster.pod('a', { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 });
    await cluster.clock.advance(200);
    expect(cluster.cache.get('/registry/pods/default/a')).toBeUndefined();
    expect([cluster.runtime.records.size, cluster.agent?.pods]).toEqual([0, []]);
  });

  test('without a control plane an agent starts from its disk, adopts and keeps restarting', async () => {
    const cluster = new Cluster();
    cluster.controlPlane();
    await cluster.startAgent();
    cluster.pod('a');
    await cluster.clock.advance(300);
    await cluster.killAgent();
    cluster.controlPlaneGoes();
    await cluster.startAgent();
    expect(cluster.runtime.running()).toEqual(['a/0']);
    cluster.runtime.exit('a', 1);
    await cluster.clock.advance(100);
    expect(cluster.runtime.running()).toEqual(['a/1']);
    cluster.controlPlane();
    await cluster.clock.advance(5_000);
    expect(cluster.cache.get('/registry/pods/default/a')?.object).toMatchObject({ status: { containerStatuses: [{ restartCount: 1 }] } });
  });

  test('leftovers are removed only after the control plane has spoken', async () => {
    const cluster = new Cluster();
    cluster.controlPlane();
    await cluster.startAgent();
    cluster.pod('a');
    await cluster.clock.advance(300);
    await cluster.killAgent();
    cluster.controlPlaneGoes();
    cluster.disk.text = undefined;
    await cluster.startAgent();
    await cluster.clock.advance(60_000);
    expect(cluster.runtime.running()).toEqual(['a/0']);
    cluster.cache.delete(PODS, 'default', 'a');
    cluster.controlPlane();
    await cluster.clock.advance(5_000);
    expect(cluster.runtime.running()).toEqual([]);
    expect(await cluster.runtime.sandboxes()).toEqual([]);
  });

  test('a pod that moved while its host was lost is not started again there', async () => {
    const cluster = new Cluster();
    cluster.controlPlane();
    await cluster.startAgent();
    cluster.pod('a');
    await cluster.clock.advance(300);
    await cluster.killAgent();
    cluster.runtime.exit('a', 137);
    cluster.cache.delete(PODS, 'default', 'a');
    await cluster.startAgent();
    await cluster.clock.advance(5_000);
    expect(cluster.runtime.specs).toHaveLength(1);
    expect(await cluster.runtime.sandboxes()).toEqual([]);
  });

  test('a cut line loses nothing', async () => {
    const cluster = new Cluster();
    cluster.controlPlane();
    await cluster.startAgent();
    for (const name of ['a', 'b', 'c', 'd']) {
      cluster.pod(name);
      await cluster.clock.advance(3);
      cluster.transport.cut();
    }
    await cluster.clock.advance(5_000);
    expect(['a', 'b', 'c', 'd'].map((name) => cluster.status(name)?.phase)).toEqual(['Running', 'Running', 'Running', 'Running']);
    expect(cluster.runtime.specs).toHaveLength(4);
  });

  test('services and peers reach the host network', async () => {
    const cluster = new Cluster();
    cluster.controlPlane();
    await cluster.startAgent();
    cluster.cache.put(
      { group: '', resource: 'nodes' },
      {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'n2' },
        spec: { podCIDR: '10.244.9.0/24' },
        status: { addresses: [{ type: 'InternalIP', address: '10.88.0.12' }] },
      },
    );
    await cluster.clock.advance(100);
    const newest = cluster.hostNetwork.calls.findLast(({ what }) => what === 'peers');
    expect(newest?.with).toEqual([{ node: 'n2', address: '10.88.0.12', podCidr: '10.244.9.0/24' }]);
    expect(cluster.hostNetwork.calls[0]).toMatchObject({ what: 'start', with: { podCidr: '10.244.0.0/24', hostAddress: '10.88.0.11' } });
  });
});
