/** berth rollout status: follows a rollout by watching its object. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaemonSet, Deployment, StatefulSet } from '../../../libs/api/index.js';
import { ApiError } from '../client/api-client.js';
import { pluralName, type Resource } from '../client/discovery.js';
import { pathOf } from '../client/paths.js';
import { daemonSetRollout, deploymentRollout, statefulSetRollout, type RolloutState } from '../client/rollouts.js';
import type { Session } from '../client/session.js';
import { watchEvents } from '../client/watch.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';

type Workload = Deployment & DaemonSet & StatefulSet;

const stateOf: Readonly<Record<string, (object: Workload) => RolloutState>> = {
  deployments: deploymentRollout,
  daemonsets: daemonSetRollout,
  statefulsets: statefulSetRollout,
};

export interface FollowOptions {
  readonly resource: Resource;
  readonly name: string;
  readonly watch: boolean;
  readonly timeout: number;
  readonly revision?: number;
}

/** Prints each new state; throws CliError when it fails, is replaced, or takes longer than `timeout` (ms, 0 = for ever). */
export async function followRollout(session: Session, io: Io, options: FollowOptions): Promise<void> {
  const { resource, name, timeout } = options;
  const judge = stateOf[resource.name];
  if (judge === undefined) throw new CliError(`no status viewer has been implemented for ${pluralName(resource)}`, exitCodes.usage);
  const signal = timeout > 0 ? AbortSignal.timeout(timeout) : undefined;
  try {
    await follow(session, io, { ...options, judge, signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    throw new CliError(
      'timed out waiting for the condition',
      exitCodes.failed,
      `What holds it up: berth describe ${resource.singular}/${name}`,
    );
  }
}

interface Following extends FollowOptions {
  readonly judge: (object: Workload) => RolloutState;
  readonly signal: AbortSignal | undefined;
}

const RETRY_MS = 200;

async function follow(
  { client, namespace }: Session,
  io: Io,
  { resource, name, watch, revision, judge, signal }: Following,
): Promise<void> {
  let said = '';
  const look = (object: Workload): boolean => {
    const { message, done, failed } = judge(object);
    checkRevision(object, revision);
    if (failed === true) throw new CliError(message);
    if (message !== said) io.out.write(`${message}\n`);
    said = message;
    return done || !watch;
  };
  for (;;) {
    const object = await client.json<Workload>(pathOf(resource, { namespace, name }));
    if (look(object)) return;
    const query = { watch: 'true', fieldSelector: `metadata.name=${name}`, resourceVersion: object.metadata?.resourceVersion };
    try {
      for await (const event of watchEvents<Workload>(await client.stream(pathOf(resource, { namespace, query }), { signal }))) {
        if (event.type === 'DELETED') throw new CliError('object has been deleted');
        if (event.type !== 'BOOKMARK' && look(event.object)) return;
      }
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 410) throw error;
    }
    signal?.throwIfAborted();
    await sleep(RETRY_MS);
  }
}

function checkRevision({ metadata }: Workload, wanted: number | undefined): void {
  const revision = metadata?.annotations?.['deployment.kubernetes.io/revision'];
  if (wanted !== undefined && revision !== undefined && Number(revision) !== wanted)
    throw new CliError(`desired revision (${wanted}) is different from the running revision (${revision})`);
}
