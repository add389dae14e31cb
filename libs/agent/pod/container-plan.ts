/** What to do next with a pod's containers. Pure: the same view at the same instant gives the same plan. */
import type { Instant } from '../../kit/index.js';
import type { Pod } from '../../api/index.js';
import { specHash } from './container-spec.js';
import { comesFirst, exitCodeOf, hasPassed, isDone, isInitialized, isRunning, willRestart } from './pod-facts.js';
import type { ContainerFacts, CrashHistory, PodView } from './pod-facts.js';
import { resizeOf } from './resize.js';

export const CRASH_FIRST_MS = 10_000;
export const CRASH_LONGEST_MS = 300_000;

export type ContainerAction =
  /** `attempt` counts from 0. */
  | { readonly do: 'start'; readonly name: string; readonly attempt: number }
  /** It crashed too often: shown as waiting until the plan starts it. */
  | { readonly do: 'back-off'; readonly name: string; readonly delayMs: number }
  /** Its description changed: stopped, and started anew by a later plan. */
  | { readonly do: 'replace'; readonly name: string }
  /** Its resources changed, and can change while it runs. */
  | { readonly do: 'resize'; readonly name: string }
  /** Nothing will run any more: the pod is over. Always the only action. */
  | { readonly do: 'finish' };

export interface ContainerPlan {
  readonly actions: readonly ContainerAction[];
  /** Plan again at this time even if nothing happens. */
  readonly wakeAtMs?: number | undefined;
}

export function planContainers(view: PodView, now: Instant): ContainerPlan {
  if (isOver(view)) return { actions: [{ do: 'finish' }] };
  const actions: ContainerAction[] = [];
  const wakes: number[] = [];
  for (const container of dueContainers(view)) {
    const step = planContainer(view.pod, container, now);
    if (step.action !== undefined) actions.push(step.action);
    if (step.wakeAtMs !== undefined) wakes.push(step.wakeAtMs);
  }
  return { actions, ...(wakes.length === 0 ? {} : { wakeAtMs: Math.min(...wakes) }) };
}

/** All regular containers ended for good, or an init container did without success. */
export function isOver(view: PodView): boolean {
  const regular = view.containers.filter(({ kind }) => kind === 'regular');
  if (regular.length > 0 && regular.every((container) => isDone(view.pod, container))) return true;
  return (
    !isInitialized(view) &&
    view.containers.some((container) => container.kind === 'init' && isDone(view.pod, container) && !hasPassed(container))
  );
}

/** Containers that may run now: all of them once initialized (but for init containers), before that the init containers up to the first that has not passed. */
function dueContainers(view: PodView): readonly ContainerFacts[] {
  if (isInitialized(view)) return view.containers.filter(({ kind }) => kind !== 'init');
  const due: ContainerFacts[] = view.containers.filter(({ kind }) => kind === 'ephemeral'); // to debug init containers too
  for (const container of view.containers.filter(comesFirst)) {
    if (container.kind === 'sidecar' || !hasPassed(container)) due.push(container);
    if (!hasPassed(container)) break;
  }
  return due;
}

interface Step {
  readonly action?: ContainerAction;
  readonly wakeAtMs?: number;
}

function planContainer(pod: Pod, container: ContainerFacts, now: Instant): Step {
  const { latest, spec } = container;
  const { name } = spec;
  if (container.busy !== undefined) return {};
  if (isRunning(container)) {
    if (latest !== undefined && latest.specHash !== specHash(spec)) return { action: { do: 'replace', name } };
    return planResize(container, now);
  }
  if (container.retryAtMs !== undefined && container.retryAtMs > now) return { wakeAtMs: container.retryAtMs };
  if (latest === undefined) return { action: { do: 'start', name, attempt: 0 } };
  if (container.isStale === true && container.kind === 'init') return { action: { do: 'start', name, attempt: latest.attempt + 1 } };
  if (!willRestart(pod, container, exitCodeOf(latest))) return {};
  const waitUntil = restartAt(container.crashes, latest.finishedAtMs ?? now);
  if (waitUntil <= now) return { action: { do: 'start', name, attempt: latest.attempt + 1 } };
  const isShown = container.waiting?.reason === 'CrashLoopBackOff';
  const delayMs = container.crashes?.delayMs ?? CRASH_FIRST_MS;
  return isShown ? { wakeAtMs: waitUntil } : { action: { do: 'back-off', name, delayMs }, wakeAtMs: waitUntil };
}

function planResize(container: ContainerFacts, now: Instant): Step {
  const { name } = container.spec;
  const needed = resizeOf(container);
  if (needed === 'none') return {};
  const notBefore = container.resize?.retryAtMs ?? 0;
  if (notBefore > now) return Number.isFinite(notBefore) ? { wakeAtMs: notBefore } : {};
  return { action: { do: needed === 'restart' ? 'replace' : 'resize', name } };
}

/** The first restart is immediate; later ones wait since the exit. */
function restartAt(crashes: CrashHistory | undefined, finishedAtMs: number): number {
  return crashes === undefined ? finishedAtMs : finishedAtMs + crashes.delayMs;
}

/** The history after a restart now: 10 s, doubling to 5 min, from the beginning after ten quiet minutes (Kubernetes docs, restart policy). */
export function noteRestart(crashes: CrashHistory | undefined, finishedAtMs: number, now: Instant): CrashHistory {
  const isQuiet = crashes === undefined || finishedAtMs - crashes.lastRestartMs > 2 * CRASH_LONGEST_MS;
  return { delayMs: isQuiet ? CRASH_FIRST_MS : Math.min(CRASH_LONGEST_MS, crashes.delayMs * 2), lastRestartMs: now };
}
