/** A few hosts with real data paths for tests and benchmarks: namespaces, agents' network sides, and pods as bare namespaces. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../commands/index.js';
import { LocalHosts } from '../../local-hosts/index.js';
import type { HostCall } from './host-process.js';

type WithOf<C extends HostCall['call']> = Extract<HostCall, { readonly call: C }>['with'];
interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly tookMs?: number;
}

/** The agent's part of one host. */
export class HostAgent implements AsyncDisposable {
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private calls = 0;

  constructor(
    readonly node: string,
    private readonly child: ChildProcess,
  ) {
    child.on('message', (reply: Reply) => {
      this.waiting.get(reply.id)?.(reply);
      this.waiting.delete(reply.id);
    });
  }

  /** Resolves with the answer and the time that it took inside the host. */
  async call<C extends HostCall['call']>(call: C, argument: WithOf<C>): Promise<{ readonly result: unknown; readonly tookMs: number }> {
    this.calls += 1;
    const id = this.calls;
    const reply = await new Promise<Reply>((resolve) => {
      this.waiting.set(id, resolve);
      this.child.send({ id, call, with: argument });
    });
    if (reply.error !== undefined) throw new Error(reply.error);
    return { result: reply.result, tookMs: reply.tookMs ?? 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ended(this.child, () => this.child.kill('SIGKILL'));
  }
}

export interface TestPod {
  readonly uid: string;
  readonly node: string;
  readonly ip: string;
  readonly netnsPath: string;
}

export interface TestClusterOptions {
  /** Starts with `bt-net-`; everything is named after it. */
  readonly name: string;
  /** Third number of the bridge's block 10.89.x.0/24. */
  readonly block: number;
  readonly nodes: number;
  /** Text of a CNI configuration, given the pod CIDR of the host and a folder for its data. */
  readonly cni?: (podCidr: string, dir: string) => string;
}

export class TestCluster implements AsyncDisposable {
  readonly hosts: LocalHosts;
  readonly agents: HostAgent[] = [];
  readonly bridge: string;
  private readonly children: ChildProcess[] = [];
  private readonly pins = new Set<string>();

  private constructor(
    readonly options: TestClusterOptions,
    readonly dir: string,
  ) {
    this.bridge = `${options.name.slice(0, 12)}-0`;
    this.hosts = new LocalHosts({
      cluster: options.name,
      bridge: this.bridge,
      bridgeAddress: `10.89.${options.block}.1/24`,
      clusterCidr: this.clusterCidr,
      serviceCidr: this.serviceCidr,
      dnsAddress: this.dnsAddress,
      clusterDomain: 'cluster.local',
    });
  }

