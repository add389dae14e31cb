/**
 * One worker per pod. It goes through stages, forward only, one step per call; whatever wakes it (a new description, an exit, a
 * probe, a timer) leads to the same step, so nothing depends on which news came first or was missed.
 *
 *   sandbox -> volumes -> containers -> ending -> ended -> stopping -> releasing -> released
 *
 * Deletion leads from any of the first five to `stopping`.
 */
import { CancelSource, instant, parseTime } from '../../kit/index.js';
import type { CancelSignal } from '../../kit/index.js';
import type { Pod, PodStatus, Stored } from '../../api/index.js';
import type { ContainerRecord } from '../ports.js';
import { podStatus } from '../status/pod-status.js';
import { ContainerLifecycle } from './container-lifecycle.js';
import { planContainers } from './container-plan.js';
import type { ContainerAction } from './container-plan.js';
import { ContainerSlot } from './container-slot.js';
import { formatDuration } from './image-puller.js';
import { podLabel } from './pod-context.js';
import type { PodContext } from './pod-context.js';
import { comesFirst, containersOf } from './pod-facts.js';
import type { PodView } from './pod-facts.js';
import { attachment, sandboxSpec } from './pod-sandbox.js';
import { exceededLimit, SIZE_CHECK_MS, sizeLimits } from './size-limits.js';
import { stopContainers } from './termination.js';

export type PodStage = 'sandbox' | 'volumes' | 'containers' | 'ending' | 'ended' | 'stopping' | 'releasing' | 'released';

/** How a step ends: a later stage, or wait for news (at the latest for `retryAfterMs`). */
type Outcome = { readonly next: PodStage } | { readonly stay: 'until-news'; readonly retryAfterMs?: number | undefined };

const RETRY_MS = 2_000;
/** Projected tokens and changed sources are looked after this often, besides at once when the assignment says so. */
const VOLUME_REFRESH_MS = 60_000;
const GRACE_DEFAULT_SECONDS = 30;
/** A pod that takes what is not its own gets no time. Kubernetes: a grace period of 1 s. */
const EVICTION_GRACE_SECONDS = 1;
const BEFORE_STOPPING: ReadonlySet<PodStage> = new Set(['sandbox', 'volumes', 'containers', 'ending', 'ended']);

export class PodWorker implements Disposable {
  readonly #slots: ContainerSlot[];
  readonly #lifecycle: ContainerLifecycle;
  readonly #stopSource = new CancelSource();
  readonly #activities = new Set<Promise<void>>();
  #stage: PodStage = 'sandbox';
  #isAssigned = true;
  #isStepping = false;
  #hasNews = false;
  #isDisposed = false;
  #hasSandbox = false;
  #podIps: readonly string[] = [];
  #volumes: ReadonlyMap<string, string> = new Map();
  #volumesAtMs = 0;
  #areVolumesStale = false;
  #sizesAtMs = 0;
  #failure: { readonly reason: string; readonly message: string } | undefined;
  #stopDeadlineMs = Number.POSITIVE_INFINITY;
  #timer: Disposable | undefined;
  #reported: { readonly text: string; readonly status: PodStatus } | undefined;
  /** The status of a pod that was over before this worker began; it is never made anew, because its records may be gone. */
  readonly #final: PodStatus | undefined;
  readonly #startedAtMs: number;
  readonly #steps: Readonly<Record<PodStage, () => Promise<Outcome>>>;

