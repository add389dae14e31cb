/** What is known about a pod on this host: the one input of every decision and of the status. */
import type { Container, Pod, Stored } from '../../api/index.js';
import type { ContainerRecord } from '../ports.js';

/**
 * `init`: runs to its end before the next starts; `sidecar`: an init container that keeps running; `ephemeral`: added to a
 * running pod by `kubectl debug`, runs once and counts for nothing; `regular`: the rest.
 */
export type ContainerKind = 'init' | 'sidecar' | 'regular' | 'ephemeral';

/** How often a container was restarted in quick succession. */
export interface CrashHistory {
  readonly delayMs: number;
  readonly lastRestartMs: number;
}

/** A change of resources that is not in effect yet. */
export interface ResizeState {
  readonly error?: string | undefined;
  /** The node is too small for it. */
  readonly infeasible?: string | undefined;
  /** After a failure: not before this time. */
  readonly retryAtMs: number;
}

export interface ContainerFacts {
  readonly spec: Container;
  readonly kind: ContainerKind;
  /** Newest attempt that ever ran; absent = none yet. */
  readonly latest?: ContainerRecord | undefined;
  /** The attempt before it. */
  readonly previous?: ContainerRecord | undefined;
  /** Something is being done to it just now; decisions wait. */
  readonly busy?: 'starting' | 'resizing' | 'stopping' | undefined;
  /** Why it does not run, as kubectl shows. */
  readonly waiting?: { readonly reason: string; readonly message?: string | undefined } | undefined;
  /** After a start that failed: not before this time. */
  readonly retryAtMs?: number | undefined;
  readonly crashes?: CrashHistory | undefined;
  /** The resources that the running attempt has; absent where an earlier agent started it. */
  readonly applied?: Container['resources'];
  readonly resize?: ResizeState | undefined;
  /** The newest attempt ran in a sandbox that is gone: init containers run again (Kubernetes docs, Init containers, "Pod restart reasons"). */
  readonly isStale?: boolean | undefined;
  /** The startup probe has passed (or there is none) and the container runs. */
  readonly started: boolean;
  readonly ready: boolean;
}

export interface PodView {
  readonly pod: Stored<Pod>;
  /** Init containers first, in their order, ephemeral ones last. */
  readonly containers: readonly ContainerFacts[];
  readonly hasSandbox: boolean;
  readonly podIps: readonly string[];
  readonly hostIp: string;
  readonly startedAtMs: number;
  /** Deletion was asked or the pod is gone from the assignment: containers are being stopped. */
  readonly isStopping: boolean;
  /** Ended by the agent, whatever the containers say: deadline, eviction. */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined;
}

export function containersOf(pod: Pod): readonly { readonly spec: Container; readonly kind: ContainerKind }[] {
  const init = (pod.spec?.initContainers ?? []).map((spec) => ({
    spec,
    kind: spec.restartPolicy === 'Always' ? ('sidecar' as const) : ('init' as const),
  }));
  const regular = (pod.spec?.containers ?? []).map((spec) => ({ spec, kind: 'regular' as const }));
  const ephemeral = (pod.spec?.ephemeralContainers ?? []).map((spec) => ({ spec, kind: 'ephemeral' as const }));
  return [...init, ...regular, ...ephemeral];
}

/** Regular containers wait for it. */
export function comesFirst({ kind }: Pick<ContainerFacts, 'kind'>): boolean {
  return kind === 'init' || kind === 'sidecar';
}

/** The container whose processes this one is to see; only `kubectl debug --target` asks for that. */
export function targetOf(pod: Pod, container: string): string | undefined {
  return pod.spec?.ephemeralContainers?.find(({ name }) => name === container)?.targetContainerName;
}

/** Whether an exit of this container leads to another attempt. */
export function willRestart(pod: Pod, container: Pick<ContainerFacts, 'spec' | 'kind'>, exitCode: number): boolean {
  if (container.kind === 'sidecar') return true;
  if (container.kind === 'ephemeral') return false;
  const policy = container.spec.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always';
  if (container.kind === 'init') return exitCode !== 0 && policy !== 'Never';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** It ran, ended, and is not to run again. */
export function isDone(pod: Pod, container: ContainerFacts): boolean {
  if (container.isStale === true && container.kind === 'init') return false;
  return container.latest?.state === 'exited' && !willRestart(pod, container, exitCodeOf(container.latest));
}

export function isRunning(container: ContainerFacts): boolean {
  return container.latest?.state === 'running';
}

/** 137 where nobody saw the end: the host was lost under the container. */
export function exitCodeOf(record: ContainerRecord): number {
  return record.exitCode ?? 137;
}

/** Regular containers may run: every init container ended well, every sidecar has started. Once one ran, it stays so. */
export function isInitialized(view: PodView): boolean {
  if (view.containers.some((container) => container.kind === 'regular' && container.latest !== undefined && container.isStale !== true))
    return true;
  return view.containers.every((container) => !comesFirst(container) || hasPassed(container));
}

export function hasPassed(container: ContainerFacts): boolean {
  if (container.kind === 'sidecar') return container.started;
  return container.isStale !== true && container.latest?.state === 'exited' && exitCodeOf(container.latest) === 0;
}