  static async start(options: TestClusterOptions): Promise<TestCluster> {
    const cluster = new TestCluster(options, await mkdtemp(join(tmpdir(), `${options.name}-`)));
    try {
      for (let index = 1; index <= options.nodes; index += 1) {
        await cluster.hosts.createHost({ name: `n${index}`, address: cluster.address(index) });
        cluster.agents.push(await cluster.startAgent(index));
      }
      await cluster.peer();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get clusterCidr(): string {
    return `10.${100 + this.options.block}.0.0/16`;
  }
  get serviceCidr(): string {
    return `10.${150 + this.options.block}.0.0/16`;
  }
  get dnsAddress(): string {
    return `10.${150 + this.options.block}.0.10`;
  }
  address(index: number): string {
    return `10.89.${this.options.block}.${10 + index}`;
  }
  service(index: number): string {
    return `10.${150 + this.options.block}.1.${index}`;
  }
  podCidr(index: number): string {
    return `10.${100 + this.options.block}.${index}.0/24`;
  }

  async startAgent(index: number): Promise<HostAgent> {
    const script = fileURLToPath(new URL('host-process.js', import.meta.url));
    const child = this.hosts.runInHost(`n${index}`, [process.execPath, script, this.options.name, ...(await this.writeCni(index))], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.children.push(child);
    const agent = new HostAgent(`n${index}`, child);
    await agent.call('start', {
      nodeName: `n${index}`,
      hostAddress: this.address(index),
      podCidr: this.podCidr(index),
      clusterCidr: this.clusterCidr,
      serviceCidr: this.serviceCidr,
      dnsAddress: this.dnsAddress,
      clusterDomain: 'cluster.local',
    });
    return agent;
  }

  private async writeCni(index: number): Promise<readonly string[]> {
    if (this.options.cni === undefined) return [];
    const dir = join(this.dir, `cni-${index}`);
    await mkdir(join(dir, 'net.d'), { recursive: true });
    await writeFile(join(dir, 'net.d', '10-test.conflist'), this.options.cni(this.podCidr(index), dir));
    return [dir];
  }

  private async peer(): Promise<void> {
    const peers = this.agents.map((agent, index) => ({
      node: agent.node,
      address: this.address(index + 1),
      podCidr: this.podCidr(index + 1),
    }));
    await Promise.all(this.agents.map((agent) => agent.call('setPeers', peers)));
  }

  async addPod(node: number, uid: string, ports: readonly { hostPort: number; containerPort: number }[] = []): Promise<TestPod> {
    return (await this.attachPin(node, await this.addPin(uid), ports)).pod;
  }

  /** A pod's network namespace, not yet attached to any network. */
  async addPin(uid: string): Promise<{ readonly uid: string; readonly netnsPath: string }> {
    const netnsPath = join(this.dir, uid);
    await writeFile(netnsPath, '');
    await runCommand(['unshare', `--net=${netnsPath}`, 'true']);
    this.pins.add(netnsPath);
    return { uid, netnsPath };
  }

  async attachPin(
    node: number,
    { uid, netnsPath }: { readonly uid: string; readonly netnsPath: string },
    ports: readonly { hostPort: number; containerPort: number }[] = [],
  ): Promise<{ readonly pod: TestPod; readonly tookMs: number }> {
    const agent = this.agents[node - 1];
    if (agent === undefined) throw new Error(`no node ${node}`);
    const attachment = {
      podUid: uid,
      netnsPath,
      hostname: uid,
      ports: ports.map((port) => ({ ...port, hostIp: '', protocol: 'TCP' as const })),
    };
    const { result, tookMs } = await agent.call('attach', attachment);
    return { pod: { uid, node: agent.node, netnsPath, ip: (result as { readonly ip: string }).ip }, tookMs };
  }

  async removePod(pod: TestPod): Promise<void> {
    await this.agents.find((agent) => agent.node === pod.node)?.call('detach', pod.uid);
    await runCommand(['umount', pod.netnsPath]);
    this.pins.delete(pod.netnsPath);
  }

  /** A Node.js program inside a pod (a path) or a host (`n1`); resolves when it prints a line. */
  async serve(place: TestPod | string, program: string): Promise<ChildProcess> {
    const argv = [process.execPath, '-e', program];
    const child =
      typeof place === 'string'
        ? this.hosts.runInHost(place, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
        : spawn('nsenter', [`--net=${place.netnsPath}`, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.children.push(child);
    await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
    return child;
  }

  /** Runs a Node.js program inside a pod, a host or (`undefined`) on the machine itself; resolves with what it prints. */
  evaluate(place: TestPod | string | undefined, program: string): Promise<string> {
    const node: readonly [string, ...string[]] = [process.execPath, '-e', program];
    if (place === undefined) return runCommand(node);
    if (typeof place === 'string') return runCommand(['ip', 'netns', 'exec', `${this.options.name}-${place}`, ...node]);
    return runCommand(['nsenter', `--net=${place.netnsPath}`, ...node]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.children.map((child) => ended(child, () => child.kill('SIGKILL'))));
    for (const netnsPath of this.pins) await runCommand(['umount', netnsPath]);
    await Promise.all(this.agents.map((agent) => agent[Symbol.asyncDispose]()));
    for (let index = 1; index <= this.options.nodes; index += 1) await this.hosts.destroyHost(`n${index}`);
    await this.hosts.destroyBridge();
    await rm(this.dir, { recursive: true, force: true });
  }
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  end();
  await gone;
}
