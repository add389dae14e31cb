/** A real cluster for tests: started by `bin/berth up` beside whatever runs on the machine, with names, ports and subnets of its own. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kubectlPath } from './kubectl.js';
import { eventually, run, runAny, type Outcome, type RunOptions } from './processes.js';

export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const berthCommand = join(repositoryRoot, 'bin/berth');
const UP_TIMEOUT_MS = 120_000;

export interface TestClusterOptions {
  /** At most 8 letters and digits; part of link names. */
  readonly name: string;
  readonly nodes: number;
  /** Distinguishes ports and subnets of clusters that run at once: 0 to 9. */
  readonly slot: number;
}

/** What tests do with a cluster; disposing it runs `berth down --purge`. */
export class TestCluster implements AsyncDisposable {
  private constructor(
    readonly options: TestClusterOptions,
    readonly dataDir: string,
    readonly kubectlFile: string,
  ) {}

  static async start(options: TestClusterOptions): Promise<TestCluster> {
    const dataDir = mkdtempSync(join(tmpdir(), `berth-${options.name}-`));
    const cluster = new TestCluster(options, dataDir, await kubectlPath());
    try {
      await cluster.up();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  get kubeconfig(): string {
    return join(this.dataDir, 'admin.kubeconfig');
  }

  /** Address of host 1, 2, ... */
  address(host: number): string {
    return `10.${90 + this.options.slot}.0.${10 + host}`;
  }

  netns(host: number): string {
    return `${this.options.name}-node-${host}`;
  }

  get runDir(): string {
    return `/run/berth-${this.options.name}`;
  }

  async up(): Promise<string> {
    const { name, nodes, slot } = this.options;
    const port = (base: number): string => String(base + slot * 100);
    return run(
      [
        berthCommand,
        'up',
        '--name',
        name,
        '--nodes',
        String(nodes),
        '--data-dir',
        this.dataDir,
        '--subnet',
        `10.${90 + slot}.0`,
        '--api-port',
        port(17_443),
        '--gateway-port',
        port(17_444),
        '--etcd-port',
        port(17_450),
        '--redis-port',
        port(17_460),
        '--cluster-cidr',
        `10.${190 + slot}.0.0/16`,
        '--service-cidr',
        `10.${170 + slot}.0.0/16`,
      ],
      { timeoutMs: UP_TIMEOUT_MS },
    );
  }

  /** Standard output of a berth verb on this cluster. Throws when it fails. */
  async berth(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return run([berthCommand, ...args], this.withConfig(options));
  }

  async berthAny(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return runAny([berthCommand, ...args], this.withConfig(options));
  }

  /** Standard output of stock kubectl. Throws when it fails. */
  async kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return run([this.kubectlFile, ...args], this.withConfig(options));
  }

  async kubectlAny(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return runAny([this.kubectlFile, ...args], this.withConfig(options));
  }

  /** The object or list that `kubectl get ... -o json` answers. */
  async get<T = KubeJson>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl(['get', ...args, '-o', 'json'])) as T;
  }

  async apply(manifest: string): Promise<string> {
    return this.kubectl(['apply', '-f', '-'], { input: manifest });
  }

  /** Runs a command in a host's network, with the host's resolver. */
  async inHost(host: number, argv: readonly string[], options: RunOptions = {}): Promise<string> {
    return run(['ip', 'netns', 'exec', this.netns(host), ...argv], options);
  }

  /** SIGKILL to one daemon: `control-plane`, `etcd`, `redis`, `node-1`, ... */
  async killDaemon(name: string): Promise<void> {
    const { pid } = JSON.parse(readFileSync(join(this.runDir, 'pids', `${name}.json`), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    await eventually(`${name} is gone`, 5_000, async () => !existsSync(`/proc/${pid}`));
  }

  /** A host loses its power: agent, containers and their monitors end at once. */
  async killHost(host: number): Promise<void> {
    await this.killDaemon(`node-${host}`);
    const cgroup = `/berth/${this.options.name}/node-${host}/`;
    const folders = [`${this.runDir}/node-${host}/`, join(this.dataDir, `nodes/node-${host}/`)];
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const command = readQuietly(`/proc/${pid}/cmdline`).split('\0');
      const isMonitor =
        command[0]?.endsWith('conmon') === true && folders.some((folder) => command.some((word) => word.startsWith(folder)));
      if (isMonitor || readQuietly(`/proc/${pid}/cgroup`).includes(cgroup)) process.kill(Number(pid), 'SIGKILL');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runAny([berthCommand, 'down', '--purge', '--data-dir', this.dataDir], { timeoutMs: UP_TIMEOUT_MS });
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  private withConfig(options: RunOptions): RunOptions {
    return { ...options, env: { ...options.env, KUBECONFIG: this.kubeconfig } };
  }
}

export interface KubeJson {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid: string };
  readonly spec: Record<string, unknown>;
  readonly status?: Record<string, unknown>;
  readonly items: readonly KubeJson[];
}

/** Empty for a process that has ended meanwhile. */
function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
