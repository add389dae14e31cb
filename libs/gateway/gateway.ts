/**
 * The control plane's end of all agents: sessions, assignments out, reports in. The façade only wires; each rule is in a file of
 * its own. Transports (`libs/adapters/grpc`, the simulator) call `connect` for each stream and `receive` for each message.
 */
import type { Clock, IdSource, Logger } from '../kit/index.js';
import type { NodeStreams, UsageSource } from '../apiserver/index.js';
import type { ObjectClient } from '../reconciling/index.js';
import type { WatchCache } from '../storage/index.js';
import { AssignmentIndex } from './assignment-index.js';
import { AssignmentTracker } from './assignment-tracker.js';
import { EventRecorder } from './event-recorder.js';
import type { AgentMessage, Hello, TunnelChannel } from './messages.js';
import { NodeRegistry } from './node-registry.js';
import { TunnelStreams } from './node-streams.js';
import { PodStatusIntake } from './pod-status-intake.js';
import type { AgentLine, ClusterAddresses } from './ports.js';
import { prefixOf } from './resources.js';
import { TunnelBroker } from './tunnel-broker.js';
import { UsageStore } from './usage-store.js';

/** An agent that says nothing for this long is cut off; it says Usage every second. */
export const AGENT_SILENCE_MAX_MS = 3_500;
const SILENCE_CHECK_MS = 500;

export interface GatewayOptions {
  readonly cache: WatchCache;
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  readonly addresses: ClusterAddresses;
}

interface Session {
  readonly line: AgentLine;
  lastHeardMs: number;
  isWelcomed: boolean;
}

export class Gateway implements Disposable {
  /** Numbers of assignments mean something only together with the run that gave them. */
  readonly #epoch: string;
  readonly #sessions = new Map<string, Session>();
  readonly #trackers = new Map<string, AssignmentTracker>();
  readonly #due = new Set<AssignmentTracker>();
  readonly #index: AssignmentIndex;
  readonly #pods: PodStatusIntake;
  readonly #nodes: NodeRegistry;
  readonly #events: EventRecorder;
  readonly #usage = new UsageStore();
  readonly #tunnels: TunnelBroker;
  readonly #subscriptions: Disposable[] = [];
  #flush: Disposable | undefined;
  #silenceCheck: Disposable | undefined;

  readonly streams: NodeStreams;

