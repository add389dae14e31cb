/** A whole host in memory: every port of the agent, with faults to switch on. For unit tests and the simulator. */
import { Channel } from '../../kit/index.js';
import type { CancelSignal, Clock } from '../../kit/index.js';
import type { Container, Pod, Stored } from '../../api/index.js';
import type { ExitStatus, RemoteConnection, RemoteProcess } from '../../apiserver/index.js';
import type { HostNetwork, PodAttachment, PodNetwork } from '../../networking/index.js';
import { VolumeError } from '../ports.js';
import type {
  AssignmentDisk,
  ContainerStartError,
  ImagePullError,
  ContainerId,
  ContainerRecord,
  ContainerRuntime,
  ContainerSpec,
  ImageStore,
  ProbeOutcome,
  Prober,
  ResolvedImage,
  Sandbox,
  SandboxSpec,
  UsageReader,
  VolumeStore,
} from '../ports.js';
import type { HostFacts, HostFactsReader } from '../node/host-facts.js';

/** Containers "run" until told to exit; time passes only by the clock. */
export class FakeRuntime implements ContainerRuntime {
  readonly records = new Map<ContainerId, ContainerRecord>();
  readonly specs: ContainerSpec[] = [];
  readonly sandboxSpecs = new Map<string, SandboxSpec>();
  /** What was stopped, with which patience. */
  readonly stops: { readonly id: ContainerId; readonly graceMs: number }[] = [];
  /** Containers that ignore SIGTERM: they end only by SIGKILL. */
  readonly stubborn = new Set<string>();
  /** By container name: the next starts fail with this. */
  readonly startErrors = new Map<string, ContainerStartError>();
  /** By container name: answers of execSync; default success. */
  readonly execResults = new Map<string, { readonly code: number; readonly output: string }>();
  readonly executed: string[] = [];
  readonly #listeners = new Set<Channel<ContainerRecord>>();

  constructor(private readonly clock: Clock) {}

  async ensureSandbox(spec: SandboxSpec): Promise<Sandbox> {
    const podUid = spec.pod.metadata.uid;
    const isNew = !this.sandboxSpecs.has(podUid);
    this.sandboxSpecs.set(podUid, spec);
    return { podUid, isNew, netnsPath: spec.pod.spec?.hostNetwork === true ? undefined : `/run/netns/${podUid}` };
  }
  async removeSandbox(podUid: string): Promise<void> {
    for (const record of this.records.values()) if (record.podUid === podUid) this.records.delete(record.id);
    this.sandboxSpecs.delete(podUid);
  }
  async sandboxes(): Promise<readonly string[]> {
    return [...this.sandboxSpecs.keys()];
  }
  /** Containers that cannot be resized, by name. */
  readonly resizeErrors = new Map<string, string>();
  readonly resizes: { readonly id: ContainerId; readonly resources: Container['resources'] }[] = [];
  async resize(id: ContainerId, _pod: unknown, container: Container): Promise<void> {
    const error = this.resizeErrors.get(container.name);
    if (error !== undefined) throw new Error(error);
    this.resizes.push({ id, resources: container.resources });
  }
  async run(spec: ContainerSpec): Promise<ContainerRecord> {
    const { name } = spec.container;
    const error = this.startErrors.get(name);
    if (error !== undefined) throw error;
    this.specs.push(spec);
    const record: ContainerRecord = {
      id: spec.id,
      podUid: spec.pod.metadata.uid,
      name,
      attempt: spec.attempt,
      state: 'running',
      pid: 1000 + this.specs.length,
      startedAtMs: this.clock.now(),
      imageId: spec.image.repoDigest ?? spec.image.id,
      imageRef: spec.image.reference,
      specHash: spec.specHash,
    };
    this.records.set(record.id, record);
    return record;
  }
  async stop(id: ContainerId, { graceMs }: { readonly graceMs: number }): Promise<void> {
    this.stops.push({ id, graceMs });
    const record = this.records.get(id);
    if (record?.state !== 'running') return;
    if (this.stubborn.has(record.name)) await this.clock.sleep(graceMs);
    if (this.records.get(id)?.state === 'running')
      this.exit(record.name, this.stubborn.has(record.name) ? 137 : 143, { podUid: record.podUid });
  }
  async remove(id: ContainerId): Promise<void> {
    this.records.delete(id);
  }
  async list(): Promise<readonly ContainerRecord[]> {
    return [...this.records.values()];
  }
  async *exits(signal: CancelSignal): AsyncIterable<ContainerRecord> {
    const channel = new Channel<ContainerRecord>();
    channel.endOn(signal);
    this.#listeners.add(channel);
    for (const record of this.records.values()) if (record.state === 'exited') channel.push(record);
    yield* channel;
    this.#listeners.delete(channel);
  }
  async execSync(id: ContainerId, command: readonly string[]): Promise<{ exit: ExitStatus; timedOut: boolean; output: string }> {
    const name = this.records.get(id)?.name ?? '';
    this.executed.push(`${name}: ${command.join(' ')}`);
    const { code, output } = this.execResults.get(name) ?? { code: 0, output: '' };
    return { exit: { kind: 'exited', code }, timedOut: false, output };
  }
  async exec(): Promise<RemoteProcess> {
    throw new Error('the fake runtime has no sessions');
  }
  async attach(): Promise<RemoteProcess> {
    throw new Error('the fake runtime has no sessions');
  }
  async connect(): Promise<RemoteConnection> {
    throw new Error('the fake runtime has no sessions');
  }
  async *logs(): AsyncIterable<Uint8Array> {
    yield new Uint8Array();
  }

