/**
 * Agents' view of their nodes becomes Node objects and leases: registration, pod CIDRs, status with condition times,
 * and one lease renewal for each heartbeat.
 */
import { formatMicroTime, formatTime } from '../kit/index.js';
import type { Clock, Logger } from '../kit/index.js';
import type { KubeObject, Node, NodeCondition, NodeStatus } from '../api/index.js';
import type { ObjectClient } from '../reconciling/index.js';
import type { WatchCache } from '../storage/index.js';
import { allocatePodCidr } from './pod-cidr.js';
import { CoalescingWriter } from './coalescing-writer.js';
import type { NodeReport } from './messages.js';
import type { ClusterAddresses } from './ports.js';
import { isReason } from './pod-status-intake.js';
import { prefixOf, resourceOf } from './resources.js';

const LEASES = { group: 'coordination.k8s.io', resource: 'leases' } as const;
export const LEASE_NAMESPACE = 'kube-node-lease';
/** Written into the lease; node lifecycle decides by its own setting when a lease is too old. */
const LEASE_SECONDS = 3;
/** An unchanged status is written again after this long, so that heartbeat times stay believable (Kubernetes: nodeStatusReportFrequency). */
export const STATUS_REFRESH_MS = 300_000;
const REGISTRATION_TRIES_MAX = 20;

export class NodeRegistry implements Disposable {
  readonly #statusWriter: CoalescingWriter<NodeReport>;
  readonly #leaseWriter: CoalescingWriter<true>;
  readonly #leases = new Map<string, KubeObject>();
  readonly #lastReports = new Map<string, NodeReport>();
  /** CIDRs given out whose nodes the cache does not show yet. */
  readonly #reserved = new Map<string, string>();

  constructor(
    private readonly options: {
      readonly cache: WatchCache;
      readonly client: ObjectClient;
      readonly clock: Clock;
      readonly log: Logger;
      readonly addresses: ClusterAddresses;
    },
  ) {
    const { clock, log } = options;
    this.#statusWriter = new CoalescingWriter({ clock, log, concurrency: 32, write: (node, report) => this.#writeStatus(node, report) });
    this.#leaseWriter = new CoalescingWriter({ clock, log, concurrency: 32, write: (node) => this.#renewLease(node) });
  }

  /** Creates the Node or adopts the existing one; answers its pod CIDR. Throws what the client throws when it cannot. */
  async register(name: string, report: NodeReport): Promise<{ readonly podCidr: string }> {
    this.#lastReports.set(name, report);
    for (let tries = 0; ; tries++) {
      try {
        const podCidr = await this.#createOrAdopt(name, report);
        this.#statusWriter.put(name, report);
        return { podCidr };
      } catch (error) {
        const isRace = isReason(error, 'Conflict') || isReason(error, 'AlreadyExists') || isReason(error, 'NotFound');
        if (!isRace || tries >= REGISTRATION_TRIES_MAX) throw error;
        await this.options.clock.sleep(20 * (tries + 1));
      }
    }
  }

  status(name: string, report: NodeReport): void {
    this.#lastReports.set(name, report);
    this.#statusWriter.put(name, report);
  }

  /** The agent lives: called once a second for each connected agent. */
  heartbeat(name: string): void {
    this.#leaseWriter.put(name, true);
    const report = this.#lastReports.get(name);
    // Others may have declared the node lost while it was only slow: an agent that is heard is right about itself.
    if (report !== undefined && this.#isMisjudged(name, report)) this.#statusWriter.put(name, report);
  }

  /** Nothing of the node is written any more until it registers again. */
  forget(name: string): void {
    this.#lastReports.delete(name);
  }

  [Symbol.dispose](): void {
    this.#statusWriter[Symbol.dispose]();
    this.#leaseWriter[Symbol.dispose]();
  }

  async #createOrAdopt(name: string, report: NodeReport): Promise<string> {
    const stored = this.#node(name);
    if (stored === undefined) return this.#create(name, report);
    const podCidr = stored.spec?.podCIDR ?? this.#allocate(name);
    const labels = { ...stored.metadata?.labels, ...report.labels };
    const isSame = podCidr === stored.spec?.podCIDR && JSON.stringify(labels) === JSON.stringify(stored.metadata?.labels);
    if (isSame) return podCidr;
    await this.options.client.update(resourceOf.node, {
      ...asObject(stored),
      metadata: { ...stored.metadata, labels },
      spec: { ...stored.spec, podCIDR: podCidr, podCIDRs: [podCidr] },
    });
    return podCidr;
  }