  /** `records`: containers of this pod that the host already has. */
  constructor(
    private readonly context: PodContext,
    private pod: Stored<Pod>,
    records: readonly ContainerRecord[],
  ) {
    this.#startedAtMs = parseTime(pod.status?.startTime) ?? context.clock.now();
    this.#podIps = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') {
      this.#final = pod.status;
      this.#stage = 'ended';
    }
    this.#slots = containersOf(pod).map(({ spec, kind }) => new ContainerSlot(spec, kind));
    this.#lifecycle = new ContainerLifecycle(context, this.#host());
    for (const slot of this.#slots) slot.adopt(records.filter(({ name }) => name === slot.spec.name));
    this.#steps = {
      sandbox: () => this.#makeSandbox(),
      volumes: () => this.#prepareVolumes(),
      containers: () => this.#runContainers(),
      ending: () => this.#end(),
      ended: async () => ({ stay: 'until-news' }),
      stopping: () => this.#stopAll(),
      releasing: () => this.#release(),
      released: async () => ({ stay: 'until-news' }),
    };
  }

  get uid(): string {
    return this.pod.metadata.uid;
  }
  get current(): Stored<Pod> {
    return this.pod;
  }
  get stage(): PodStage {
    return this.#stage;
  }

  start(): void {
    this.#adoptProbes();
    this.#wake();
  }

  /** The newest description; may be called with the same again. */
  update(pod: Stored<Pod>): void {
    if (tellsOtherThings(this.pod, pod)) this.#areVolumesStale = true;
    this.pod = pod;
    for (const { spec, kind } of containersOf(pod)) {
      const slot = this.#slots.find((candidate) => candidate.spec.name === spec.name);
      if (slot !== undefined) {
        if (JSON.stringify(slot.spec.resources) !== JSON.stringify(spec.resources)) slot.resize = undefined;
        slot.spec = spec;
      }
      if (slot === undefined && kind === 'ephemeral') this.#slots.push(new ContainerSlot(spec, kind));
    }
    if (this.#isToStop()) this.#hasten(this.#graceSeconds());
    this.#wake();
  }

  /** It is no longer assigned: everything goes, nothing is reported. */
  unassign(): void {
    this.#isAssigned = false;
    this.#hasten(this.#graceSeconds());
    this.#wake();
  }

  exited(record: ContainerRecord): void {
    const slot = this.#slots.find((candidate) => candidate.spec.name === record.name);
    if (slot?.exited(record) === true) this.#wake();
  }

  /** ConfigMaps or Secrets changed: volumes are refreshed, and what failed for want of them is tried again. */
  sourcesChanged(): void {
    this.#areVolumesStale = true;
    for (const slot of this.#slots) if (slot.waiting?.reason === 'CreateContainerConfigError') slot.retryAtMs = undefined;
    this.#wake();
  }

  /** The newest attempt of a container, or the one before it. */
  record(container: string, previous = false): ContainerRecord | undefined {
    const slot = this.#slots.find((candidate) => candidate.spec.name === container);
    return previous ? slot?.previous : slot?.latest;
  }

  waitingReason(container: string): string {
    const slot = this.#slots.find((candidate) => candidate.spec.name === container);
    return slot?.waiting?.reason ?? (this.#slots.some(comesFirst) ? 'PodInitializing' : 'ContainerCreating');
  }

  /** Forgets timers and probes; containers run on. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#stopSource.abort();
    this.#timer?.[Symbol.dispose]();
    for (const slot of this.#slots) slot.endProbes();
  }

  #wake(): void {
    this.#hasNews = true;
    if (this.#isDisposed) return;
    if (this.#isStepping) return this.#report(); // a long step (stopping) must not hide what happens meanwhile
    this.#isStepping = true;
    void this.#stepOn();
  }

  async #stepOn(): Promise<void> {
    while (this.#hasNews && !this.#isDisposed) {
      this.#hasNews = false;
      this.#timer?.[Symbol.dispose]();
      if (this.#isToStop() && BEFORE_STOPPING.has(this.#stage)) this.#stage = 'stopping';
      const outcome = await this.#step();
      if (this.#isDisposed) break;
      if ('next' in outcome) {
        this.context.log.debug('pod stage', { pod: podLabel(this.pod), from: this.#stage, to: outcome.next });
        this.#stage = outcome.next;
        this.#hasNews = true;
      } else if (outcome.retryAfterMs !== undefined) {
        this.#timer = this.context.clock.schedule(outcome.retryAfterMs, () => this.#wake());
      }
      this.#report();
    }
    this.#isStepping = false;
    if (this.#stage === 'released' && !this.#isAssigned && !this.#isDisposed) this.context.reporter.gone(this.uid);
  }

  async #step(): Promise<Outcome> {
    try {
      return await this.#steps[this.#stage]();
    } catch (error) {
      this.context.log.warn('pod step failed', { pod: podLabel(this.pod), stage: this.#stage, error });
      return { stay: 'until-news', retryAfterMs: RETRY_MS };
    }
  }

  async #makeSandbox(): Promise<Outcome> {
    const { runtime, network } = this.context;
    this.#report();
    try {
      const sandbox = await runtime.ensureSandbox(sandboxSpec(this.pod, this.#podIps[0], this.context.node()));
      if (sandbox.isNew === true) for (const slot of this.#slots) slot.isStale = slot.latest !== undefined && !slot.isRunning;
      if (sandbox.netnsPath === undefined) {
        this.#podIps = [this.context.node().hostIp];
      } else {
        const attached = await network.attach(attachment(this.pod, sandbox.netnsPath, this.context.node()));
        const isNew = attached.ip !== this.#podIps[0];
        this.#podIps = attached.ips;
        if (isNew) await runtime.ensureSandbox(sandboxSpec(this.pod, attached.ip, this.context.node())); // now /etc/hosts names the pod
      }
    } catch (error) {
      this.#event('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`);
      return { stay: 'until-news', retryAfterMs: RETRY_MS };
    }
    this.#hasSandbox = true;
    return { next: 'volumes' };
  }

  async #prepareVolumes(): Promise<Outcome> {
    try {
      await this.#refreshVolumes();
    } catch (error) {
      this.#event('Warning', 'FailedMount', messageOf(error));
      return { stay: 'until-news', retryAfterMs: RETRY_MS };
    }
    return { next: 'containers' };
  }

  async #refreshVolumes(): Promise<void> {
    this.#areVolumesStale = false;
    const facts = { podIp: this.#podIps[0], hostIp: this.context.node().hostIp };
    this.#volumes = await this.context.volumes.prepare(this.pod, this.context.volumeSources, facts);
    this.#volumesAtMs = this.context.clock.now();
  }

  async #runContainers(): Promise<Outcome> {
    const now = this.context.clock.now();
    if (this.#isPastDeadline(now)) {
      this.#failure = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
      this.#event('Normal', 'DeadlineExceeded', this.#failure.message);
      return { next: 'ending' };
    }
    if (this.#areVolumesStale || now - this.#volumesAtMs >= VOLUME_REFRESH_MS) {
      await this.#refreshVolumes().catch((error: unknown) => this.#event('Warning', 'FailedMount', messageOf(error)));
    }
    if (await this.#outgrewVolumes(now)) return { next: 'ending' };
    const plan = planContainers(this.#view(), now);
    for (const action of plan.actions) {
      if (action.do === 'finish') return { next: 'ending' };
      this.#execute(action);
    }
    const wakes = [plan.wakeAtMs, this.#deadlineMs(), this.#volumesAtMs + VOLUME_REFRESH_MS, this.#nextSizeCheckMs()].filter(
      (at) => at !== undefined,
    );
    return { stay: 'until-news', retryAfterMs: Math.max(1, Math.min(...wakes) - now) };
  }

  #nextSizeCheckMs(): number | undefined {
    return sizeLimits(this.pod).length === 0 ? undefined : this.#sizesAtMs + SIZE_CHECK_MS;
  }

  async #outgrewVolumes(now: number): Promise<boolean> {
    if ((this.#nextSizeCheckMs() ?? Number.POSITIVE_INFINITY) > now) return false;
    this.#sizesAtMs = now;
    const message = await exceededLimit(this.uid, sizeLimits(this.pod), this.context.volumes);
    if (message === undefined) return false;
    this.#failure = { reason: 'Evicted', message };
    this.#event('Warning', 'Evicted', message);
    this.#hasten(EVICTION_GRACE_SECONDS);
    return true;
  }

  #execute(action: Exclude<ContainerAction, { do: 'finish' }>): void {
    const slot = this.#slots.find(({ spec }) => spec.name === action.name);
    if (slot === undefined) return;
    if (action.do === 'start') this.#spawn(this.#lifecycle.start(slot, action.attempt));
    else if (action.do === 'resize') this.#spawn(this.#lifecycle.resize(slot));
    else if (action.do === 'replace') {
      slot.crashes = undefined; // it did not crash: the new one starts at once
      this.#kill(slot, `Container ${action.name} definition changed, will be restarted`);
    } else this.#showBackOff(slot, action.delayMs);
  }

  #showBackOff(slot: ContainerSlot, delayMs: number): void {
    const { name } = slot.spec;
    const label = podLabel(this.pod);
    slot.waiting = {
      reason: 'CrashLoopBackOff',
      message: `back-off ${formatDuration(delayMs)} restarting failed container=${name} pod=${label}`,
    };
    this.#event('Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${label}`, name);
  }

  #kill(slot: ContainerSlot, message: string): void {
    if (slot.busy !== undefined || !slot.isRunning) return;
    const deadlineMs = this.context.clock.now() + (this.pod.spec?.terminationGracePeriodSeconds ?? GRACE_DEFAULT_SECONDS) * 1000;
    this.#spawn(this.#lifecycle.stop(slot, { deadlineMs: () => deadlineMs, message }));
  }

  #spawn(activity: Promise<void>): void {
    this.#activities.add(activity);
    void activity.then(() => this.#activities.delete(activity));
  }

  /** The pod is over: sidecars (after a deadline: everything) stop, the address is given back; records and logs stay for readers. */
  async #end(): Promise<Outcome> {
    this.#hasten(this.pod.spec?.terminationGracePeriodSeconds ?? GRACE_DEFAULT_SECONDS);
    await this.#stopRunning();
    await this.context.network.detach(this.uid);
    this.#hasSandbox = false;
    return { next: 'ended' };
  }

  async #stopAll(): Promise<Outcome> {
    this.#hasten(this.#graceSeconds());
    await this.#stopRunning();
    return { next: 'releasing' };
  }

  async #stopRunning(): Promise<void> {
    this.#stopSource.abort();
    await Promise.all(this.#activities);
    await stopContainers(this.#slots, (slot) =>
      this.#lifecycle.stop(slot, { deadlineMs: () => this.#stopDeadlineMs, message: `Stopping container ${slot.spec.name}` }),
    );
    const survivor = this.#slots.find((slot) => slot.isRunning);
    if (survivor !== undefined) throw new Error(`container ${survivor.spec.name} still runs`);
  }

  async #release(): Promise<Outcome> {
    const { network, runtime, volumes } = this.context;
    await network.detach(this.uid);
    this.#hasSandbox = false;
    await runtime.removeSandbox(this.uid);
    await volumes.remove(this.uid);
    return { next: 'released' };
  }

  /** Only ever brings the end nearer; what is being stopped already is told. */
  #hasten(graceSeconds: number): void {
    const deadlineMs = this.context.clock.now() + graceSeconds * 1000;
    if (deadlineMs >= this.#stopDeadlineMs) return;
    const isFirst = this.#stopDeadlineMs === Number.POSITIVE_INFINITY;
    this.#stopDeadlineMs = deadlineMs;
    this.#stopSource.abort();
    if (isFirst) return;
    for (const slot of this.#slots) {
      if (slot.busy !== 'stopping' || slot.latest === undefined) continue;
      this.context.runtime.stop(slot.latest.id, { graceMs: graceSeconds * 1000 }).catch(() => undefined); // the first stop reports
    }
  }

  #isToStop(): boolean {
    return !this.#isAssigned || this.pod.metadata.deletionTimestamp !== undefined;
  }

  #graceSeconds(): number {
    const { spec, metadata } = this.pod;
    return metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? GRACE_DEFAULT_SECONDS;
  }

  #deadlineMs(): number | undefined {
    const seconds = this.pod.spec?.activeDeadlineSeconds;
    return seconds === undefined ? undefined : this.#startedAtMs + seconds * 1000;
  }

  #isPastDeadline(nowMs: number): boolean {
    const deadlineMs = this.#deadlineMs();
    return deadlineMs !== undefined && nowMs >= deadlineMs;
  }

  #adoptProbes(): void {
    const known = [...(this.pod.status?.containerStatuses ?? []), ...(this.pod.status?.initContainerStatuses ?? [])];
    for (const slot of this.#slots) {
      if (!slot.isRunning) continue;
      const before = known.find(({ name, containerID }) => name === slot.spec.name && containerID === `runc://${slot.latest?.id ?? ''}`);
      this.#lifecycle.beginProbes(slot, { started: before?.started === true, ready: before?.ready === true });
    }
  }

  #view(): PodView {
    return {
      pod: this.pod,
      containers: this.#slots.map((slot) => slot.facts()),
      hasSandbox: this.#hasSandbox,
      podIps: this.#podIps,
      hostIp: this.context.node().hostIp,
      startedAtMs: this.#startedAtMs,
      isStopping: !BEFORE_STOPPING.has(this.#stage),
      failure: this.#failure,
    };
  }

  #report(): void {
    if (this.#isDisposed || !this.#isAssigned) return;
    const before = this.#reported?.status ?? this.pod.status;
    const status = this.#final ?? podStatus(this.#view(), before, instant(this.context.clock.now()));
    const isReleased = this.#stage === 'released';
    const text = JSON.stringify(status) + String(isReleased);
    if (text === this.#reported?.text) return;
    this.#reported = { text, status };
    this.context.reporter.status(this.pod, status, isReleased);
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void {
    this.context.reporter.event({ pod: this.pod, type, reason, message, container });
  }

  #host() {
    const pod = (): Stored<Pod> => this.pod;
    const podIps = (): readonly string[] => this.#podIps;
    const volumes = (): ReadonlyMap<string, string> => this.#volumes;
    const stopping: CancelSignal = this.#stopSource.signal;
    return {
      get pod() {
        return pod();
      },
      get podIps() {
        return podIps();
      },
      get volumes() {
        return volumes();
      },
      stopping,
      record: (container: string) => this.record(container),
      changed: () => this.#wake(),
      unhealthy: (slot: ContainerSlot, message: string) => this.#kill(slot, message),
    };
  }
}

/** Files of the downward API show labels and annotations, and these may change while the pod runs. */
function tellsOtherThings({ metadata: before }: Stored<Pod>, { metadata: after }: Stored<Pod>): boolean {
  return JSON.stringify([before.labels, before.annotations]) !== JSON.stringify([after.labels, after.annotations]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
