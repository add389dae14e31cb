/** ContainerRuntime on this host: runc through conmon. Wires sandboxes, the container table, exec and logs. */
import { mkdirSync } from 'node:fs';
import type { ContainerId, ContainerRecord, ContainerRuntime, ContainerSpec, PodUid, Sandbox, SandboxSpec } from '../../agent/index.js';
import { ContainerStartError } from '../../agent/index.js';
import type { Container, Pod, Stored } from '../../api/index.js';
import type { ExitStatus, LogOptions, RemoteConnection, RemoteProcess } from '../../apiserver/index.js';
import { Channel, Limiter } from '../../kit/index.js';
import type { CancelSignal, Logger } from '../../kit/index.js';
import { openCgroupTree } from '../cgroups/cgroup-tree.js';
import type { CgroupTree } from '../cgroups/cgroup-tree.js';
import { containerLimits } from '../cgroups/limits.js';
import type { MeasuredContainer } from '../cgroups/usage-reader.js';
import { runCommand } from '../commands/index.js';
import type { RunCommand } from '../commands/index.js';
import { connectInside, execSync, reopenLog, startExec } from '../exec/index.js';
import { readLogs, rotateIfFull } from '../logs/index.js';
import { attachTo } from './attach-container.js';
import { ContainerTable } from './container-table.js';
import type { StoredContainer } from './container-record.js';
import { ExitWatch } from './exit-watch.js';
import { RuntimePaths } from './paths.js';
import type { RuntimeDirectories } from './paths.js';
import { runContainer } from './run-container.js';
import { Sandboxes } from './sandboxes.js';
import { stopContainer } from './stop-container.js';

export interface RuncRuntimeOptions extends RuntimeDirectories {
  /** Parent of all pod cgroups, without a leading slash: `berth/<cluster>/<node>`. */
  readonly cgroupRoot: string;
  readonly log: Logger;
  /** Processes that a pod may have; default 4096. */
  readonly podPidsMax?: number | undefined;
  /** Where seccomp profiles of type Localhost are; default `<dataDir>/seccomp`. */
  readonly seccompDirectory?: string | undefined;
  /** How sandboxes are made; default: by commands of this process. */
  readonly run?: RunCommand | undefined;
}

const POD_PIDS_MAX = 4096;
/** More at once only makes each slower: a start is CPU work of runc. */
const STARTS_AT_ONCE_MAX = 4;

/** Opens the runtime of a host over its folders; containers that still run there are found again. Dispose to stop watching (nothing is stopped). */
export async function openRuncRuntime(options: RuncRuntimeOptions): Promise<RuncRuntime> {
  const runtime = new RuncRuntime(options, openCgroupTree());
  await runtime.start();
  return runtime;
}

export class RuncRuntime implements ContainerRuntime, Disposable {
  readonly #paths: RuntimePaths;
  readonly #table: ContainerTable;
  readonly #sandboxes: Sandboxes;
  readonly #watch: ExitWatch;
  readonly #starts = new Limiter(STARTS_AT_ONCE_MAX);
  readonly #seccompDirectory: string;
  #execCount = 0;

