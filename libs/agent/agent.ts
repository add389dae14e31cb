/**
 * The node agent: one worker per assigned pod, the link to the gateway, and the host's network and status around them. It decides
 * nothing about pods (the workers do) and nothing about the cluster (the control plane does).
 *
 * Order at start: last assignment from disk -> what runs on the host -> host network -> the link -> workers that re-adopt, once the
 * control plane has said what is assigned now, or is away: a pod that moved while the host was lost is not started again here. Leftovers
 * that no assignment names are removed only after the control plane has spoken, because what is on disk may be older.
 */
import { CancelSource } from '../kit/index.js';
import type { Clock, Logger, Random } from '../kit/index.js';
import type { PodStatus, Stored, Pod } from '../api/index.js';
import type { Assignment, Hello, TunnelRequest, Welcome } from '../gateway/index.js';
import type { HostNetwork, PodNetwork } from '../networking/index.js';
import { AssignedState } from './assigned-state.js';
import { AgentLink } from './link/agent-link.js';
import type { GatewayTransport } from './link/transport.js';
import { NetworkSync } from './network-sync.js';
import { NodeMonitor } from './node/node-monitor.js';
import { AGENT_VERSION } from './node/node-report.js';
import type { NodeSettings } from './node/node-report.js';
import type { HostFactsReader } from './node/host-facts.js';
import type { NodeContext, PodContext, PodEvent } from './pod/pod-context.js';
import { PodWorker } from './pod/pod-worker.js';
import { removeOrphans } from './orphans.js';
import { FolderKeeper } from './folders.js';
import { usesSource } from './pod/pod-sources.js';
import { serveTunnel } from './tunnels.js';
import { agentVolumeSources } from './volume-sources.js';
import type { AssignmentDisk, ContainerRecord, ContainerRuntime, ImageStore, Prober, UsageReader, VolumeStore } from './ports.js';

