/** Every state that a set of pods went through, as a watch of stock kubectl told it. */
import { spawn } from 'node:child_process';
import type { PodJson } from './pods.js';
import type { TestCluster } from './test-cluster.js';

/** The pods at one moment. */
export interface PodsMoment {
  /** Those that nobody has asked to end yet. */
  readonly alive: readonly PodJson[];
  readonly ready: readonly PodJson[];
  readonly all: readonly PodJson[];
}

export interface PodHistory extends Disposable {
  /** Oldest first; each event of the watch makes one. */
  moments(): readonly PodsMoment[];
}

/** Watches the pods of a label until it is disposed. */
export function watchPods(cluster: TestCluster, selector: string): PodHistory {
  const args = ['get', 'pods', '-l', selector, '--watch', '--output-watch-events', '-o', 'json'];
  const child = spawn(cluster.kubectlFile, args, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  return {
    moments: () => momentsOf(output),
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

function momentsOf(output: string): readonly PodsMoment[] {
  const pods = new Map<string, PodJson>();
  const lines = output.split('\n').slice(0, -1); // the last one may still grow
  return lines.map((text) => {
    const { type, object } = JSON.parse(text) as { type: string; object: PodJson };
    if (type === 'DELETED') pods.delete(object.metadata.uid);
    else pods.set(object.metadata.uid, object);
    const all = [...pods.values()];
    const alive = all.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    return { all, alive, ready: alive.filter(isReady) };
  });
}

function isReady(pod: PodJson): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

/** Value of the label that tells the pods of one revision from those of another. */
export function revisionOf(pod: PodJson): string {
  return pod.metadata.labels?.['pod-template-hash'] ?? '';
}
