/** Indexed jobs: each pod knows which part of the work is its own (Kubernetes docs, Job, "Completion mode"). */
import type { Container, KubeObject, PodSpec } from '../../api/index.js';
import type { StoredPod } from '../workload/pod-facts.js';

/** Annotation and label with the pod's index; also in the environment as JOB_COMPLETION_INDEX. */
export const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';

export function indexOf(pod: StoredPod): number | undefined {
  const text = pod.metadata.annotations?.[COMPLETION_INDEX];
  return text === undefined ? undefined : Number(text);
}

export function withIndex(pod: KubeObject, jobName: string, index: number): KubeObject {
  const spec = pod['spec'] as PodSpec; // decode: made from a pod template
  const entry = { [COMPLETION_INDEX]: String(index) };
  const env = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: `metadata.labels['${COMPLETION_INDEX}']` } } };
  const withEnv = (container: Container): Container => {
    const isSet = container.env?.some((each) => each.name === env.name) === true;
    return isSet ? container : { ...container, env: [...(container.env ?? []), env] };
  };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: { ...pod.metadata.labels, ...entry },
      annotations: { ...pod.metadata.annotations, ...entry },
    },
    spec: {
      ...spec,
      hostname: `${jobName}-${index}`,
      containers: spec.containers.map(withEnv),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withEnv) }),
    },
  };
}

/** `0-2,4` of 0, 1, 2, 4. */
export function formatIndexes(indexes: readonly number[]): string {
  const sorted = [...new Set(indexes)].toSorted((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const index of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}

/** 0, 1, 2, 4 of `0-2,4`; what is not a number is left out. */
export function parseIndexes(text: string): readonly number[] {
  return text.split(',').flatMap((range) => {
    const [from = '', to = from] = range.split('-');
    const [first, last] = [Number(from), Number(to)];
    if (from.trim() === '' || !Number.isInteger(first) || !Number.isInteger(last)) return [];
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset);
  });
}
