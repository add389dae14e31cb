/** Pod sandboxes: pinned namespaces, the files every container of the pod sees, and the pod's cgroup. No pause container. */
import { existsSync, mkdirSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { PodUid, Sandbox, SandboxSpec } from '../../agent/index.js';
import type { CgroupTree } from '../cgroups/cgroup-tree.js';
import type { RunCommand } from '../commands/index.js';
import { podCpuRequest, podLimits, qosClass, sharesOf } from '../cgroups/limits.js';
import type { QosClass } from '../cgroups/limits.js';
import { readTextSync, replaceFileSync } from '../process/files.js';
import { unmountBelow } from '../process/mounts.js';
import { identifyProcess, isAlive, processTree, signalProcess } from '../process/process-identity.js';
import type { ProcessIdentity } from '../process/process-identity.js';
import type { PodPaths, RuntimePaths } from './paths.js';
import { decodeSandboxRecord } from './sandbox-record.js';
import type { SandboxRecord } from './sandbox-record.js';
import { sandboxScript } from './sandbox-script.js';

export interface SandboxesOptions {
  readonly paths: RuntimePaths;
  readonly cgroups: CgroupTree;
  /** `/berth/<cluster>/<node>` */
  readonly cgroupRoot: string;
  /** Processes a pod may have; `undefined` is no limit. */
  readonly podPidsMax?: number | undefined;
  readonly run: RunCommand;
}

const NSFS_MAGIC = 0x6e73_6673;

export class Sandboxes {
  readonly #options: SandboxesOptions;
  readonly #records = new Map<PodUid, SandboxRecord>();

  constructor(options: SandboxesOptions) {
    this.#options = options;
  }

  /** Makes the sandbox, or repairs what is missing of it. The texts of hosts and resolv.conf are renewed in place: containers have them mounted. */
  async ensure(spec: SandboxSpec): Promise<Sandbox> {
    const podUid = spec.pod.metadata.uid;
    const paths = this.#options.paths.pod(podUid);
    const made = mkdirSync(paths.ns, { recursive: true, mode: 0o711 });
    const isNew = made !== undefined && paths.root.startsWith(made);
    mkdirSync(paths.logs, { recursive: true, mode: 0o755 });
    writeIfChanged(paths.hosts, spec.hosts);
    writeIfChanged(paths.resolvConf, spec.resolvConf);
    writeIfChanged(paths.hostname, `${spec.hostname}\n`);
    const known = this.find(podUid);
    const intact = known !== undefined && isIntact(known, paths) ? known : undefined;
    const record = intact ?? (await this.#create(spec, paths, isNew));
    return { podUid, netnsPath: record.hostNetwork ? undefined : paths.net, isNew: intact === undefined };
  }

  /** Brings the pod's cgroup to its present description; `inside` changes what is below it, while the pod itself is not limited. */
  resize(pod: SandboxSpec['pod'], inside: () => void): void {
    const podUid = pod.metadata.uid;
    const record = this.find(podUid);
    if (record === undefined) throw new Error(`pod ${podUid} has no sandbox on this node`);
    const { cgroups, podPidsMax, paths } = this.#options;
    cgroups.loosen(record.cgroupPath);
    try {
      inside();
    } finally {
      cgroups.resize(record.cgroupPath, podLimits(pod, podPidsMax));
    }
    const resized = { ...record, cpuRequestMilli: podCpuRequest(pod) };
    replaceFileSync(paths.pod(podUid).record, JSON.stringify(resized));
    this.#records.set(podUid, resized);
    if (resized.qos === 'Burstable') this.#weighBurstable();
  }

  /** The record of a sandbox that was ensured, by this process or one before it. */
  find(podUid: PodUid): SandboxRecord | undefined {
    const known = this.#records.get(podUid);
    if (known !== undefined) return known;
    const record = decodeSandboxRecord(this.#options.paths.pod(podUid).record);
    if (record !== undefined) this.#records.set(podUid, record);
    return record;
  }

  /** Every pod that has a folder here, also after a half-done removal. */
  list(): readonly PodUid[] {
    const { paths } = this.#options;
    const names = [paths.pods, paths.logs].flatMap((directory) => (existsSync(directory) ? readdirSync(directory) : []));
    return [...new Set(names)];
  }

  /** Unpins, removes cgroup, folder and logs. Containers must be gone. Idempotent. */
  async remove(podUid: PodUid): Promise<void> {
    const paths = this.#options.paths.pod(podUid);
    const record = this.find(podUid);
    if (record?.pidHolder !== undefined && isAlive(record.pidHolder)) endTree(record.pidHolder.pid);
    for (const path of record === undefined ? this.#possibleCgroups(podUid) : [record.cgroupPath]) await this.#options.cgroups.remove(path);
    await unmountBelow(paths.root);
    await rm(paths.root, { recursive: true, force: true });
    await rm(paths.logs, { recursive: true, force: true });
    this.#records.delete(podUid);
    if (record?.qos === 'Burstable') this.#weighBurstable();
  }

  async #create(spec: SandboxSpec, paths: PodPaths, isNew: boolean): Promise<SandboxRecord> {
    const pod = spec.pod.spec;
    const podUid = spec.pod.metadata.uid;
    // What an interrupted attempt left behind would be mounted over.
    if (!isNew) await unmountBelow(paths.root);
    const qos = qosClass(spec.pod);
    const cgroupPath = `${this.#qosCgroup(qos)}/pod${podUid}`;
    this.#ensureCgroups(spec, qos, cgroupPath);
    const hostNetwork = pod?.hostNetwork === true;
    const hostIpc = pod?.hostIPC === true;
    const isPidShared = pod?.shareProcessNamespace === true && pod.hostPID !== true;
    const pinned = [...(hostNetwork ? [] : [paths.net, paths.uts]), ...(hostIpc ? [] : [paths.ipc])];
    for (const file of pinned) writeFileSync(file, '');
    mkdirSync(paths.shm, { recursive: true });
    const { file, args } = sandboxScript({
      paths,
      hostNetwork,
      hostIpc,
      hostname: spec.hostname,
      sysctls: pod?.securityContext?.sysctls ?? [],
    });
    const { run } = this.#options;
    await run([file, ...args]);
    const pidHolder = isPidShared ? await holdPidNamespace(paths, run) : undefined;
    const record: SandboxRecord = {
      podUid,
      hostname: spec.hostname,
      hostNetwork,
      hostIpc,
      cgroupPath,
      cpuRequestMilli: podCpuRequest(spec.pod),
      qos,
      pidHolder,
    };
    replaceFileSync(paths.record, JSON.stringify(record));
    this.#records.set(podUid, record);
    if (qos === 'Burstable') this.#weighBurstable();
    return record;
  }

  #ensureCgroups(spec: SandboxSpec, qos: QosClass, cgroupPath: string): void {
    const { cgroups } = this.#options;
    if (qos === 'BestEffort') cgroups.ensure(this.#qosCgroup(qos), { cpuShares: sharesOf(0) });
    cgroups.ensure(cgroupPath, podLimits(spec.pod, this.#options.podPidsMax));
  }

  /** As in Kubernetes: guaranteed pods stand at the root, so that best effort ones never weigh as much as they do. */
  #qosCgroup(qos: QosClass): string {
    const root = this.#options.cgroupRoot;
    return qos === 'Guaranteed' ? root : `${root}/${qos.toLowerCase()}`;
  }

  #possibleCgroups(podUid: PodUid): readonly string[] {
    return (['Guaranteed', 'Burstable', 'BestEffort'] as const).map((qos) => `${this.#qosCgroup(qos)}/pod${podUid}`);
  }

  /** The burstable cgroup weighs what its pods ask for together. */
  #weighBurstable(): void {
    for (const podUid of this.list()) this.find(podUid);
    const milli = [...this.#records.values()]
      .filter((record) => record.qos === 'Burstable')
      .reduce((sum, record) => sum + record.cpuRequestMilli, 0);
    this.#options.cgroups.ensure(this.#qosCgroup('Burstable'), { cpuShares: sharesOf(milli) });
  }
}

/** A pin that is no longer a namespace (reboot, an unmount by hand) means that the sandbox must be made again. */
function isIntact(record: SandboxRecord, paths: PodPaths): boolean {
  if (!record.hostNetwork && !(isNamespace(paths.net) && isNamespace(paths.uts))) return false;
  if (!record.hostIpc && !isNamespace(paths.ipc)) return false;
  return record.pidHolder === undefined || isAlive(record.pidHolder);
}

function isNamespace(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === NSFS_MAGIC;
}

/**
 * A PID namespace lives only as long as its first process, so a shared one needs a holder: a shell that sleeps and reaps orphans.
 * It is the one process that a pod costs, and only where shareProcessNamespace asks for it.
 */
async function holdPidNamespace(paths: PodPaths, run: RunCommand): Promise<ProcessIdentity> {
  writeFileSync(paths.pid, '');
  const loop = 'trap "exit 0" TERM; while :; do sleep 2147483 & wait $!; done';
  const script = 'unshare --pid="$1" --fork --kill-child=KILL sh -c "$2" berth-pod-init </dev/null >/dev/null 2>&1 & echo $!';
  const stdout = await run(['setsid', 'sh', '-c', script, 'berth-pod', paths.pid, loop]);
  const holder = identifyProcess(Number(stdout.trim()));
  if (holder === undefined) throw new Error('the process that holds the shared PID namespace ended at once');
  for (let waited = 0; !isNamespace(paths.pid); waited++) {
    if (waited === 200) throw new Error(`${paths.pid}: the shared PID namespace was not pinned in time`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return holder;
}

function endTree(pid: number): void {
  for (const member of processTree(pid).toReversed()) signalProcess(member, 'SIGKILL');
}

/** In place, never by rename: a bind mount follows the inode. */
function writeIfChanged(path: string, text: string): void {
  if (readTextSync(path) !== text) writeFileSync(path, text, { mode: 0o644 });
}
