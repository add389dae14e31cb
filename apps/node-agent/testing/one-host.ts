/** One host with a real agent process under a control plane in this process: for host tests. Needs root. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalHosts } from '../../../libs/adapters/local-hosts/index.js';
import { unmountBelow } from '../../../libs/adapters/process/mounts.js';
import { openRuncRuntime } from '../../../libs/adapters/runc/index.js';
import { createNodeSigner } from '../../../libs/adapters/x509/index.js';
import type { KubeObject, Pod } from '../../../libs/api/index.js';
import { storeKey } from '../../../libs/api/index.js';
import { createObjectClient } from '../../../libs/apiserver/index.js';
import { RecordingLogger } from '../../../libs/kit/testing/index.js';
import type { ObjectClient } from '../../../libs/reconciling/index.js';
import { startControlPlane } from '../../control-plane/control-plane.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { createJoinToken } from '../../control-plane/gateway/join-tokens.js';
import { startGateway } from '../../control-plane/gateway/start-gateway.js';
import type { RunningGateway } from '../../control-plane/gateway/start-gateway.js';
import { decodeConfig } from '../../control-plane/load-config.js';

const AGENT_MAIN = fileURLToPath(new URL('agent-main.js', import.meta.url));
const APPLETS = ['sh', 'sleep', 'echo', 'cat', 'true', 'nc', 'env', 'hostname', 'kill', 'ps'];
const PODS = { group: '', resource: 'pods' };
const WAIT_MS = 15_000;
const CGROUPS = '/sys/fs/cgroup';

export class OneHost implements AsyncDisposable {
  readonly root = mkdtempSync('/tmp/berth-link-');
  readonly client: ObjectClient;
  gateway: RunningGateway | undefined;
  #agent: ChildProcess | undefined;
  #port = 0;

  private constructor(
    readonly controlPlane: ControlPlane,
    readonly hosts: LocalHosts,
    readonly place: { readonly name: string; readonly subnet: string },
  ) {
    this.client = createObjectClient(controlPlane.parts, { name: 'test', groups: ['system:masters'] });
  }

  /** `name`: of the cluster; `subnet`: three numbers that nobody else uses, `10.89.71`. */
  static async open(name: string, subnet: string): Promise<OneHost> {
    const network = {
      clusterCidr: '10.107.0.0/16',
      serviceCidr: '10.157.0.0/16',
      dnsAddress: '10.157.0.10',
      clusterDomain: 'cluster.local',
    };
    const hosts = new LocalHosts({ cluster: name, bridge: `${name}-0`.slice(0, 15), bridgeAddress: `${subnet}.1/24`, ...network });
    await hosts.createHost({ name: 'n1', address: `${subnet}.11` });
    const dataDir = mkdtempSync('/tmp/berth-link-cp-');
    const controlPlane = await startControlPlane(
      decodeConfig({
        clusterName: name,
        dataDir,
        roles: [],
        store: { kind: 'memory' },
        advertiseAddress: `${subnet}.1`,
        network: { ...network, nodePortMin: 30_000, nodePortMax: 32_767 },
        log: { level: 'error', format: 'text' },
      }),
    );
    const host = new OneHost(controlPlane, hosts, { name, subnet });
    host.#makeLayer();
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } };
    await host.client.create({ group: '', resource: 'serviceaccounts' }, account).catch(() => undefined); // some other part may have made it
    await host.startGateway();
    await host.#writeConfig();
    return host;
  }

  async startGateway(): Promise<void> {
    const { config, pki, ...parts } = this.controlPlane.parts;
    this.gateway = await startGateway({
      ...parts,
      config: { ...config, gateway: { host: '0.0.0.0', port: this.#port } },
      client: this.client,
      tls: { certificateChainPem: pki.server.certificatePem + pki.caPem, keyPem: pki.server.keyPem, caPem: pki.caPem },
      nodeSigner: createNodeSigner(pki.authority, parts.clock),
      tokenSigner: parts.tokens,
    });
    this.#port = this.gateway.port;
  }

  async stopGateway(): Promise<void> {
    await this.gateway?.[Symbol.asyncDispose]();
    this.gateway = undefined;
  }

  startAgent(...args: readonly string[]): void {
    const log = createWriteStream(join(this.root, 'agent.log'), { flags: 'a' });
    const env = { ...process.env, BERTH_TEST_LAYER: join(this.root, 'layer') };
    this.#agent = this.hosts.runInHost('n1', [process.execPath, AGENT_MAIN, '--config', join(this.root, 'agent.json'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    this.#agent.stdout?.pipe(log);
    this.#agent.stderr?.pipe(log);
  }

  get agentPid(): number {
    return this.#agent?.pid ?? 0;
  }

  async endAgent(signal: NodeJS.Signals): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
    const exited = once(agent, 'exit');
    agent.kill(signal);
    await exited;
  }

  /** Stores a pod that is bound to the host. */
  async run(name: string, spec: Partial<NonNullable<Pod['spec']>>): Promise<void> {
    await this.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: { nodeName: 'n1', terminationGracePeriodSeconds: 2, automountServiceAccountToken: false, containers: [], ...spec },
    });
  }

  pod(name: string): (KubeObject & Pod) | undefined {
    return this.controlPlane.parts.cache.get(storeKey(PODS, 'default', name))?.object as (KubeObject & Pod) | undefined; // decode: a stored pod
  }

  isReady(name: string): boolean {
    return this.pod(name)?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  }

  async until(what: string, is: () => boolean): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (!is()) {
      if (Date.now() > deadline) throw new Error(`did not happen: ${what}\n${this.log().slice(-6_000)}`);
      await this.controlPlane.parts.clock.sleep(10);
    }
  }

  log(): string {
    return readFileSync(join(this.root, 'agent.log'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endAgent('SIGKILL');
    await this.#removePods();
    await this.stopGateway();
    await this.controlPlane[Symbol.asyncDispose]();
    await this.hosts.destroyHost('n1');
    await this.hosts.destroyBridge();
    rmSync(this.controlPlane.parts.config.dataDir, { recursive: true, force: true });
    rmSync(this.root, { recursive: true, force: true });
  }

  /** What a failed test left behind. */
  async #removePods(): Promise<void> {
    const log = new RecordingLogger();
    const runtime = await openRuncRuntime({
      dataDir: join(this.root, 'data'),
      runDir: join(this.root, 'run'),
      cgroupRoot: `${this.place.name}/n1`,
      log,
    });
    for (const uid of await runtime.sandboxes()) await runtime.removeSandbox(uid);
    runtime[Symbol.dispose]();
    await unmountBelow(this.root);
    for (const directory of cgroupsNamed(this.place.name)) rmdirSync(directory);
  }

  #makeLayer(): void {
    const layer = join(this.root, 'layer');
    for (const folder of ['bin', 'etc', 'tmp']) mkdirSync(join(layer, folder), { recursive: true });
    copyFileSync('/bin/busybox', join(layer, 'bin', 'busybox'));
    for (const name of APPLETS) symlinkSync('busybox', join(layer, 'bin', name));
    writeFileSync(join(layer, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  }

  async #writeConfig(): Promise<void> {
    const { pki } = this.controlPlane.parts;
    const { name, subnet } = this.place;
    const address = `${subnet}.1:${this.#port}`;
    const joinToken = await createJoinToken(this.client, { address, caPem: pki.caPem, now: Date.now() });
    const config = {
      clusterName: name,
      nodeName: 'n1',
      nodeAddress: `${subnet}.11`,
      gateway: address,
      joinToken,
      dataDir: join(this.root, 'data'),
      runDir: join(this.root, 'run'),
      cgroupRoot: `${name}/n1`,
      capacity: { cpu: 2, memoryBytes: 2 ** 31, pods: 50 },
      log: { level: 'debug', format: 'text' },
    };
    writeFileSync(join(this.root, 'agent.json'), JSON.stringify(config));
  }
}

/** Deepest first, in every hierarchy. */
function cgroupsNamed(name: string): readonly string[] {
  const roots = [CGROUPS, ...readdirSync(CGROUPS).map((entry) => join(CGROUPS, entry))].map((root) => join(root, name));
  return roots.filter((root) => existsSync(root)).flatMap(withFolders);
}

function withFolders(root: string): readonly string[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...folders.flatMap(({ name }) => withFolders(join(root, name))), root];
}

/** Processes of `text` on this machine, by command line. */
export async function processes(text: string): Promise<readonly string[]> {
  const child = spawn('pgrep', ['-f', text], { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (data: Buffer) => void (out += data.toString()));
  await once(child, 'close');
  return out.split('\n').filter((line) => line !== '' && line !== String(child.pid));
}
