/** `pods/eviction`: a deletion that a PodDisruptionBudget may delay. */
import { findKind, selectorMatches, StatusError, storePrefix, type KubeObject, type LabelSelector } from '../../api/index.js';
import { formatTime } from '../../kit/index.js';
import type { ApiResponse } from '../ports.js';
import type { ApiContext, Operation } from '../registry/context.js';
import { deleteObject } from '../registry/delete.js';
import { integer, isBeingDeleted, record, records, text, texts } from '../registry/object.js';
import { keyOf, read } from '../registry/object-store.js';
import { updateObject } from '../registry/update.js';
import { parseBody } from '../request/body.js';
import { data, formOf } from '../serve/respond.js';
import { dryRunOf } from '../serve/query.js';
import { operationOf, type ResourceRequest } from '../serve/write-request.js';
import { notFound, unknownPath } from '../status.js';

const BUDGETS = { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets' };
/** Seconds after which a client that was refused may ask again. */
const RETRY_SECONDS = 10;

export async function evictPod(context: ApiContext, resource: ResourceRequest): Promise<ApiResponse> {
  const { request, info } = resource;
  const body = request.body === '' ? {} : record(parseBody(request.body, request.headers['content-type']));
  const options = record(body['deleteOptions']);
  const asked = operationOf(resource, 'eviction');
  const operation = { ...asked, dryRun: dryRunOf(texts(options['dryRun'])) || asked.dryRun };
  const preconditions = record(options['preconditions']);
  await evict(context, operation, info.name ?? '', {
    gracePeriodSeconds: integer(options['gracePeriodSeconds']),
    propagationPolicy: text(options['propagationPolicy']),
    uid: text(preconditions['uid']),
    resourceVersion: text(preconditions['resourceVersion']),
  });
  const form = formOf(request, context.clock.now());
  return data({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, form, 201);
}

/** Deletes the pod when its budget allows it. Throws StatusError: NotFound, TooManyRequests while the budget forbids it. */
export async function evict(
  context: ApiContext,
  operation: Operation,
  name: string,
  options: Parameters<typeof deleteObject>[3],
): Promise<void> {
  const pod = (await read(context, keyOf(operation.kind, operation.namespace, name)))?.object;
  if (pod === undefined) throw notFound(operation.kind, name);
  if (needsBudget(pod)) await spendBudget(context, operation, pod);
  await deleteObject(context, operation, name, options);
}

/** Pods that do no work anyway may always go. */
function needsBudget(pod: KubeObject): boolean {
  const phase = text(record(pod['status'])['phase']);
  return !isBeingDeleted(pod) && phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending';
}

async function spendBudget(context: ApiContext, eviction: Operation, pod: KubeObject): Promise<void> {
  const budgets = context.cache.list(`${storePrefix(BUDGETS)}${eviction.namespace}/`).map(({ object }) => object);
  const matching = budgets.filter((budget) =>
    selectorMatches(record(budget['spec'])['selector'] as LabelSelector | undefined, pod.metadata.labels),
  );
  if (matching.length > 1) {
    throw new StatusError(
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  const budget = matching[0];
  const kind = findKind(BUDGETS);
  if (budget === undefined || isFreeToGo(budget, pod)) return;
  if (kind === undefined) throw unknownPath();
  const operation = { ...eviction, subresource: 'status', kind };
  await updateObject(context, operation, budget.metadata.name ?? '', (live) => spent(live, pod, formatTime(context.clock.now())));
}

/** Kubernetes docs, "Unhealthy Pod Eviction Policy": a pod that is not ready does not count while the budget is met anyway. */
function isFreeToGo(budget: KubeObject, pod: KubeObject): boolean {
  const ready = records(record(pod['status'])['conditions']).some(
    (condition) => condition['type'] === 'Ready' && condition['status'] === 'True',
  );
  if (ready) return false;
  if (record(budget['spec'])['unhealthyPodEvictionPolicy'] === 'AlwaysAllow') return true;
  const status = record(budget['status']);
  const desired = integer(status['desiredHealthy']) ?? 0;
  return (integer(status['currentHealthy']) ?? 0) >= desired && desired > 0;
}

function spent(budget: KubeObject, pod: KubeObject, now: string): KubeObject {
  const status = record(budget['status']);
  const allowed = integer(status['disruptionsAllowed']) ?? 0;
  const isCurrent = (integer(status['observedGeneration']) ?? 0) >= (budget.metadata.generation ?? 0);
  if (allowed <= 0 || !isCurrent) throw refused(budget, isCurrent);
  const disrupted = { ...record(status['disruptedPods']), [pod.metadata.name ?? '']: now };
  return { ...budget, status: { ...status, disruptionsAllowed: allowed - 1, disruptedPods: disrupted } };
}

function refused(budget: KubeObject, isCurrent: boolean): StatusError {
  const status = record(budget['status']);
  const name = budget.metadata.name ?? '';
  const text = isCurrent
    ? `The disruption budget ${name} needs ${integer(status['desiredHealthy']) ?? 0} healthy pods and has ${integer(status['currentHealthy']) ?? 0} currently`
    : `The disruption budget ${name} is still being processed by the server.`;
  return new StatusError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message: text }],
    retryAfterSeconds: RETRY_SECONDS,
  });
}
