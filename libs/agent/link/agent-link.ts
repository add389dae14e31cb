/**
 * Keeps the agent's stream to the gateway: connects, reconnects with backoff, and makes sure that after any interruption the
 * gateway hears the newest state of everything. Nothing here decides about pods.
 */
import { backoffMs } from '../../kit/index.js';
import type { Clock, Logger, Random } from '../../kit/index.js';
import type {
  AgentMessage,
  Assignment,
  GatewayMessage,
  Hello,
  NodeReport,
  PodEventReport,
  PodReport,
  TunnelRequest,
  UsageReport,
  Welcome,
} from '../../gateway/index.js';
import type { GatewayStream, GatewayTransport } from './transport.js';

const RECONNECT = { initialMs: 100, maxMs: 2_000, factor: 1.7, jitter: 0.3 } as const;
/** A stream on which no Welcome came by then is given up. */
export const WELCOME_TIMEOUT_MS = 10_000;
/** Events kept while the gateway is away; the oldest go first. */
export const EVENTS_KEPT_MAX = 1_000;
/** Reports and events of this long travel together. */
const COALESCE_MS = 5;

export interface AgentLinkHandlers {
  /** What Hello says, asked for at each connection. */
  hello(): Hello;
  welcomed(welcome: Welcome): void;
  /** Applies it; answers an error text to refuse it (empty = applied). */
  assignment(assignment: Assignment): string;
  tunnel(tunnelId: string, request: TunnelRequest): void;
  /** The gateway cannot be reached, or was lost; called for each failed attempt. */
  away(): void;
}

export class AgentLink implements Disposable {
  #stream: GatewayStream | undefined;
  #isWelcomed = false;
  #failures = 0;
  #isDisposed = false;
  #timer: Disposable | undefined;
  #flush: Disposable | undefined;
  /** Newest report of every pod that the agent still speaks for: all are sent again after each reconnection. */
  readonly #reports = new Map<string, PodReport>();
  readonly #unsent = new Set<string>();
  #events: PodEventReport[] = [];
  #nodeStatus: NodeReport | undefined;

  constructor(
    private readonly options: {
      readonly transport: GatewayTransport;
      readonly clock: Clock;
      readonly random: Random;
      readonly log: Logger;
      readonly handlers: AgentLinkHandlers;
    },
  ) {}

  get isConnected(): boolean {
    return this.#isWelcomed;
  }

  start(): void {
    if (this.#isDisposed) return;
    this.#timer = this.options.clock.schedule(WELCOME_TIMEOUT_MS, () => this.#stream?.close());
    const stream = this.options.transport.open({
      message: (message) => this.#received(message),
      closed: (reason) => this.#closed(reason),
    });
    this.#stream = stream;
    stream.send({ type: 'hello', hello: this.options.handlers.hello() });
  }

  report(report: PodReport): void {
    this.#reports.set(report.uid, report);
    this.#unsent.add(report.uid);
    this.#scheduleFlush();
  }

  /** The pod is no longer this agent's to speak of. */
  forget(uid: string): void {
    this.#reports.delete(uid);
    this.#unsent.delete(uid);
  }

  event(event: PodEventReport): void {
    this.#events.push(event);
    if (this.#events.length > EVENTS_KEPT_MAX) this.#events.shift();
    this.#scheduleFlush();
  }

  nodeStatus(report: NodeReport): void {
    this.#nodeStatus = report;
    this.#scheduleFlush();
  }

  /** Also the heartbeat. Dropped while the gateway is away: old usage is of no use. */
  usage(usage: UsageReport): void {
    if (this.#isWelcomed) this.#send({ type: 'usage', usage });
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#flushNow();
    this.#timer?.[Symbol.dispose]();
    this.#flush?.[Symbol.dispose]();
    this.#stream?.close();
  }

  #received(message: GatewayMessage): void {
    const { handlers, log } = this.options;
    if (message.type === 'welcome') {
      this.#timer?.[Symbol.dispose]();
      this.#failures = 0;
      this.#isWelcomed = true;
      for (const uid of this.#reports.keys()) this.#unsent.add(uid);
      log.info('connected to the control plane', { podCidr: message.welcome.podCidr });
      handlers.welcomed(message.welcome);
      this.#scheduleFlush();
    } else if (message.type === 'assignment') {
      const { version } = message.assignment;
      const error = handlers.assignment(message.assignment);
      if (error !== '') log.warn('assignment refused', { version, error });
      this.#send({ type: 'ack', version, error });
    } else handlers.tunnel(message.tunnelId, message.request);
  }

  #closed(reason: string): void {
    this.#timer?.[Symbol.dispose]();
    this.#stream = undefined;
    const { log, clock, random } = this.options;
    if (this.#isDisposed) return;
    const delayMs = backoffMs(RECONNECT, this.#failures++, random);
    if (this.#isWelcomed || this.#failures === 1) log.warn('control plane is away; containers run on', { reason });
    else log.debug('control plane is still away', { reason, delayMs });
    this.#isWelcomed = false;
    this.#timer = clock.schedule(delayMs, () => this.start());
    this.options.handlers.away();
  }

  #scheduleFlush(): void {
    if (!this.#isWelcomed) return;
    this.#flush ??= this.options.clock.schedule(COALESCE_MS, () => this.#flushNow());
  }

  #flushNow(): void {
    this.#flush = undefined;
    if (!this.#isWelcomed) return;
    const statuses = [...this.#unsent].map((uid) => this.#reports.get(uid)).filter((report) => report !== undefined);
    this.#unsent.clear();
    if (statuses.length > 0) this.#send({ type: 'pod-statuses', statuses });
    if (this.#events.length > 0) this.#send({ type: 'events', events: this.#events.splice(0) });
    if (this.#nodeStatus === undefined) return;
    this.#send({ type: 'node-status', nodeStatus: this.#nodeStatus });
    this.#nodeStatus = undefined;
  }

  #send(message: AgentMessage): void {
    this.#stream?.send(message);
  }
}
