import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AgentLink } from '../../agent/index.js';
import type { AgentLinkHandlers } from '../../agent/index.js';
import { cacheView, Enrolment, formatJoinToken, Gateway, joinTokenSecret } from '../../gateway/index.js';
import type { Assignment, TunnelRequest } from '../../gateway/index.js';
import { FakeCache, FakeObjectClient } from '../../gateway/testing/fake-cache.js';
import { instant, neverCancelled } from '../../kit/index.js';
import { RecordingLogger, SeededRandom } from '../../kit/testing/index.js';
import { SystemClock, SystemIds } from '../system/index.js';
import { enroll, GatewayClient, loadIdentity, startGatewayServer } from './index.js';
import type { RunningGatewayServer } from './index.js';
import { testCa } from './testing/test-ca.js';
import type { TestCa } from './testing/test-ca.js';

const clock = new SystemClock();
const addresses = {
  clusterDomain: 'cluster.local',
  dnsAddress: '10.96.0.10',
  serviceCidr: '10.96.0.0/16',
  clusterCidr: '10.244.0.0/16',
  nodeMaskSize: 24,
};
const secret = { id: 'abcdef', secret: '0123456789abcdef' };
const PODS = { group: '', resource: 'pods' };

async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`did not happen: ${what.toString()}`);
    await clock.sleep(5);
  }
}

class World implements AsyncDisposable {
  readonly cache = new FakeCache();
  readonly log = new RecordingLogger();
  gateway!: Gateway;
  server!: RunningGatewayServer;
  private constructor(
    readonly ca: TestCa,
    readonly folder: string,
  ) {}

  static async open(): Promise<World> {
    const world = new World(await testCa(), await mkdtemp(join(tmpdir(), 'berth-link-')));
    world.cache.put({ group: '', resource: 'secrets' }, joinTokenSecret(secret, instant(Date.now() + 60_000)));
    await world.serve(0);
    return world;
  }

  async serve(port: number): Promise<void> {
    const { cache, log, ca } = this;
    this.gateway = new Gateway({ cache, client: new FakeObjectClient(cache), clock, ids: new SystemIds(), log, addresses });
    this.gateway.start();
    this.server = await startGatewayServer({
      host: '127.0.0.1',
      port,
      tls: ca.tls,
      gateway: this.gateway,
      enrolment: new Enrolment({ view: cacheView(cache), signer: ca.signer, clock, log }),
      issueToken: async (node, request) => ({ token: `for ${request.podName} on ${node}`, expiresAtMs: 5 }),
      images: {
        resolve: async (reference) =>
          reference === 'held' ? { digest: 'sha256:1', mediaType: 'm', manifest: Buffer.from('{}') } : undefined,
        fetch: async () =>
          (async function* () {
            yield Buffer.from('abc');
            yield Buffer.from('def');
          })(),
      },
      log,
    });
  }

  async halt(): Promise<void> {
    this.gateway[Symbol.dispose]();
    await this.server[Symbol.asyncDispose]();
  }

  get address(): string {
    return `127.0.0.1:${this.server.port}`;
  }
  token(changes: object = {}): string {
    return formatJoinToken({ address: this.address, caSha256: this.ca.caSha256, ...secret, ...changes });
  }
  async client(nodeName: string): Promise<GatewayClient> {
    return new GatewayClient(this.address, await enroll({ joinToken: this.token(), nodeName, dataDir: join(this.folder, nodeName) }));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.halt();
    await rm(this.folder, { recursive: true });
  }
}

class Agent implements Disposable {
  readonly assignments: Assignment[] = [];
  readonly tunnels: { id: string; request: TunnelRequest }[] = [];
  readonly link: AgentLink;
  epoch = '';
  constructor(
    readonly client: GatewayClient,
    nodeName: string,
  ) {
    const handlers: AgentLinkHandlers = {
      hello: () => ({
        nodeName,
        agentVersion: 'v0',
        bootId: 'b',
        assignmentVersion: this.assignments.at(-1)?.version ?? 0,
        assignmentEpoch: this.epoch,
        nodeStatus: { statusJson: '{"conditions":[]}', labels: {} },
      }),
      welcomed: (welcome) => void (this.epoch = welcome.assignmentEpoch),
      assignment: (assignment) => {
        this.assignments.push(assignment);
        return '';
      },
      tunnel: (id, request) => void this.tunnels.push({ id, request }),
      away: () => undefined,
    };
    this.link = new AgentLink({ transport: client, clock, random: new SeededRandom(), log: new RecordingLogger(), handlers });
    this.link.start();
  }
  [Symbol.dispose](): void {
    this.link[Symbol.dispose]();
    this.client[Symbol.dispose]();
  }
}

