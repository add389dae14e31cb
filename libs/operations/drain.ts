/** `DrainNode`: cordons a node and evicts its pods, PodDisruptionBudgets respected; repeatable from any point. */
import { storeKey, storePrefix, StatusError, type KubeObject, type Node, type Pod, type Stored } from '../api/index.js';
import type { CancelSignal, Clock } from '../kit/index.js';
import type { ObjectClient } from '../reconciling/index.js';
import type { WatchCache } from '../storage/index.js';
import type { OperationHandler, OperationReporter } from './ports.js';

const nodes = { group: '', resource: 'nodes' } as const;
const pods = { group: '', resource: 'pods' } as const;
const ROUND_MS = 250;

export interface DrainDependencies {
  readonly cache: WatchCache;
  readonly client: Pick<ObjectClient, 'update'>;
  readonly clock: Clock;
  /** The eviction subresource; throws StatusError TooManyRequests while a budget forbids it. */
  readonly evict: (pod: Stored<Pod>, gracePeriodSeconds: number | undefined) => Promise<void>;
}

/** Parameters: `node`; `ignoreDaemonSets`, `deleteEmptyDirData`, `force` ("true"), `gracePeriodSeconds`, `timeoutSeconds`: as kubectl drain. */
export function drainHandler(dependencies: DrainDependencies): OperationHandler {
  return async (operation, reporter, signal) => {
    const parameters = operation.spec.parameters ?? {};
    const name = parameters['node'] ?? '';
    await cordon(dependencies, name);
    reporter.log(`node/${name} cordoned`);
    const refused = podsOn(dependencies.cache, name).flatMap((pod) => refusal(pod, parameters));
    if (refused.length > 0) throw new Error(`cannot drain ${name}: ${refused.join('; ')}`);
    await evictAll(dependencies, { name, parameters }, { reporter, signal });
    return `node/${name} drained`;
  };
}

type Parameters = Readonly<Record<string, string>>;

async function cordon({ cache, client, clock }: DrainDependencies, name: string): Promise<void> {
  for (;;) {
    const object = cache.get(storeKey(nodes, undefined, name))?.object;
    if (object === undefined) throw new Error(`nodes "${name}" not found`);
    const node = object as KubeObject & Node;
    if (node.spec?.unschedulable === true) return;
    try {
      await client.update(nodes, { ...node, spec: { ...node.spec, unschedulable: true } });
      return;
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'Conflict') throw error;
      await clock.sleep(20);
    }
  }
}

/** Pods that drain concerns: not finished ones, not those of DaemonSets, not mirrors. */
function podsOn(cache: WatchCache, node: string): readonly Stored<Pod>[] {
  return cache
    .list(storePrefix(pods))
    .map((entry) => entry.object as unknown as Stored<Pod>)
    .filter((pod) => pod.spec?.nodeName === node && !['Succeeded', 'Failed'].includes(pod.status?.phase ?? ''))
    .filter((pod) => !ownedBy(pod, 'DaemonSet'));
}

function ownedBy(pod: Stored<Pod>, kind: string): boolean {
  return pod.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.kind === kind) === true;
}

/** Why a pod must not be evicted without being asked for it, in kubectl's words. */
function refusal(pod: Stored<Pod>, parameters: Parameters): readonly string[] {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const controlled = pod.metadata.ownerReferences?.some((owner) => owner.controller === true) === true;
  if (!controlled && parameters['force'] !== 'true') return [`Pod ${name} declares no controller (use --force to override)`];
  const hasLocalData = pod.spec?.volumes?.some((volume) => volume.emptyDir !== undefined) === true;
  if (hasLocalData && parameters['deleteEmptyDirData'] !== 'true')
    return [`Pod ${name} has local storage (use --delete-emptydir-data to override)`];
  return [];
}

interface Telling {
  readonly reporter: OperationReporter;
  readonly signal: CancelSignal;
}

async function evictAll(
  dependencies: DrainDependencies,
  drain: { readonly name: string; readonly parameters: Parameters },
  { reporter, signal }: Telling,
): Promise<void> {
  const { cache, clock } = dependencies;
  const grace = drain.parameters['gracePeriodSeconds'];
  const timeoutMs = Number(drain.parameters['timeoutSeconds'] ?? '0') * 1_000;
  const startedAt = clock.now();
  const total = podsOn(cache, drain.name).length;
  for (;;) {
    const left = podsOn(cache, drain.name);
    reporter.progress(total === 0 ? 100 : (100 * (total - left.length)) / Math.max(total, left.length), `${left.length} pods left`);
    if (left.length === 0) return;
    if (signal.aborted) throw new Error('cancelled');
    if (timeoutMs > 0 && clock.now() - startedAt > timeoutMs)
      throw new Error(`drain did not complete within ${timeoutMs / 1_000} s: ${left.length} pods left`);
    for (const pod of left.filter((candidate) => candidate.metadata.deletionTimestamp === undefined))
      await evictOne(dependencies, pod, { grace, reporter });
    await clock.sleep(ROUND_MS, signal);
  }
}

async function evictOne(
  { evict }: DrainDependencies,
  pod: Stored<Pod>,
  { grace, reporter }: { readonly grace: string | undefined; readonly reporter: OperationReporter },
): Promise<void> {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  try {
    await evict(pod, grace === undefined ? undefined : Number(grace));
    reporter.log(`evicting pod ${name}`);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    if (error.reason === 'NotFound') return;
    if (error.reason !== 'TooManyRequests') throw error;
    reporter.progress(0, `waiting: ${name}: ${error.message}`);
  }
}