  constructor(
    options: RuncRuntimeOptions,
    readonly cgroups: CgroupTree,
  ) {
    const { log } = options;
    this.#paths = new RuntimePaths(options);
    this.#seccompDirectory = options.seccompDirectory ?? `${options.dataDir}/seccomp`;
    this.#table = new ContainerTable({ paths: this.#paths, cgroups, log });
    this.#sandboxes = new Sandboxes({
      paths: this.#paths,
      cgroups,
      cgroupRoot: `/${options.cgroupRoot}`,
      podPidsMax: options.podPidsMax ?? POD_PIDS_MAX,
      run: options.run ?? runCommand,
    });
    this.#watch = new ExitWatch({
      directory: this.#paths.exits,
      onFile: (id) => this.#table.settle(id),
      onRescan: () => this.#maintain(),
      log,
    });
  }

  async start(): Promise<void> {
    const { containers, logs, pods, runcRoot, exits, sockets } = this.#paths;
    for (const directory of [containers, logs, pods, runcRoot, exits, sockets]) mkdirSync(directory, { recursive: true, mode: 0o711 });
    // Watching first: an exit between the two would otherwise wait for the rescan.
    this.#watch.start();
    await this.#table.load();
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  ensureSandbox(spec: SandboxSpec): Promise<Sandbox> {
    return this.#starts.run(() => this.#sandboxes.ensure(spec));
  }

  async removeSandbox(podUid: PodUid): Promise<void> {
    const containers = this.#table.all().filter((record) => record.podUid === podUid);
    await Promise.all(containers.map((record) => this.stop(record.id, { graceMs: 0 })));
    const ids = new Set([...containers.map((record) => record.id), ...this.#table.foldersOf(podUid)]);
    await Promise.all([...ids].map((id) => this.remove(id)));
    await this.#sandboxes.remove(podUid);
  }

  async sandboxes(): Promise<readonly PodUid[]> {
    return this.#sandboxes.list();
  }

  run(spec: ContainerSpec): Promise<ContainerRecord> {
    return this.#starts.run(async () => {
      const sandbox = this.#sandboxes.find(spec.pod.metadata.uid);
      if (sandbox === undefined)
        throw new ContainerStartError('CreateContainerError', `pod ${spec.pod.metadata.name} has no sandbox: ensureSandbox comes first`);
      const record = await runContainer({
        spec,
        sandbox,
        paths: this.#paths,
        table: this.#table,
        cgroups: this.cgroups,
        seccompDirectory: this.#seccompDirectory,
      });
      return this.#table.describe(record);
    });
  }

  async resize(id: ContainerId, pod: Stored<Pod>, container: Container): Promise<void> {
    const { cgroupPath } = this.#running(id);
    this.#sandboxes.resize(pod, () => this.cgroups.resize(cgroupPath, containerLimits(container)));
  }

  stop(id: ContainerId, options: { readonly graceMs: number; readonly signal?: string | undefined }): Promise<void> {
    return stopContainer({ id, table: this.#table, cgroups: this.cgroups, ...options });
  }

  remove(id: ContainerId): Promise<void> {
    return this.#table.remove(id);
  }

  async list(): Promise<readonly ContainerRecord[]> {
    await this.#table.rescan();
    return this.#table.all().map((record) => this.#table.describe(record));
  }

  async *exits(signal: CancelSignal): AsyncGenerator<ContainerRecord, void, undefined> {
    const channel = new Channel<ContainerRecord>();
    using _end = channel.endOn(signal);
    using _listener = this.#table.onExit((record) => void channel.push(record));
    for (const record of this.#table.all()) if (record.exit !== undefined) channel.push(this.#table.describe(record));
    yield* channel;
  }

  async execSync(
    id: ContainerId,
    command: readonly string[],
    timeoutMs: number,
  ): Promise<{ readonly exit: ExitStatus; readonly timedOut: boolean; readonly output: string }> {
    return execSync({ ...this.#execTarget(id), command }, timeoutMs);
  }

  async exec(
    id: ContainerId,
    options: { readonly command: readonly string[]; readonly tty: boolean; readonly stdin: boolean },
  ): Promise<RemoteProcess> {
    return startExec({ ...this.#execTarget(id), ...options });
  }

  async attach(id: ContainerId, options: { readonly tty: boolean; readonly stdin: boolean }): Promise<RemoteProcess> {
    return attachTo({ record: this.#running(id), table: this.#table, podLogs: (uid) => this.#paths.pod(uid).logs, ...options });
  }

  connect(podUid: PodUid, port: number): Promise<RemoteConnection> {
    const sandbox = this.#sandboxes.find(podUid);
    if (sandbox === undefined) return Promise.reject(new Error(`pod ${podUid} has no sandbox on this node`));
    return connectInside(sandbox.hostNetwork ? undefined : this.#paths.pod(podUid).net, port);
  }

  logs(podUid: PodUid, container: string, options: LogOptions, signal: CancelSignal): AsyncIterable<Uint8Array> {
    return readLogs({
      podLogs: this.#paths.pod(podUid).logs,
      options: { ...options, container },
      nowMs: Date.now(),
      isOver: (attempt) => this.#table.isOver(podUid, container, attempt),
      signal,
    });
  }

  /** For the usage reader. */
  running(): readonly MeasuredContainer[] {
    return this.#table.all().filter((record) => record.exit === undefined);
  }

  async #maintain(): Promise<void> {
    await this.#table.rescan();
    for (const record of this.#table.all()) if (record.exit === undefined) await this.#rotate(record);
  }

  async #rotate(record: StoredContainer): Promise<void> {
    await rotateIfFull(record.logPath, () => reopenLog(this.#table.paths(record.id).control).catch(() => undefined));
  }

  #execTarget(id: ContainerId): { readonly runcRoot: string; readonly containerId: string; readonly pidFile: string } {
    this.#running(id);
    this.#execCount += 1;
    return { runcRoot: this.#paths.runcRoot, containerId: id, pidFile: `${this.#paths.sockets}/exec-${process.pid}-${this.#execCount}` };
  }

  #running(id: ContainerId): StoredContainer {
    const record = this.#table.find(id);
    if (record === undefined) throw new Error(`container ${id} not found`);
    if (record.exit !== undefined) throw new Error(`container ${record.name} is not running: it exited with ${record.exit.code}`);
    return record;
  }
}
