/** Starts and stops single containers: image, environment, runtime, hooks, probes. Each run ends with the slot telling the truth. */
import { whenCancelled } from '../../kit/index.js';
import type { CancelSignal } from '../../kit/index.js';
import type { LifecycleHandler, Pod, Stored } from '../../api/index.js';
import { ContainerStartError, ImagePullError } from '../ports.js';
import type { ContainerRecord, ResolvedImage } from '../ports.js';
import { runHandler } from '../probes/handler.js';
import type { HandlerTarget } from '../probes/handler.js';
import { ProbeRunner } from '../probes/probe-runner.js';
import type { ProbeKind } from '../probes/probe-plan.js';
import { noteRestart } from './container-plan.js';
import { containerId, containerSpec, specHash } from './container-spec.js';
import type { ContainerSlot } from './container-slot.js';
import { ImagePuller } from './image-puller.js';
import type { PodContext } from './pod-context.js';
import { targetOf } from './pod-facts.js';
import { podHostname } from './pod-files.js';
import { pullCredentials } from './pull-credentials.js';
import { infeasible } from './resize.js';

/** A start that failed for reasons that a user must mend is tried again this often. */
const CONFIG_RETRY_MS = 10_000;
/** After a failed pull, `ErrImagePull` is shown this long before `ImagePullBackOff`. */
const PULL_ERROR_SHOWN_MS = 1_000;
const RESIZE_RETRY_MS = 10_000;
const EXIT_NEWS_TIMEOUT_MS = 1_000;
/** Kubernetes docs, Pod Lifecycle: a preStop hook that used up the grace period leaves this much. */
const GRACE_AFTER_HOOK_MS = 2_000;
const START_FAILED_EXIT_CODE = 128;

export interface LifecycleHost {
  readonly pod: Stored<Pod>;
  readonly podIps: readonly string[];
  readonly volumes: ReadonlyMap<string, string>;
  /** Cancels what a start waits for, when the pod is to stop. */
  readonly stopping: CancelSignal;
  /** The newest attempt of a container of the pod. */
  record(container: string): ContainerRecord | undefined;
  /** Something changed: plan and report again. */
  changed(): void;
  /** The probes want this container ended. */
  unhealthy(slot: ContainerSlot, message: string): void;
}

export class ContainerLifecycle {
  readonly #puller: ImagePuller;

  constructor(
    private readonly context: PodContext,
    private readonly host: LifecycleHost,
  ) {
    this.#puller = new ImagePuller(context.images, context.clock);
  }

  /** Never throws. */
  async start(slot: ContainerSlot, attempt: number): Promise<void> {
    slot.busy = 'starting';
    try {
      const image = await this.#image(slot);
      const record = await this.#run(slot, attempt, image);
      if (record !== undefined && (await this.#postStart(slot, record))) this.beginProbes(slot);
    } catch (error) {
      if (!this.host.stopping.aborted) this.#startFailed(slot, error);
    } finally {
      slot.busy = undefined;
      this.host.changed();
    }
  }

  /** Never throws: what cannot be done is told, and tried again later. */
  async resize(slot: ContainerSlot): Promise<void> {
    const record = slot.latest;
    if (record?.state !== 'running') return;
    const { context, host } = this;
    const wanted = slot.spec.resources ?? {};
    const impossible = infeasible(host.pod, context.node().capacity);
    if (impossible !== undefined) {
      slot.resize = { infeasible: impossible, retryAtMs: Number.POSITIVE_INFINITY };
      this.#event('Warning', 'ResizeInfeasible', `Pod resize infeasible: ${impossible}`, slot);
      return host.changed();
    }
    const isNews = slot.applied !== undefined;
    slot.busy = 'resizing';
    try {
      await context.runtime.resize(record.id, host.pod, slot.spec);
      slot.applied = wanted;
      slot.resize = undefined;
      if (isNews)
        this.#event(
          'Normal',
          'ResizeCompleted',
          `Pod resize completed: ${JSON.stringify({ name: slot.spec.name, resources: wanted })}`,
          slot,
        );
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      slot.resize = { error: message, retryAtMs: context.clock.now() + RESIZE_RETRY_MS };
      this.#event('Warning', 'ResizeError', `Pod resize error: ${message}`, slot);
    } finally {
      slot.busy = undefined;
      host.changed();
    }
  }

  /** Hook, signal, patience, kill. Never throws; resolves when the container has exited. `deadlineMs` is asked for again after the hook. */
  async stop(slot: ContainerSlot, options: { readonly deadlineMs: () => number; readonly message: string }): Promise<void> {
    const record = slot.latest;
    if (record?.state !== 'running') return;
    // A start that stops what it began (a failed hook) is still a start: nobody else may begin before it has ended.
    const within = slot.busy;
    slot.busy = 'stopping';
    slot.endProbes();
    this.#event('Normal', 'Killing', options.message, slot);
    try {
      const hook = slot.spec.lifecycle?.preStop;
      if (hook !== undefined) await this.#preStop(slot, record, hook, options.deadlineMs);
      const remainingMs = options.deadlineMs() - this.context.clock.now();
      const graceMs = Math.max(hook === undefined || remainingMs <= 0 ? 0 : GRACE_AFTER_HOOK_MS, remainingMs);
      const signal = slot.spec.lifecycle?.stopSignal;
      const stopped = this.context.runtime.stop(record.id, { graceMs, ...(signal === undefined ? {} : { signal }) });
      await Promise.race([stopped, slot.whenExited()]); // an impatient second stop may end it sooner
      await this.#learnExit(slot, record);
    } catch (error) {
      this.context.log.warn('container not stopped', { container: record.id, error });
      this.#event('Warning', 'FailedKillPod', `error killing container: ${String(error)}`, slot);
    } finally {
      slot.busy = within;
      if (within === undefined) this.host.changed();
    }
  }

  /** For an attempt that just started, or one found running: then what was known about it is believed until probes say otherwise. */
  beginProbes(slot: ContainerSlot, adopted?: { readonly started: boolean; readonly ready: boolean }): void {
    const record = slot.latest;
    if (record?.state !== 'running') return;
    const { startupProbe, readinessProbe } = slot.spec;
    slot.started = startupProbe === undefined || adopted?.started === true;
    slot.ready = slot.started && (readinessProbe === undefined || adopted?.ready === true);
    const runner = new ProbeRunner({
      clock: this.context.clock,
      target: this.#target(slot, record),
      startedAtMs: record.startedAtMs ?? this.context.clock.now(),
      adopted,
      listener: {
        verdict: (kind, ok, output) => this.#verdict(slot, kind, ok, output),
        failed: (kind, output) => this.#event('Warning', 'Unhealthy', `${probeName(kind)} probe failed: ${output}`, slot),
      },
    });
    slot.probes = runner;
    runner.start();
  }

  async #image(slot: ContainerSlot): Promise<ResolvedImage> {
    const { pod } = this.host;
    const credentials = pullCredentials(pod, slot.spec.image ?? '', this.context.state);
    const announce = (type: 'Normal' | 'Warning', reason: string, message: string): void => this.#event(type, reason, message, slot);
    const image = await this.#puller.ensure(slot.spec, credentials, announce, this.host.stopping);
    if (this.host.stopping.aborted) throw new Error('the pod is being stopped');
    return image;
  }