describe('the agent link over gRPC', () => {
  let world: World;
  beforeEach(async () => void (world = await World.open()));
  afterEach(() => world[Symbol.asyncDispose]());

  test('a join token is exchanged once for an identity that stays on disk', async () => {
    const dataDir = join(world.folder, 'n1');
    const identity = await enroll({ joinToken: world.token(), nodeName: 'n1', dataDir });
    expect(await loadIdentity(dataDir, 'n1', Date.now())).toEqual(identity);
    expect(await loadIdentity(dataDir, 'n2', Date.now())).toBeUndefined();
    using client = new GatewayClient(world.address, identity);
    expect((await client.renew((await import('./index.js')).newCertificateRequest('n1').csrPem)).certificatePem).toContain('CERTIFICATE');
  });

  test('a control plane with another CA, and a wrong secret, are refused', async () => {
    const join = { nodeName: 'n1', dataDir: world.folder };
    await expect(enroll({ ...join, joinToken: world.token({ caSha256: '0'.repeat(64) }) })).rejects.toThrow(
      'is not the one that made the join token',
    );
    await expect(enroll({ ...join, joinToken: world.token({ secret: 'fedcba9876543210' }) })).rejects.toThrow('unknown or was revoked');
  });

  test('without a node certificate nothing but enrolment answers', async () => {
    using client = new GatewayClient(world.address, { caPem: world.ca.tls.caPem });
    await expect(client.resolveImage('held')).rejects.toThrow('node certificate');
    const reason = await new Promise<string>((closed) => client.open({ message: () => undefined, closed }));
    expect(reason).toContain('node certificate');
  });

  test('assignments go down, reports come up', async () => {
    using agent = new Agent(await world.client('n1'), 'n1');
    await until(() => agent.assignments.length === 1);
    world.cache.put(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'd', uid: 'u' },
      spec: { nodeName: 'n1', containers: [], note: 'ü' },
    });
    await until(() => agent.assignments.length === 2);
    expect(JSON.parse(agent.assignments[1]?.upserts[0]?.json ?? '')).toMatchObject({ spec: { note: 'ü' } });
    agent.link.report({ namespace: 'd', name: 'a', uid: 'u', statusJson: '{"phase":"Running"}', released: false });
    await until(() => world.cache.get('/registry/pods/d/a')?.object['status'] !== undefined);
    agent.link.usage({ atMs: 1, windowMs: 2, nodeCpuCores: 0.25, nodeMemoryBytes: 2 ** 40, pods: [] });
    await until(() => world.gateway.usage.nodes().length === 1);
    expect(world.gateway.usage.nodes()[0]).toMatchObject({ cpuCores: 0.25, memoryBytes: 2 ** 40 });
  });

  test('an agent comes back by itself when the gateway does, and says everything again', async () => {
    using agent = new Agent(await world.client('n1'), 'n1');
    world.cache.put(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'd', uid: 'u' },
      spec: { nodeName: 'n1', containers: [] },
    });
    await until(() => agent.link.isConnected);
    const { port } = world.server;
    await world.halt();
    await until(() => !agent.link.isConnected);
    agent.link.report({ namespace: 'd', name: 'a', uid: 'u', statusJson: '{"phase":"Failed"}', released: false });
    await world.serve(port);
    await until(() => agent.link.isConnected && agent.assignments.at(-1)?.full === true);
    await until(() => world.cache.get('/registry/pods/d/a')?.object['status'] !== undefined);
  });

  test('sessions flow both ways through a tunnel that the agent dials', async () => {
    using agent = new Agent(await world.client('n1'), 'n1');
    await until(() => agent.link.isConnected);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'd', uid: 'u' },
      spec: { nodeName: 'n1', containers: [] },
    } as never;
    const asked = world.gateway.streams.exec(
      { verb: 'exec', pod, container: 'c', command: ['cat'], stdin: true, stdout: true, stderr: true, tty: false },
      neverCancelled,
    );
    await until(() => agent.tunnels.length === 1);
    expect(agent.tunnels[0]?.request).toMatchObject({ verb: 'exec', podUid: 'u', command: ['cat'], stdin: true, tty: false });
    using channel = agent.client.tunnel(agent.tunnels[0]?.id ?? '');
    const echo = (async () => {
      for await (const frame of channel.frames) {
        if (frame.type === 'stdin') await channel.send({ type: 'stdout', data: frame.data });
        if (frame.type === 'stdin-closed') await channel.send({ type: 'exit', code: 3, error: '' });
      }
    })();
    await using session = await asked;
    const big = Buffer.alloc(300_000, 'x');
    await session.writeStdin(big);
    session.closeStdin();
    let bytes = 0;
    for await (const { data } of session.output) bytes += data.length;
    expect(bytes).toBe(big.length);
    expect(await session.exit).toEqual({ kind: 'exited', code: 3 });
    await echo;
  });

  test('images and tokens are answered to nodes', async () => {
    using client = await world.client('n1');
    expect(await client.resolveImage('held')).toMatchObject({ digest: 'sha256:1' });
    expect(await client.resolveImage('other')).toBeUndefined();
    const parts: Uint8Array[] = [];
    for await (const part of client.fetchBlob('sha256:1')) parts.push(part);
    expect(Buffer.concat(parts).toString()).toBe('abcdef');
    const request = { namespace: 'd', serviceAccount: 's', podName: 'p', podUid: 'u', audiences: [], expiresInSeconds: 60 };
    expect(await client.issueToken(request)).toEqual({ token: 'for p on n1', expiresAtMs: 5 });
  });
});
