/** The pod's status as the API shows it, from what is known about it. Pure; times of unchanged conditions are kept. */
import { formatTime, instant } from '../../kit/index.js';
import type { Instant } from '../../kit/index.js';
import type { ContainerState, ContainerStatus, PodCondition, PodStatus } from '../../api/index.js';
import { comesFirst, exitCodeOf, hasPassed, isDone, isInitialized, isRunning } from '../pod/pod-facts.js';
import type { ContainerFacts, PodView } from '../pod/pod-facts.js';
import type { ContainerRecord } from '../ports.js';
import { qosClass } from '../pod/qos.js';
import { resizeConditions } from '../pod/resize.js';
import { podPhase } from './pod-phase.js';
import type { PodPhase } from './pod-phase.js';

/** `before`: the status reported last, or the stored one. */
export function podStatus(view: PodView, before: PodStatus | undefined, now: Instant): PodStatus {
  const phase = podPhase(view);
  const statusesOf = (which: (container: ContainerFacts) => boolean): readonly ContainerStatus[] =>
    view.containers.filter(which).map((container) => containerStatus(view, container));
  const init = statusesOf(comesFirst);
  const ephemeral = statusesOf(({ kind }) => kind === 'ephemeral');
  const generation = view.pod.metadata.generation;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    conditions: conditions(view, phase, before, now),
    ...view.failure,
    hostIP: view.hostIp,
    hostIPs: [{ ip: view.hostIp }],
    ...(view.podIps[0] === undefined ? {} : { podIP: view.podIps[0], podIPs: view.podIps.map((ip) => ({ ip })) }),
    startTime: formatTime(instant(view.startedAtMs)),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: statusesOf(({ kind }) => kind === 'regular'),
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    qosClass: qosClass(view.pod),
  };
}

function containerStatus(view: PodView, container: ContainerFacts): ContainerStatus {
  const { spec, latest, previous } = container;
  const running = isRunning(container);
  const image = latest === undefined ? { image: spec.image ?? '', imageID: '' } : { image: latest.imageRef, imageID: latest.imageId };
  return {
    name: spec.name,
    state: containerState(view, container),
    lastState: lastState(view, container, previous),
    ready: isReady(container),
    restartCount: latest?.attempt ?? 0,
    ...image,
    ...(latest === undefined ? {} : { containerID: `runc://${latest.id}` }),
    started: running && container.started,
    ...(spec.resources === undefined || latest === undefined ? {} : { resources: container.applied ?? spec.resources }),
    ...(spec.resources?.requests === undefined || latest === undefined ? {} : { allocatedResources: spec.resources.requests }),
  };
}

function isReady(container: ContainerFacts): boolean {
  if (container.kind === 'ephemeral') return false; // readiness means nothing for it
  return container.kind === 'init' ? hasPassed(container) : isRunning(container) && container.ready;
}

function containerState(view: PodView, container: ContainerFacts): ContainerState {
  const { latest, waiting } = container;
  if (latest?.state === 'running') return { running: { startedAt: formatTime(instant(latest.startedAtMs ?? 0)) } };
  if (latest !== undefined && (isWaitless(view, container) || waiting === undefined)) return { terminated: terminated(latest) };
  if (waiting !== undefined && !view.isStopping) {
    return { waiting: { reason: waiting.reason, ...(waiting.message === undefined ? {} : { message: waiting.message }) } };
  }
  const hasInit = view.containers.some(comesFirst);
  const isInit = hasInit && !isInitialized(view);
  return { waiting: { reason: isInit ? 'PodInitializing' : 'ContainerCreating' } };
}

/** It ended and nothing will follow, so an old reason for waiting means nothing. */
function isWaitless(view: PodView, container: ContainerFacts): boolean {
  return view.isStopping || view.failure !== undefined || isDone(view.pod, container);
}