  async #create(name: string, report: NodeReport): Promise<string> {
    const podCidr = this.#allocate(name);
    await this.options.client.create(resourceOf.node, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: report.labels },
      spec: { podCIDR: podCidr, podCIDRs: [podCidr] },
    });
    this.options.log.info('node registered', { node: name, podCidr });
    return podCidr;
  }

  #allocate(name: string): string {
    const { cache, addresses } = this.options;
    const taken = new Set<string>();
    for (const cached of cache.list(prefixOf('node'))) {
      const node = cached.object as unknown as Node; // decode: stored under /registry/nodes/
      if (node.spec?.podCIDR !== undefined) taken.add(node.spec.podCIDR);
    }
    for (const [owner, cidr] of this.#reserved) {
      const shown = this.#node(owner);
      if (shown?.spec?.podCIDR !== undefined) this.#reserved.delete(owner);
      else if (owner !== name) taken.add(cidr);
    }
    const podCidr = this.#reserved.get(name) ?? allocatePodCidr(addresses.clusterCidr, addresses.nodeMaskSize, taken);
    this.#reserved.set(name, podCidr);
    return podCidr;
  }

  async #writeStatus(name: string, report: NodeReport): Promise<void> {
    const stored = this.#node(name);
    if (stored === undefined) {
      // Someone deleted the Node of a living agent: it comes back, as with Kubernetes.
      if (this.#lastReports.has(name)) await this.#create(name, report);
      throw new Error(`node ${name} is not in the cache yet`);
    }
    const status = nodeStatus(stored.status, decodeNodeStatus(report.statusJson), formatTime(this.options.clock.now()));
    if (status === undefined) return;
    await this.options.client.updateStatus(resourceOf.node, { ...asObject(stored), status });
  }

  async #renewLease(name: string): Promise<void> {
    const { client, cache, clock } = this.options;
    const key = `/registry/${LEASES.group}/${LEASES.resource}/${LEASE_NAMESPACE}/${name}`;
    const lease = this.#leases.get(name) ?? cache.get(key)?.object;
    const spec = { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime: formatMicroTime(clock.now()) };
    try {
      const renewed =
        lease === undefined ? await client.create(LEASES, this.#newLease(name, spec)) : await client.update(LEASES, { ...lease, spec });
      this.#leases.set(name, renewed);
    } catch (error) {
      this.#leases.delete(name);
      if (isReason(error, 'NotFound'))
        throw new Error(`lease of ${name} is gone from the store but not yet from the cache`, { cause: error });
      throw error;
    }
  }

  #newLease(name: string, spec: object): KubeObject {
    const uid = this.#node(name)?.metadata?.uid;
    const owner = uid === undefined ? {} : { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] };
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: LEASE_NAMESPACE, ...owner },
      spec,
    };
  }

  #isMisjudged(name: string, report: NodeReport): boolean {
    const stored = this.#node(name)?.status?.conditions?.find((condition) => condition.type === 'Ready');
    if (stored === undefined || stored.status !== 'Unknown') return false;
    return decodeNodeStatus(report.statusJson).conditions?.some((condition) => condition.type === 'Ready') === true;
  }

  #node(name: string): Node | undefined {
    return this.options.cache.get(prefixOf('node') + name)?.object as unknown as Node | undefined; // decode: as above
  }
}

/** The stored status with the report merged in; `undefined` = nothing worth a write. Conditions of others are kept. */
export function nodeStatus(stored: NodeStatus | undefined, reported: NodeStatus, now: string): NodeStatus | undefined {
  const old = new Map((stored?.conditions ?? []).map((condition) => [condition.type, condition]));
  let isChanged = false;
  const conditions = (reported.conditions ?? []).map((condition): NodeCondition => {
    const before = old.get(condition.type);
    old.delete(condition.type);
    if (before?.status !== condition.status || before.reason !== condition.reason || before.message !== condition.message) isChanged = true;
    const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime };
  });
  const { conditions: _dropped, ...reportedRest } = reported;
  const { conditions: storedConditions, ...storedRest } = stored ?? {};
  // What the agent no longer has in use it does not mention.
  const { volumesInUse: _mentioned, ...keptRest } = storedRest;
  const rest = { ...keptRest, ...reportedRest };
  const heartbeat = storedConditions?.find((condition) => condition.type === 'Ready')?.lastHeartbeatTime;
  const isStale = heartbeat === undefined || Date.parse(now) - Date.parse(heartbeat) >= STATUS_REFRESH_MS;
  if (!isChanged && !isStale && sameJson(rest, storedRest)) return undefined;
  return { ...rest, conditions: [...old.values(), ...conditions] };
}

/** Equal but for the order of keys. */
function sameJson(left: object, right: object): boolean {
  return canonical(left) === canonical(right);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function asObject(node: Node): KubeObject {
  return { apiVersion: 'v1', kind: 'Node', ...node } as KubeObject; // decode: a stored Node has metadata
}

function decodeNodeStatus(json: string): NodeStatus {
  return JSON.parse(json) as NodeStatus;
}
