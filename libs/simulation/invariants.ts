/** What must hold at every moment, whatever fails: checked after each change of the store. */
import { quantityMillis, storePrefix } from '../api/index.js';
import type { Pod, Stored } from '../api/index.js';
import { rolloutLimits } from '../controllers/index.js';
import { CacheView, resources } from '../reconciling/index.js';
import type { WatchCache } from '../storage/index.js';

export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Collects violations; the first is enough to fail a run. */
export class InvariantChecker implements Disposable {
  readonly violations: string[] = [];
  readonly #view: CacheView;
  readonly #placed = new Map<string, string>();
  /** Largest number of pods that a deployment was ever allowed since it last had no more than it is allowed now. */
  readonly #allowed = new Map<string, number>();
  readonly #subscriptions: readonly Disposable[];

  constructor(cache: WatchCache) {
    this.#view = new CacheView(cache);
    this.#subscriptions = [
      cache.subscribe(storePrefix(resources.pods), (event) => {
        if (event.type === 'put') this.#checkPlacement(event.current.object as unknown as Stored<Pod>); // decode: under pods
        this.#checkDeployments();
      }),
      // Every size that was ever asked for counts, also one that is replaced before its first pod.
      cache.subscribe(storePrefix(resources.deployments), () => this.#checkDeployments()),
      cache.subscribe(storePrefix(resources.nodes), () => this.#checkPodCidrs()),
    ];
  }

  /** Throws InvariantError where anything was violated. */
  assert(): void {
    const [first] = this.violations;
    if (first !== undefined) throw new InvariantError(first);
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
    this.#view[Symbol.dispose]();
  }

  /** A pod is on one node for its whole life, and no node is promised more CPU than it has. */
  #checkPlacement(pod: Stored<Pod>): void {
    const node = pod.spec?.nodeName ?? '';
    if (node === '') return;
    const before = this.#placed.get(pod.metadata.uid);
    if (before === node) return;
    if (before !== undefined) this.violations.push(`pod ${pod.metadata.name} moved from ${before} to ${node}`);
    this.#placed.set(pod.metadata.uid, node);
    const onNode = this.#view.list(resources.pods).filter((each) => each.spec?.nodeName === node && !isFinished(each));
    const requested = onNode.reduce((sum, each) => sum + milliCpu(each), 0);
    const allocatable = quantityMillis(this.#view.get(resources.nodes, undefined, node)?.status?.allocatable?.['cpu'] ?? '0');
    if (requested > allocatable) this.violations.push(`node ${node} is promised ${requested}m of ${allocatable}m CPU`);
  }

  /** Never more than replicas + maxSurge pods that count (Kubernetes docs, Deployment, "Max surge"). */
  #checkDeployments(): void {
    for (const deployment of this.#view.list(resources.deployments)) {
      const limits = rolloutLimits(deployment);
      const key = deployment.metadata.uid;
      const replicaSets = this.#view.ownedOf(resources.replicaSets, key);
      const count = replicaSets
        .flatMap((replicaSet) => this.#view.ownedOf(resources.pods, replicaSet.metadata.uid))
        .filter((pod) => pod.metadata.deletionTimestamp === undefined && !isFinished(pod)).length;
      const now = limits.desired + limits.maxSurge;
      const allowed = Math.max(now, this.#allowed.get(key) ?? 0);
      if (count > allowed) this.violations.push(`deployment ${deployment.metadata.name} has ${count} pods, more than ${allowed}`);
      // A plan for an earlier, larger size may still be under way until everybody has seen the new one.
      const hasSeen = [deployment, ...replicaSets].every(
        (each) => (each.status?.observedGeneration ?? 0) >= (each.metadata.generation ?? 0),
      );
      this.#allowed.set(key, count <= now && hasSeen ? now : allowed);
    }
  }

  #checkPodCidrs(): void {
    const cidrs = this.#view.list(resources.nodes).flatMap((node) => node.spec?.podCIDR ?? []);
    if (new Set(cidrs).size < cidrs.length) this.violations.push(`two nodes have one pod network: ${cidrs.join(' ')}`);
  }
}

function isFinished(pod: Stored<Pod>): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function milliCpu(pod: Stored<Pod>): number {
  return (pod.spec?.containers ?? []).reduce((sum, container) => sum + quantityMillis(container.resources?.requests?.['cpu'] ?? '0'), 0);
}
