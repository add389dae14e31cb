/** Carries out a plan through the API: in order, stopping at the first failure; runs of creates or deletes go in parallel. */
import { assertNever } from '../kit/index.js';
import { StatusError } from '../api/index.js';
import type { KubeObject } from '../api/index.js';
import type { EventRecorder } from './events.js';
import type { ObjectAction, ObjectClient, Plan, PlanFailure } from './plan.js';

/** Creates (or deletes) of one plan that are under way at once. */
export const PARALLEL_ACTIONS_MAX = 64;
/** The first batch is small, so that a create that cannot work (quota, forbidden) is refused a few times and not a thousand. */
export const PARALLEL_ACTIONS_FIRST = 8;

export interface PlanOutcome {
  /** Highest resourceVersion that the plan wrote; the key waits for the cache to show it. 0 = wrote nothing. */
  readonly revision: number;
  readonly failure?: PlanFailure | undefined;
}

interface Execution {
  readonly client: ObjectClient;
  readonly events: EventRecorder;
  readonly source: string;
  revision: number;
}

/** Executes `plan`. Never rejects for an API refusal: that is the outcome's `failure`. */
export async function executePlan(
  plan: Plan,
  dependencies: { readonly client: ObjectClient; readonly events: EventRecorder; readonly source: string },
): Promise<PlanOutcome> {
  const run: Execution = { ...dependencies, revision: 0 };
  for (const group of parallelGroups(plan.actions)) {
    const failure = group.length === 1 ? await perform(run, group) : await performInBatches(run, group);
    if (failure !== undefined) return { revision: run.revision, failure };
  }
  return { revision: run.revision };
}

/** Neighbouring creates do not depend on each other unless they are of different resources; the same holds for deletes. */
export function parallelGroups(actions: readonly ObjectAction[]): readonly (readonly ObjectAction[])[] {
  const groups: ObjectAction[][] = [];
  for (const action of actions) {
    const group = groups.at(-1);
    const first = group?.[0];
    if (group !== undefined && first !== undefined && mayRunTogether(first, action)) group.push(action);
    else groups.push([action]);
  }
  return groups;
}

function mayRunTogether(a: ObjectAction, b: ObjectAction): boolean {
  if (a.do === 'create' && b.do === 'create') return a.resource.resource === b.resource.resource && a.resource.group === b.resource.group;
  return a.do === 'delete' && b.do === 'delete' && a.ref.resource === b.ref.resource && a.ref.group === b.ref.group;
}

async function performInBatches(run: Execution, actions: readonly ObjectAction[]): Promise<PlanFailure | undefined> {
  let size = PARALLEL_ACTIONS_FIRST;
  for (let start = 0; start < actions.length;) {
    const failure = await perform(run, actions.slice(start, start + size));
    if (failure !== undefined) return failure;
    start += size;
    size = Math.min(size * 2, PARALLEL_ACTIONS_MAX);
  }
  return undefined;
}

/** All at once; the first failure in order is the answer. */
async function perform(run: Execution, actions: readonly ObjectAction[]): Promise<PlanFailure | undefined> {
  const failures = await Promise.all(actions.map((action) => performOne(run, action)));
  return failures.find((failure) => failure !== undefined);
}

async function performOne(run: Execution, action: ObjectAction): Promise<PlanFailure | undefined> {
  try {
    const written = await call(run, action);
    const revision = Number(written?.metadata.resourceVersion ?? 0);
    if (revision > run.revision) run.revision = revision;
    reportSuccess(run, action);
    return undefined;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    if (isAlreadyTrue(action, error)) return undefined;
    reportFailure(run, action, error);
    return { action: action.do, reason: error.reason, message: error.message };
  }
}

/** A delete wants the object gone. A conflict (another uid, or lost races) is not that: the next view tells which it was. */
function isAlreadyTrue(action: ObjectAction, error: StatusError): boolean {
  return action.do === 'delete' && error.reason === 'NotFound';
}

async function call(run: Execution, action: ObjectAction): Promise<KubeObject | undefined> {
  const { client } = run;
  switch (action.do) {
    case 'create':
      return await client.create(action.resource, action.object);
    case 'update':
      return await client.update(action.resource, action.object);
    case 'update-status':
      return await client.updateStatus(action.resource, action.object);
    case 'finalize':
      return await client.finalize(action.resource, action.object);
    case 'delete':
      return await client.delete(action.ref, {
        uid: action.uid,
        propagation: action.propagation,
        gracePeriodSeconds: action.gracePeriodSeconds,
      });
    case 'bind':
      return await client.bind(action.namespace, action.pod, action.uid, action.node);
    case 'event':
      run.events.record({ ...action, source: run.source });
      return undefined;
    default:
      return assertNever(action);
  }
}

function reportSuccess(run: Execution, action: ObjectAction): void {
  if ((action.do !== 'create' && action.do !== 'delete') || action.reportTo === undefined) return;
  const [reason, message]: readonly [string, string] =
    action.do === 'create'
      ? ['SuccessfulCreate', `Created ${action.object.kind.toLowerCase()}: ${action.object.metadata.name ?? ''}`]
      : ['SuccessfulDelete', `Deleted ${singular(action.ref.resource)}: ${action.ref.name}`];
  const said = action.reportAs ?? message;
  run.events.record({ regarding: action.reportTo, type: 'Normal', reason, message: said, source: run.source });
}

/** A conflict or a name taken says only that the view was old: the next round sees more. */
function reportFailure(run: Execution, action: ObjectAction, error: StatusError): void {
  if ((action.do !== 'create' && action.do !== 'delete') || action.reportTo === undefined) return;
  if (error.reason === 'Conflict' || error.reason === 'AlreadyExists') return;
  const [reason, verb] = action.do === 'create' ? ['FailedCreate', 'creating'] : ['FailedDelete', 'deleting'];
  run.events.record({
    regarding: action.reportTo,
    type: 'Warning',
    reason,
    message: `Error ${verb}: ${error.message}`,
    source: run.source,
  });
}

function singular(resource: string): string {
  return resource.endsWith('s') ? resource.slice(0, -1) : resource;
}