  /** `undefined`: it could not be run, which counts as an attempt that ended at once. */
  async #run(slot: ContainerSlot, attempt: number, image: ResolvedImage): Promise<ContainerRecord | undefined> {
    const { context, host } = this;
    const node = context.node();
    const target = targetOf(host.pod, slot.spec.name);
    const spec = containerSpec({
      pod: host.pod,
      container: slot.spec,
      attempt,
      image,
      hostname: podHostname(host.pod, node.dns.clusterDomain),
      facts: { podIp: host.podIps[0], podIps: host.podIps, hostIp: node.hostIp },
      capacity: node.capacity,
      sources: context.state,
      volumes: host.volumes,
      target: target === undefined ? undefined : host.record(target)?.id,
    });
    const now = context.clock.now();
    if (attempt > 0) slot.crashes = noteRestart(slot.crashes, slot.latest?.finishedAtMs ?? now, now);
    const outdated = slot.previous;
    try {
      const record = await context.runtime.run(spec);
      slot.began(record);
      slot.applied = spec.container.resources ?? {};
      slot.resize = undefined;
      slot.started = slot.spec.startupProbe === undefined && slot.spec.lifecycle?.postStart === undefined;
      this.#event('Normal', 'Created', 'Container created', slot);
      this.#event('Normal', 'Started', 'Container started', slot);
      return record;
    } catch (error) {
      if (!(error instanceof ContainerStartError) || error.reason !== 'RunContainerError') throw error;
      this.#event('Warning', 'Failed', `Error: ${error.message}`, slot);
      slot.began(this.#failedAttempt(slot, attempt, image, error.message));
      return undefined;
    } finally {
      if (outdated !== undefined) await context.runtime.remove(outdated.id).catch(() => undefined);
    }
  }