  /** The newest running attempt of a container (of any pod, unless told) ends. */
  exit(
    name: string,
    exitCode: number,
    more: { readonly podUid?: string; readonly oomKilled?: boolean; readonly message?: string } = {},
  ): void {
    const running = [...this.records.values()].filter((record) => record.name === name && record.state === 'running');
    const record = running.find(({ podUid }) => more.podUid === undefined || podUid === more.podUid);
    if (record === undefined) throw new Error(`no running container "${name}"`);
    const ended: ContainerRecord = {
      ...record,
      state: 'exited',
      exitCode,
      finishedAtMs: this.clock.now(),
      oomKilled: more.oomKilled ?? false,
      terminationMessage: more.message,
    };
    this.records.set(record.id, ended);
    for (const listener of this.#listeners) listener.push(ended);
  }

  running(): readonly string[] {
    return [...this.records.values()].filter(({ state }) => state === 'running').map(({ name, attempt }) => `${name}/${attempt}`);
  }
}

/** Has every image that was not taken away. */
export class FakeImages implements ImageStore {
  readonly missing = new Set<string>();
  readonly failing = new Map<string, ImagePullError>();
  readonly config = { entrypoint: ['/entry'], cmd: ['serve'], env: ['FROM_IMAGE=1'], workingDir: '/srv', user: '', volumes: [] };
  /** Credentials that the last pull was given. */
  credentials: readonly { readonly username: string; readonly password: string }[] = [];

  async find(reference: string): Promise<ResolvedImage | undefined> {
    return this.missing.has(reference) ? undefined : this.#image(reference);
  }
  async pull(reference: string, credentials: FakeImages['credentials']): Promise<ResolvedImage> {
    this.credentials = credentials;
    const error = this.failing.get(reference);
    if (error !== undefined) throw error;
    this.missing.delete(reference);
    return this.#image(reference);
  }
  async list(): Promise<readonly { readonly names: readonly string[]; readonly sizeBytes: number }[]> {
    return [];
  }

  #image(reference: string): ResolvedImage {
    return { reference, id: `sha256:${reference}`, sizeBytes: 1234, layers: [], config: this.config };
  }
}

export class FakePodNetwork implements PodNetwork {
  readonly attachments = new Map<string, PodAttachment>();
  #count = 0;
  readonly #ips = new Map<string, string>();

