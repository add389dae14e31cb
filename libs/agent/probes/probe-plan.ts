/** When to probe next and what a result means. Pure: the runner only waits and asks. */
import type { Probe } from '../../api/index.js';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export interface ProbeTiming {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** Kubernetes' defaults: 0 s, 10 s, 1 s, 1, 3. */
export function probeTiming(probe: Probe): ProbeTiming {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: Math.max(1, probe.periodSeconds ?? 10) * 1000,
    timeoutMs: Math.max(1, probe.timeoutSeconds ?? 1) * 1000,
    successThreshold: Math.max(1, probe.successThreshold ?? 1),
    failureThreshold: Math.max(1, probe.failureThreshold ?? 3),
  };
}

/** First distance between tries of a probe that has never succeeded; it grows to the period. */
export const EAGER_FIRST_MS = 100;
const EAGER_GROWTH = 1.5;

export interface ProbeState {
  /** What the container is told to be; `undefined` = not decided yet. */
  readonly verdict: boolean | undefined;
  readonly successes: number;
  readonly failures: number;
  /** Distance to the next eager try; 0 = no longer eager. */
  readonly eagerMs: number;
  /** When the next failure counts: failures count once a period, eager tries in between only look for success. */
  readonly countsFromMs: number;
}

export function initialProbeState(
  kind: ProbeKind,
  { nowMs, periodMs, verdict }: { readonly nowMs: number; readonly periodMs: number; readonly verdict?: boolean | undefined },
): ProbeState {
  const isEager = kind !== 'liveness' && verdict !== true;
  // An eager first try that fails says only that the container is still starting.
  return { verdict, successes: 0, failures: 0, eagerMs: isEager ? EAGER_FIRST_MS : 0, countsFromMs: isEager ? nowMs + periodMs : nowMs };
}

/** How long after its start a container is first asked. Liveness gives it a period to come up: a first failure would mean nothing. */
export function firstDelayMs(kind: ProbeKind, timing: ProbeTiming): number {
  return kind === 'liveness' && timing.initialDelayMs === 0 ? timing.periodMs : timing.initialDelayMs;
}

export interface ProbeStep {
  readonly state: ProbeState;
  readonly nextInMs: number;
  /** The failure is one that users hear of (Unhealthy event). */
  readonly isCounted: boolean;
}

export function afterProbe(state: ProbeState, timing: ProbeTiming, ok: boolean, nowMs: number): ProbeStep {
  if (ok) return afterSuccess(state, timing);
  const isCounted = nowMs >= state.countsFromMs;
  const failures = isCounted ? state.failures + 1 : state.failures;
  const verdict = failures >= timing.failureThreshold ? false : state.verdict;
  const countsFromMs = isCounted ? nowMs + timing.periodMs : state.countsFromMs;
  const eagerMs = state.eagerMs === 0 ? 0 : Math.min(timing.periodMs, state.eagerMs * EAGER_GROWTH);
  const untilCountMs = Math.max(1, countsFromMs - nowMs);
  const nextInMs = state.eagerMs === 0 ? timing.periodMs : Math.min(state.eagerMs, untilCountMs);
  return { state: { verdict, successes: 0, failures, eagerMs, countsFromMs }, nextInMs, isCounted };
}

function afterSuccess(state: ProbeState, timing: ProbeTiming): ProbeStep {
  const successes = state.successes + 1;
  const isDecided = successes >= timing.successThreshold;
  const verdict = isDecided ? true : state.verdict;
  // Further successes that a never-ready container needs are asked for without waiting a whole period.
  const nextInMs = isDecided || state.eagerMs === 0 ? timing.periodMs : state.eagerMs;
  const eagerMs = isDecided ? 0 : state.eagerMs;
  return { state: { verdict, successes, failures: 0, eagerMs, countsFromMs: 0 }, nextInMs, isCounted: false };
}