export interface AgentPorts {
  readonly runtime: ContainerRuntime;
  readonly podNetwork: PodNetwork;
  readonly hostNetwork: HostNetwork;
  readonly images: ImageStore;
  readonly volumes: VolumeStore;
  readonly prober: Prober;
  readonly usage: UsageReader;
  readonly disk: AssignmentDisk;
  readonly facts: HostFactsReader;
  readonly transport: GatewayTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface AgentSettings extends NodeSettings {
  /** PEM of the cluster CA, for pods' `ca.crt`. */
  readonly clusterCa: string;
}

/** Changes within this time are written to disk together. */
const SAVE_DELAY_MS = 100;
const NETWORK_RETRY_MS = 2_000;
/** A control plane that answers at all has this long to say what is assigned, before the assignment on disk is acted upon. */
const FIRST_WORD_TIMEOUT_MS = 3_000;

export class NodeAgent implements AsyncDisposable {
  readonly #state = new AssignedState();
  readonly #workers = new Map<string, PodWorker>();
  readonly #stop = new CancelSource();
  readonly #link: AgentLink;
  readonly #network: NetworkSync;
  readonly #monitor: NodeMonitor;
  readonly #folders: FolderKeeper;
  readonly #podContext: PodContext;
  #found: readonly ContainerRecord[] = [];
  #isNetworkStarted = false;
  #isNetworkStarting = false;
  #hasAssignment = false;
  /** False while what is on disk may be about to be replaced: pods may have moved elsewhere since. */
  #mayAct = false;
  #firstWord: Disposable | undefined;
  #areOrphansRemoved = false;
  #save: Disposable | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(
    private readonly ports: AgentPorts,
    private readonly settings: AgentSettings,
  ) {
    const { clock, log, random, transport } = ports;
    this.#link = new AgentLink({
      transport,
      clock,
      log,
      random,
      handlers: {
        hello: () => this.#hello(),
        welcomed: (welcome) => this.#welcomed(welcome),
        assignment: (assignment) => this.#assigned(assignment),
        tunnel: (id, request) => this.#tunnel(id, request),
        away: () => this.#actOn(),
      },
    });
    this.#network = new NetworkSync({ network: ports.hostNetwork, state: this.#state, nodeName: settings.nodeName, clock, log });
    this.#monitor = new NodeMonitor({
      ...ports,
      settings,
      link: this.#link,
      podOf: (uid) => this.#podName(uid),
      notReady: () => this.#notReady(),
    });
    this.#folders = new FolderKeeper({ volumes: ports.volumes, state: this.#state, monitor: this.#monitor, log });
    this.#podContext = this.#makePodContext();
  }

  /** Throws when the machine or the runtime cannot be read: then nothing was touched. */
  async start(): Promise<void> {
    await this.#monitor.refresh();
    const saved = await this.ports.disk.load();
    if (saved !== undefined && !this.#state.restore(saved))
      this.ports.log.warn('the assignment on disk is damaged; waiting for the control plane');
    this.#hasAssignment = this.#state.version > 0;
    this.#found = await this.ports.runtime.list();
    void this.#followExits();
    if (this.#state.welcome !== undefined) await this.#startNetwork(this.#state.welcome);
    this.#monitor.start();
    this.#link.start();
    this.#firstWord = this.ports.clock.schedule(FIRST_WORD_TIMEOUT_MS, () => this.#actOn());
  }

  /** Containers run on; the next agent adopts them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#firstWord?.[Symbol.dispose]();
    this.#link[Symbol.dispose]();
    this.#monitor[Symbol.dispose]();
    this.#network[Symbol.dispose]();
    for (const worker of this.#workers.values()) worker[Symbol.dispose]();
    this.#stop.abort();
    if (this.#save !== undefined) this.#saveNow();
    await this.#saving;
    await this.ports.hostNetwork[Symbol.asyncDispose]();
  }

  /** Ends every pod of this host and waits until nothing is left, at most `timeoutMs`. For `--drain-on-exit`. */
  async drain(timeoutMs: number): Promise<void> {
    const { clock } = this.ports;
    const until = clock.now() + timeoutMs;
    // Also right after a start: what the disk says runs here gets its own way to end.
    this.#actOn();
    for (const worker of this.#workers.values()) worker.unassign();
    while (this.#workers.size > 0 && clock.now() < until) await clock.sleep(50);
    // An agent that has just started may not have heard yet of a pod that runs here.
    await removeOrphans({ ...this.ports, network: this.ports.podNetwork, isAssigned: (uid) => this.#workers.has(uid) });
  }

  /** Uids of the pods that this agent has a worker for. */
  get pods(): readonly string[] {
    return [...this.#workers.keys()];
  }
  get isConnected(): boolean {
    return this.#link.isConnected;
  }

  #hello(): Hello {
    return {
      nodeName: this.settings.nodeName,
      agentVersion: AGENT_VERSION,
      bootId: this.#monitor.facts.bootId,
      assignmentVersion: this.#state.version,
      assignmentEpoch: this.#state.epoch,
      nodeStatus: this.#monitor.report(),
    };
  }

  #welcomed(welcome: Welcome): void {
    const before = this.#state.welcome;
    this.#state.welcomed(welcome);
    this.#scheduleSave();
    const isMoved = before?.podCidr !== welcome.podCidr;
    if (!this.#isNetworkStarted || isMoved) void this.#startNetwork(welcome);
  }

  #assigned(assignment: Assignment): string {
    try {
      const change = this.#state.apply(assignment);
      this.#hasAssignment = true;
      this.#actOn();
      if (change.kinds.size > 0) this.#scheduleSave();
      const services = change.kinds.has('service') || change.kinds.has('endpoint-slice');
      if (services || change.kinds.has('node')) this.#network.changed({ services, peers: change.kinds.has('node') });
      if (change.kinds.has('pod')) this.#syncWorkers();
      if (change.kinds.has('volume')) this.#folders.changed();
      if (change.sources.size > 0) {
        for (const worker of this.#workers.values()) if (usesSource(worker.current, change.sources)) worker.sourcesChanged();
      }
      this.#removeOrphansOnce();
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** From here on the assignment counts: the control plane has spoken, or it is away. */
  #actOn(): void {
    if (this.#mayAct) return;
    this.#mayAct = true;
    this.#syncWorkers();
  }

  async #startNetwork(welcome: Welcome): Promise<void> {
    if (this.#isNetworkStarting) return;
    this.#isNetworkStarting = true;
    try {
      const { podCidr, clusterCidr, serviceCidr, dnsAddress, clusterDomain } = welcome;
      const { nodeName, nodeAddress } = this.settings;
      const options = { nodeName, hostAddress: nodeAddress, podCidr, clusterCidr, serviceCidr, dnsAddress, clusterDomain };
      await this.ports.hostNetwork.start(options);
      this.#isNetworkStarted = true;
      this.#network.open();
      this.#syncWorkers();
      this.#removeOrphansOnce();
      this.#monitor.changed();
    } catch (error) {
      this.ports.log.error('host network not started, will be tried again', { error });
      this.ports.clock.schedule(NETWORK_RETRY_MS, () => void this.#startNetwork(this.#state.welcome ?? welcome));
    } finally {
      this.#isNetworkStarting = false;
    }
  }

  /** One worker for each assigned pod; workers of others end their pods. Harmless when nothing changed. */
  #syncWorkers(): void {
    if (!this.#mayAct || !this.#isNetworkStarted || !this.#hasAssignment || this.#stop.signal.aborted) return;
    const assigned = new Map(this.#state.pods().map((pod) => [pod.metadata.uid, pod]));
    for (const [uid, worker] of this.#workers) {
      if (assigned.has(uid)) continue;
      this.#link.forget(uid);
      worker.unassign();
    }
    for (const [uid, pod] of assigned) {
      const known = this.#workers.get(uid);
      if (known === undefined) this.#addWorker(uid, pod);
      else if (known.current !== pod) known.update(pod);
    }
  }

  #addWorker(uid: string, pod: Stored<Pod>): void {
    const records = this.#found.filter((record) => record.podUid === uid);
    const worker = new PodWorker(this.#podContext, pod, records);
    this.#workers.set(uid, worker);
    worker.start();
  }

  #removeOrphansOnce(): void {
    const isReady = this.#link.isConnected && this.#hasAssignment && this.#isNetworkStarted;
    if (this.#areOrphansRemoved || !isReady) return;
    this.#areOrphansRemoved = true;
    void removeOrphans({ ...this.ports, network: this.ports.podNetwork, isAssigned: (uid) => this.#workers.has(uid) });
  }

  async #followExits(): Promise<void> {
    for await (const record of this.ports.runtime.exits(this.#stop.signal)) {
      this.#found = this.#found.map((known) => (known.id === record.id ? record : known));
      this.#workers.get(record.podUid)?.exited(record);
    }
  }

  #tunnel(id: string, request: TunnelRequest): void {
    const { runtime, log, transport } = this.ports;
    void serveTunnel({ runtime, log, worker: (uid) => this.#workers.get(uid) }, request, transport.tunnel(id));
  }

  #makePodContext(): PodContext {
    const { ports, settings } = this;
    return {
      ...ports,
      network: ports.podNetwork,
      volumes: this.#folders.watching(),
      state: this.#state,
      volumeSources: agentVolumeSources(this.#state, ports.transport, settings.clusterCa),
      node: () => this.#nodeContext(),
      reporter: {
        status: (pod, status, released) => this.#reportStatus(pod, status, released),
        event: (event) => this.#reportEvent(event),
        gone: (uid) => {
          this.#workers.delete(uid);
          this.#link.forget(uid);
          this.#found = this.#found.filter((record) => record.podUid !== uid);
        },
      },
    };
  }

  #nodeContext(): NodeContext {
    const { facts } = this.#monitor;
    const welcome = this.#state.welcome;
    return {
      hostIp: this.settings.nodeAddress,
      dns: {
        dnsAddress: welcome?.dnsAddress ?? '',
        clusterDomain: welcome?.clusterDomain ?? 'cluster.local',
        hostNameservers: facts.nameservers,
        hostSearches: facts.searches,
      },
      capacity: this.#monitor.capacity(),
      hostsFile: facts.hostsFile,
    };
  }

  #reportStatus(pod: Stored<Pod>, status: PodStatus, released: boolean): void {
    const { name, namespace = '', uid } = pod.metadata;
    this.#link.report({ namespace, name, uid, statusJson: JSON.stringify(status), released });
  }

  #reportEvent(event: PodEvent): void {
    const { pod, type, reason, message, container } = event;
    const isInit = pod.spec?.initContainers?.some(({ name }) => name === container) === true;
    const fieldPath = container === undefined ? '' : `spec.${isInit ? 'initContainers' : 'containers'}{${container}}`;
    const { name, namespace = '', uid } = pod.metadata;
    this.#link.event({ namespace, name, uid, type, reason, message, fieldPath, atMs: this.ports.clock.now() });
  }

  #podName(uid: string): { readonly namespace: string; readonly name: string } | undefined {
    const meta = this.#workers.get(uid)?.current.metadata;
    return meta === undefined ? undefined : { namespace: meta.namespace ?? '', name: meta.name };
  }

  #notReady(): string | undefined {
    return this.#isNetworkStarted ? undefined : 'container runtime network not ready: the host network is not set up yet';
  }

  #scheduleSave(): void {
    this.#save ??= this.ports.clock.schedule(SAVE_DELAY_MS, () => this.#saveNow());
  }

  #saveNow(): void {
    this.#save?.[Symbol.dispose]();
    this.#save = undefined;
    this.#saving = this.#saving
      .then(() => this.ports.disk.save(this.#state.save()))
      .catch((error: unknown) => this.ports.log.warn('assignment not saved', { error }));
  }
}