  constructor(private readonly options: GatewayOptions) {
    this.#epoch = options.ids.uid();
    this.#index = new AssignmentIndex(options.cache, (node, id) => this.#changed(node, id));
    this.#pods = new PodStatusIntake(options);
    this.#nodes = new NodeRegistry(options);
    this.#events = new EventRecorder(options);
    this.#tunnels = new TunnelBroker({
      ...options,
      send: (node, message) => {
        const session = this.#sessions.get(node);
        session?.line.send(message);
        return session !== undefined;
      },
    });
    this.streams = new TunnelStreams((node, request) => this.#tunnels.open(node, request), options.clock);
  }

  get usage(): UsageSource {
    return this.#usage;
  }

  /** Names of the nodes whose agents are connected now. */
  get connected(): readonly string[] {
    return [...this.#sessions.keys()];
  }

  start(): void {
    this.#index.start();
    const nodes = this.options.cache.subscribe(prefixOf('node'), (event) => {
      if (event.type === 'delete') this.#nodeDeleted(event.previous.object.metadata.name ?? '');
    });
    this.#subscriptions.push(this.#index, nodes);
    this.#scheduleSilenceCheck();
  }

  /** A new stream of the agent of `node`, whose name the transport has proven. An older stream of the same node is closed. */
  connect(node: string, line: AgentLine): void {
    this.#sessions.get(node)?.line.close('replaced by a newer connection of the same node');
    this.#sessions.set(node, { line, lastHeardMs: this.options.clock.now(), isWelcomed: false });
  }

  /** The stream ended. Its pods stay as they are: whether the node is lost is node lifecycle's decision. */
  disconnect(node: string, line: AgentLine): void {
    if (this.#sessions.get(node)?.line !== line) return;
    this.#sessions.delete(node);
    this.#nodes.forget(node);
    this.#usage.forget(node);
    this.options.log.info('agent disconnected', { node });
  }

  receive(node: string, line: AgentLine, message: AgentMessage): void {
    const session = this.#sessions.get(node);
    if (session?.line !== line) return;
    session.lastHeardMs = this.options.clock.now();
    if (message.type === 'hello') return void this.#welcome(node, session, message.hello);
    if (!session.isWelcomed) return;
    if (message.type === 'ack') this.#acknowledged(node, message.version, message.error);
    else if (message.type === 'pod-statuses') for (const report of message.statuses) this.#pods.report(node, report);
    else if (message.type === 'node-status') this.#nodes.status(node, message.nodeStatus);
    else if (message.type === 'events') for (const event of message.events) this.#events.record(node, event);
    else {
      this.#usage.record(node, message.usage);
      this.#nodes.heartbeat(node);
    }
  }

  /** The agent dialled a tunnel; false: it was not asked for, close it. */
  acceptTunnel(node: string, tunnelId: string, channel: TunnelChannel): boolean {
    return this.#tunnels.accept(node, tunnelId, channel);
  }

  [Symbol.dispose](): void {
    this.#flush?.[Symbol.dispose]();
    this.#silenceCheck?.[Symbol.dispose]();
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
    for (const session of this.#sessions.values()) session.line.close('the gateway stops');
    this.#sessions.clear();
    this.#pods[Symbol.dispose]();
    this.#nodes[Symbol.dispose]();
  }

  async #welcome(node: string, session: Session, hello: Hello): Promise<void> {
    try {
      const { podCidr } = await this.#nodes.register(node, hello.nodeStatus);
      if (this.#sessions.get(node) !== session) return;
      const { clusterDomain, dnsAddress, serviceCidr, clusterCidr } = this.options.addresses;
      const welcome = { assignmentEpoch: this.#epoch, podCidr, clusterDomain, dnsAddress, serviceCidr, clusterCidr };
      session.line.send({ type: 'welcome', welcome });
      session.isWelcomed = true;
      this.#nodes.heartbeat(node);
      const tracker = this.#trackers.get(node) ?? new AssignmentTracker(node, this.#index);
      this.#trackers.set(node, tracker);
      tracker.connected(hello.assignmentEpoch === this.#epoch ? hello.assignmentVersion : 0);
      this.#sendNext(tracker);
      this.options.log.info('agent connected', { node, version: hello.agentVersion });
    } catch (error) {
      this.options.log.warn('agent not registered', { node, error: String(error) });
      session.line.close(`registration failed: ${String(error)}`);
    }
  }

  #acknowledged(node: string, version: number, error: string): void {
    const tracker = this.#trackers.get(node);
    if (tracker === undefined) return;
    if (tracker.acknowledged(version, error)) this.options.log.warn('assignment refused', { node, version, error });
    this.#due.add(tracker);
    this.#scheduleFlush();
  }

  #changed(node: string | undefined, id: string): void {
    const trackers = node === undefined ? this.#trackers.values() : [this.#trackers.get(node)];
    for (const tracker of trackers) {
      if (tracker === undefined) continue;
      tracker.touch(id);
      if (this.#sessions.has(tracker.node)) this.#due.add(tracker);
    }
    if (this.#due.size > 0) this.#scheduleFlush();
  }

  /** Changes of one turn of the event loop go out together. */
  #scheduleFlush(): void {
    this.#flush ??= this.options.clock.schedule(0, () => {
      this.#flush = undefined;
      const due = [...this.#due];
      this.#due.clear();
      for (const tracker of due) this.#sendNext(tracker);
    });
  }

  #sendNext(tracker: AssignmentTracker): void {
    const session = this.#sessions.get(tracker.node);
    if (session?.isWelcomed !== true) return;
    const assignment = tracker.next();
    if (assignment !== undefined) session.line.send({ type: 'assignment', assignment });
  }

  #nodeDeleted(node: string): void {
    if (!this.#sessions.has(node)) this.#trackers.delete(node);
  }

  #scheduleSilenceCheck(): void {
    this.#silenceCheck = this.options.clock.schedule(SILENCE_CHECK_MS, () => {
      const oldest = this.options.clock.now() - AGENT_SILENCE_MAX_MS;
      for (const [node, session] of this.#sessions) {
        if (session.lastHeardMs >= oldest) continue;
        session.line.close('nothing heard from the agent');
        this.disconnect(node, session.line);
      }
      this.#scheduleSilenceCheck();
    });
  }
}