function lastState(view: PodView, container: ContainerFacts, previous: ContainerRecord | undefined): ContainerState {
  const { latest } = container;
  const isShownAsWaiting = latest?.state === 'exited' && containerState(view, container).waiting !== undefined;
  const record = isShownAsWaiting ? latest : previous;
  return record === undefined ? {} : { terminated: terminated(record) };
}

function terminated(record: ContainerRecord): NonNullable<ContainerState['terminated']> {
  const exitCode = exitCodeOf(record);
  const isUnknown = record.exitCode === undefined;
  const message = isUnknown ? 'The container could not be located when the pod was terminated' : record.terminationMessage;
  return {
    exitCode,
    reason: reasonOfEnd(record),
    ...(message === undefined || message === '' ? {} : { message }),
    ...(record.startedAtMs === undefined ? {} : { startedAt: formatTime(instant(record.startedAtMs)) }),
    ...(record.finishedAtMs === undefined ? {} : { finishedAt: formatTime(instant(record.finishedAtMs)) }),
    containerID: `runc://${record.id}`,
  };
}

/** In the words of the container runtimes that Kubernetes users know. */
function reasonOfEnd(record: ContainerRecord): string {
  if (record.startFailed === true) return 'StartError';
  if (record.oomKilled === true) return 'OOMKilled';
  if (record.exitCode === undefined) return 'ContainerStatusUnknown';
  return record.exitCode === 0 ? 'Completed' : 'Error';
}

interface Verdict {
  readonly type: string;
  readonly isTrue: boolean;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

function conditions(view: PodView, phase: PodPhase, before: PodStatus | undefined, now: Instant): readonly PodCondition[] {
  const containersReady = containersReadyVerdict(view, phase);
  const observedGeneration = view.pod.metadata.generation;
  const verdicts: readonly Verdict[] = [
    { type: 'PodReadyToStartContainers', isTrue: view.hasSandbox && (phase === 'Pending' || phase === 'Running') },
    initializedVerdict(view, phase),
    readyVerdict(view, containersReady),
    containersReady,
    { type: 'PodScheduled', isTrue: true },
    ...(view.failure?.reason === 'Evicted'
      ? [{ type: 'DisruptionTarget', isTrue: true, reason: 'TerminationByKubelet', message: view.failure.message }]
      : []),
    ...resizeConditions(view).map((condition) => ({ ...condition, isTrue: true })),
  ];
  return verdicts.map(({ type, isTrue, reason, message }) => {
    const status = isTrue ? 'True' : 'False';
    const known = before?.conditions?.find((condition) => condition.type === type);
    const since = known?.status === status ? known.lastTransitionTime : undefined;
    return {
      type,
      status,
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      lastTransitionTime: since ?? formatTime(now),
    };
  });
}

function initializedVerdict(view: PodView, phase: PodPhase): Verdict {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, isTrue: true, reason: 'PodCompleted' };
  if (isInitialized(view)) return { type, isTrue: true };
  const names = view.containers.filter((container) => comesFirst(container) && !hasPassed(container)).map(({ spec }) => spec.name);
  return { type, isTrue: false, reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${names.join(' ')}]` };
}

function containersReadyVerdict(view: PodView, phase: PodPhase): Verdict {
  const type = 'ContainersReady';
  if (phase === 'Succeeded') return { type, isTrue: false, reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, isTrue: false, reason: 'PodFailed' };
  const lasting = view.containers.filter(({ kind }) => kind === 'regular' || kind === 'sidecar');
  const unready = lasting.filter((container) => !(isRunning(container) && container.ready));
  const names = unready.map(({ spec }) => spec.name);
  if (names.length === 0) return { type, isTrue: true };
  return { type, isTrue: false, reason: 'ContainersNotReady', message: `containers with unready status: [${names.join(' ')}]` };
}

function readyVerdict(view: PodView, containersReady: Verdict): Verdict {
  if (!containersReady.isTrue) return { ...containersReady, type: 'Ready' };
  const messages = (view.pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = view.pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (condition === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === 'True'
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (messages.length === 0) return { type: 'Ready', isTrue: true };
  return { type: 'Ready', isTrue: false, reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}
