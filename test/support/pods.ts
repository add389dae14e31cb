/** Pods for end-to-end tests, as objects: kubectl reads JSON as it reads YAML. */
import type { Container, ContainerStatus, Pod, PodSpec, Stored } from '../../libs/api/index.js';
import { eventually } from './processes.js';
import type { TestCluster } from './test-cluster.js';

export type PodJson = Stored<Pod>;

export interface PodOptions extends Partial<PodSpec> {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A pod of one busybox container `main` that is told by `container`, and ends at once when it is deleted. */
export function aPod(name: string, container: Partial<Container> = {}, { labels = {}, annotations = {}, ...spec }: PodOptions = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name, ...labels }, annotations },
    spec: { terminationGracePeriodSeconds: 1, containers: [aContainer('main', container)], ...spec },
  };
}

export function aContainer(name: string, options: Partial<Container> = {}): Container {
  return { name, image: 'busybox:test', imagePullPolicy: 'IfNotPresent', command: ['sleep', '100000'], ...options };
}

/** A command line for the shell. */
export function sh(script: string): string[] {
  return ['sh', '-c', script];
}

/** `kubectl apply` of objects. */
export async function applyObjects(cluster: TestCluster, ...items: readonly unknown[]): Promise<string> {
  return cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

export async function podNamed(cluster: TestCluster, name: string): Promise<PodJson> {
  return cluster.get<PodJson>('pod', name);
}

/** Status of the pod's container; `main` unless told. */
export function statusOf(pod: PodJson, container = 'main'): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses].find(({ name }) => name === container);
}

/** Polls the pod until `is` holds; answers that pod. The error shows the status that it had instead. */
export async function untilPod(
  cluster: TestCluster,
  name: string,
  { what, is, timeoutMs = 20_000 }: { readonly what: string; readonly is: (pod: PodJson) => boolean; readonly timeoutMs?: number },
): Promise<PodJson> {
  const { value } = await eventually(`pod ${name} ${what}`, timeoutMs, async () => {
    const pod = await podNamed(cluster, name);
    if (!is(pod)) throw new Error(JSON.stringify(pod.status, undefined, 1));
    return pod;
  });
  return value;
}

export async function untilReady(cluster: TestCluster, ...names: readonly string[]): Promise<void> {
  await cluster.kubectl(['wait', '--for=condition=Ready', ...names.map((name) => `pod/${name}`), '--timeout=40s'], { timeoutMs: 45_000 });
}

/** Standard output of a command in the pod. */
export async function inPod(cluster: TestCluster, name: string, script: string): Promise<string> {
  return (await cluster.kubectl(['exec', name, '--', 'sh', '-c', script])).trim();
}

/** What the pod's events say: `Reason: message`. */
export async function eventsOf(cluster: TestCluster, name: string): Promise<readonly string[]> {
  const list = await cluster.get<{ items: readonly { reason: string; message: string }[] }>(
    'events',
    '--field-selector',
    `involvedObject.name=${name}`,
  );
  return list.items.map(({ reason, message }) => `${reason}: ${message}`);
}
