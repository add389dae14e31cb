/** The phase of a pod (Kubernetes docs, Pod Lifecycle: pod phase). First match wins; each row says why it stands where it does. */
import { exitCodeOf, isDone, isInitialized, isRunning, willRestart } from '../pod/pod-facts.js';
import type { PodView } from '../pod/pod-facts.js';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

const rules: readonly { readonly phase: PodPhase; readonly when: (view: PodView) => boolean }[] = [
  { phase: 'Running', when: (view) => hasBegun(view) && view.containers.some(isRunning) }, // nothing is over while something runs, sidecars included
  { phase: 'Failed', when: (view) => view.failure !== undefined }, // final, whatever the containers still do
  { phase: 'Failed', when: (view) => hasFailedInit(view) }, // no regular container will ever run
  { phase: 'Failed', when: (view) => hasEnded(view) && !isInitialized(view) }, // stopped before it began
  { phase: 'Pending', when: (view) => !isInitialized(view) },
  { phase: 'Pending', when: (view) => !view.isStopping && regular(view).some((container) => container.latest === undefined) }, // some never started
  { phase: 'Running', when: (view) => !view.isStopping && regular(view).some((container) => !isDone(view.pod, container)) }, // between two attempts
  {
    phase: 'Succeeded',
    when: (view) => regular(view).every((container) => container.latest !== undefined && exitCodeOf(container.latest) === 0),
  },
  { phase: 'Pending', when: (view) => regular(view).every((container) => container.latest === undefined) && !hasEnded(view) },
  { phase: 'Failed', when: () => true }, // all stopped for good, at least one in error
];

export function podPhase(view: PodView): PodPhase {
  return rules.find((rule) => rule.when(view))?.phase ?? 'Pending';
}

function regular(view: PodView): PodView['containers'] {
  return view.containers.filter(({ kind }) => kind === 'regular');
}

/** Every regular container ran at least once. */
function hasBegun(view: PodView): boolean {
  return isInitialized(view) && regular(view).every(({ latest }) => latest !== undefined);
}

/** Stopping, and nothing runs any more. */
function hasEnded(view: PodView): boolean {
  return view.isStopping && !view.containers.some((container) => isRunning(container) || container.busy !== undefined);
}

function hasFailedInit(view: PodView): boolean {
  return view.containers.some(
    (container) =>
      container.kind === 'init' &&
      container.latest?.state === 'exited' &&
      exitCodeOf(container.latest) !== 0 &&
      !willRestart(view.pod, container, exitCodeOf(container.latest)),
  );
}