  #failedAttempt(slot: ContainerSlot, attempt: number, image: ResolvedImage, message: string): ContainerRecord {
    const now = this.context.clock.now();
    const podUid = this.host.pod.metadata.uid;
    return {
      id: containerId(podUid, slot.spec.name, attempt),
      podUid,
      name: slot.spec.name,
      attempt,
      state: 'exited',
      startedAtMs: now,
      finishedAtMs: now,
      exitCode: START_FAILED_EXIT_CODE,
      startFailed: true,
      imageId: image.repoDigest ?? image.id,
      imageRef: image.reference,
      specHash: specHash(slot.spec),
      terminationMessage: message,
    };
  }

  #startFailed(slot: ContainerSlot, error: unknown): void {
    const now = this.context.clock.now();
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ImagePullError) {
      slot.waiting = { reason: error.reason, message };
      slot.retryAtMs = now + Math.max(PULL_ERROR_SHOWN_MS, this.#puller.retryInMs(slot.spec.image ?? ''));
      if (error.reason !== 'InvalidImageName') this.#showPullBackOff(slot, `${error.reason}: ${message}`);
      return;
    }
    const reason = error instanceof ContainerStartError ? error.reason : 'CreateContainerError';
    slot.waiting = { reason, message };
    slot.retryAtMs = now + CONFIG_RETRY_MS;
    this.#event('Warning', 'Failed', `Error: ${message}`, slot);
  }

  #showPullBackOff(slot: ContainerSlot, cause: string): void {
    const shown = slot.waiting;
    this.context.clock.schedule(PULL_ERROR_SHOWN_MS, () => {
      if (slot.waiting !== shown || slot.busy !== undefined || this.host.stopping.aborted) return;
      const message = `Back-off pulling image "${slot.spec.image ?? ''}"`;
      const reason = cause.startsWith('ErrImageNeverPull') ? 'ErrImageNeverPull' : 'ImagePullBackOff';
      slot.waiting = { reason, message: `${message}: ${cause}` };
      this.#event('Normal', 'BackOff', message, slot);
      this.#event('Warning', 'Failed', `Error: ${reason}`, slot);
      this.host.changed();
    });
  }

  /** False: the hook failed and the container is being ended for it. */
  async #postStart(slot: ContainerSlot, record: ContainerRecord): Promise<boolean> {
    const hook = slot.spec.lifecycle?.postStart;
    if (hook === undefined) return slot.isRunning;
    this.host.changed();
    const graceMs = 24 * 3_600_000;
    const ended = Promise.race([whenCancelled(this.host.stopping), slot.whenExited()]).then(() => undefined);
    const outcome = await Promise.race([this.#hook(slot, record, hook, graceMs), ended]);
    if (outcome === undefined || !slot.isRunning) return false;
    slot.started = slot.spec.startupProbe === undefined;
    if (outcome.ok) return true;
    this.#event('Warning', 'FailedPostStartHook', `PostStartHook failed${outcome.output === '' ? '' : `: ${outcome.output}`}`, slot);
    const deadlineMs = this.context.clock.now() + GRACE_AFTER_HOOK_MS;
    await this.stop(slot, { deadlineMs: () => deadlineMs, message: 'FailedPostStartHook' });
    return false;
  }

  async #preStop(slot: ContainerSlot, record: ContainerRecord, hook: LifecycleHandler, deadlineMs: () => number): Promise<void> {
    const timeoutMs = Math.max(0, deadlineMs() - this.context.clock.now());
    if (timeoutMs === 0) return;
    const outOfTime = this.#whenReached(deadlineMs);
    const outcome = await Promise.race([this.#hook(slot, record, hook, timeoutMs), outOfTime, slot.whenExited().then(() => undefined)]);
    if (outcome !== undefined && !outcome.ok) this.#event('Warning', 'FailedPreStopHook', `PreStopHook failed: ${outcome.output}`, slot);
  }

  /** The deadline may come nearer while it is waited for. */
  async #whenReached(deadlineMs: () => number): Promise<undefined> {
    while (deadlineMs() > this.context.clock.now()) {
      await this.context.clock.sleep(Math.min(500, Math.max(1, deadlineMs() - this.context.clock.now())));
    }
    return undefined;
  }

  async #hook(
    slot: ContainerSlot,
    record: ContainerRecord,
    hook: LifecycleHandler,
    timeoutMs: number,
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly output: string }> {
    if (hook.sleep !== undefined) {
      await this.context.clock.sleep(Math.min(timeoutMs, hook.sleep.seconds * 1000));
      return { ok: true };
    }
    return runHandler(this.#target(slot, record), hook, timeoutMs);
  }

  /** The runtime's exit stream may bring the news a little later than `stop` returns. */
  async #learnExit(slot: ContainerSlot, record: ContainerRecord): Promise<void> {
    await Promise.race([slot.whenExited(), this.context.clock.sleep(EXIT_NEWS_TIMEOUT_MS)]);
    if (!slot.isRunning) return;
    const found = (await this.context.runtime.list()).find(({ id }) => id === record.id);
    const finishedAtMs = this.context.clock.now();
    slot.exited(found?.state === 'exited' ? found : { ...record, state: 'exited', exitCode: 137, finishedAtMs });
  }

  #verdict(slot: ContainerSlot, kind: ProbeKind, ok: boolean, output: string): void {
    if (kind === 'readiness') slot.ready = ok;
    else if (!ok) return this.host.unhealthy(slot, `Container ${slot.spec.name} failed ${kind} probe, will be restarted`);
    else if (kind === 'startup') {
      slot.started = true;
      slot.ready = slot.spec.readinessProbe === undefined;
    }
    this.context.log.debug('probe verdict', { container: slot.latest?.id, kind, ok, output });
    this.host.changed();
  }

  #target(slot: ContainerSlot, record: ContainerRecord): HandlerTarget {
    const { runtime, prober } = this.context;
    return { runtime, prober, id: record.id, container: slot.spec, podIp: this.host.podIps[0] ?? this.context.node().hostIp };
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string, slot: ContainerSlot): void {
    this.context.reporter.event({ pod: this.host.pod, type, reason, message, container: slot.spec.name });
  }
}

function probeName(kind: ProbeKind): string {
  return { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' }[kind];
}