  async attach(pod: PodAttachment): Promise<{ readonly ip: string; readonly ips: readonly string[] }> {
    this.attachments.set(pod.podUid, pod);
    const ip = this.#ips.get(pod.podUid) ?? `10.244.0.${++this.#count + 1}`;
    this.#ips.set(pod.podUid, ip);
    return { ip, ips: [ip] };
  }
  async detach(podUid: string): Promise<void> {
    this.attachments.delete(podUid);
    this.#ips.delete(podUid);
  }
  async attached(): Promise<readonly string[]> {
    return [...this.attachments.keys()];
  }
}

export class FakeHostNetwork implements HostNetwork {
  readonly calls: { readonly what: string; readonly with: unknown }[] = [];
  async start(options: Parameters<HostNetwork['start']>[0]): Promise<void> {
    this.calls.push({ what: 'start', with: options });
  }
  async setPeers(peers: Parameters<HostNetwork['setPeers']>[0]): Promise<void> {
    this.calls.push({ what: 'peers', with: peers });
  }
  async setServices(rules: Parameters<HostNetwork['setServices']>[0]): Promise<void> {
    this.calls.push({ what: 'services', with: rules });
  }
  setDns(view: Parameters<HostNetwork['setDns']>[0]): void {
    this.calls.push({ what: 'dns', with: view });
  }
  async remove(): Promise<void> {
    this.calls.push({ what: 'remove', with: undefined });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.calls.push({ what: 'dispose', with: undefined });
  }
}

export class FakeVolumes implements VolumeStore {
  readonly prepared: string[] = [];
  readonly removed: string[] = [];
  error: string | undefined;

  async prepare(pod: Stored<Pod>): Promise<ReadonlyMap<string, string>> {
    if (this.error !== undefined) throw new VolumeError(this.error);
    this.prepared.push(pod.metadata.name);
    return new Map((pod.spec?.volumes ?? []).map(({ name }) => [name, `/volumes/${pod.metadata.uid}/${name}`]));
  }
  async remove(podUid: string): Promise<void> {
    this.removed.push(podUid);
  }
  used = 0;
  async usedBytes(): Promise<number> {
    return this.used;
  }
  readonly folderHandles = new Set<string>();
  async folders(): Promise<readonly string[]> {
    return [...this.folderHandles];
  }
  async removeFolder(handle: string): Promise<void> {
    this.folderHandles.delete(handle);
  }
}

export class FakeProber implements Prober {
  outcome: ProbeOutcome = { ok: true };
  asked = 0;
  async http(): Promise<ProbeOutcome> {
    this.asked++;
    return this.outcome;
  }
  async tcp(): Promise<ProbeOutcome> {
    this.asked++;
    return this.outcome;
  }
  async grpc(): Promise<ProbeOutcome> {
    this.asked++;
    return this.outcome;
  }
}

export class FakeUsage implements UsageReader {
  async node(): Promise<{ readonly cpuNanos: number; readonly memoryBytes: number }> {
    return { cpuNanos: 0, memoryBytes: 0 };
  }
  async containers(): ReturnType<UsageReader['containers']> {
    return [];
  }
}

export class FakeDisk implements AssignmentDisk {
  text: string | undefined;
  async load(): Promise<string | undefined> {
    return this.text;
  }
  async save(text: string): Promise<void> {
    this.text = text;
  }
}

export class FakeHostFacts implements HostFactsReader {
  facts: HostFacts = {
    cpuCores: 2,
    memoryBytes: 4 * 1024 ** 3,
    memoryAvailableBytes: 3 * 1024 ** 3,
    diskBytes: 100 * 1024 ** 3,
    diskAvailableBytes: 80 * 1024 ** 3,
    pidsMax: 32_768,
    pidsUsed: 100,
    architecture: 'amd64',
    osImage: 'Debian GNU/Linux 12 (bookworm)',
    kernelVersion: '6.18.0',
    machineId: 'machine',
    systemUuid: 'system',
    bootId: 'boot',
    nameservers: ['192.0.2.53'],
    searches: [],
    hostsFile: '127.0.0.1\tlocalhost\n',
  };
  async read(): Promise<HostFacts> {
    return this.facts;
  }
}
