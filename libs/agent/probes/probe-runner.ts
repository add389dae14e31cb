/** The probes of one running attempt of a container: waits, asks, and tells when the verdict changes. */
import type { Clock } from '../../kit/index.js';
import type { Probe } from '../../api/index.js';
import type { ProbeOutcome } from '../ports.js';
import { runHandler } from './handler.js';
import type { HandlerTarget } from './handler.js';
import { afterProbe, firstDelayMs, initialProbeState, probeTiming } from './probe-plan.js';
import type { ProbeKind, ProbeState, ProbeTiming } from './probe-plan.js';

export interface ProbeListener {
  /** The verdict changed: `startup` true = started; `liveness` or `startup` false = kill it; `readiness` = ready or not. */
  verdict(kind: ProbeKind, ok: boolean, output: string): void;
  /** A failure that counts, for the Unhealthy event. */
  failed(kind: ProbeKind, output: string): void;
}

export interface ProbeRunnerOptions {
  readonly clock: Clock;
  readonly target: HandlerTarget;
  readonly listener: ProbeListener;
  /** When the attempt started: initial delays count from here. */
  readonly startedAtMs: number;
  /** What is believed about an attempt that runs since before the agent started. */
  readonly adopted?: { readonly started: boolean; readonly ready: boolean } | undefined;
}

export class ProbeRunner implements Disposable {
  readonly #timers = new Map<ProbeKind, Disposable>();
  #isDisposed = false;

  constructor(private readonly options: ProbeRunnerOptions) {}

  /** Startup first; liveness and readiness begin when it has passed. */
  start(): void {
    const { target, adopted } = this.options;
    if (target.container.startupProbe !== undefined && adopted?.started !== true) this.#begin('startup', target.container.startupProbe);
    else this.#beginRest();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#timers.clear();
  }

  #beginRest(): void {
    const { container } = this.options.target;
    if (container.livenessProbe !== undefined) this.#begin('liveness', container.livenessProbe);
    if (container.readinessProbe !== undefined) this.#begin('readiness', container.readinessProbe);
  }

  #begin(kind: ProbeKind, probe: Probe): void {
    const { clock, startedAtMs, adopted } = this.options;
    const timing = probeTiming(probe);
    const delayMs = Math.max(0, startedAtMs + firstDelayMs(kind, timing) - clock.now());
    const verdict = kind === 'readiness' && adopted?.ready === true ? true : undefined;
    const state = initialProbeState(kind, { nowMs: clock.now() + delayMs, periodMs: timing.periodMs, verdict });
    this.#wait(delayMs, { kind, probe, timing }, state);
  }

  #wait(delayMs: number, what: RunningProbe, state: ProbeState): void {
    if (this.#isDisposed) return;
    this.#timers.set(
      what.kind,
      this.options.clock.schedule(delayMs, () => void this.#ask(what, state)),
    );
  }

  async #ask(what: RunningProbe, state: ProbeState): Promise<void> {
    const outcome = await runHandler(this.options.target, what.probe, what.timing.timeoutMs);
    if (this.#isDisposed) return;
    const step = afterProbe(state, what.timing, outcome.ok, this.options.clock.now());
    const output = outputOf(outcome);
    if (!outcome.ok && step.isCounted) this.options.listener.failed(what.kind, output);
    const { verdict } = step.state;
    const isNews = verdict !== undefined && verdict !== state.verdict;
    if (isNews) this.options.listener.verdict(what.kind, verdict, output);
    if (what.kind === 'startup' && verdict !== undefined) {
      this.#timers.delete('startup');
      if (verdict) this.#beginRest();
      return;
    }
    this.#wait(step.nextInMs, what, step.state);
  }
}

interface RunningProbe {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly timing: ProbeTiming;
}

function outputOf(outcome: ProbeOutcome): string {
  return outcome.ok ? '' : outcome.output;
}
