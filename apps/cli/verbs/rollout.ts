/** berth rollout: status, history, undo, restart, pause and resume of workloads. The parts are in rollout-*.ts. */
import type { Command } from 'commander';
import { getOrUndefined } from '../client/fetch.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { parseTarget, parseTargets } from '../client/targets.js';
import type { Resource } from '../client/discovery.js';
import { pluralName } from '../client/discovery.js';
import { forEach, patchObject } from '../client/write.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { objectName } from '../output/format.js';
import { duration, examples, inSession, wholeNumber, type Verb } from '../verb.js';
import { showHistory, undoRollout } from './rollout-history.js';
import { followRollout } from './rollout-status.js';

type Action<F> = (session: Session, named: { readonly resource: Resource; readonly name: string }, flags: F) => Promise<void>;

export const rollout: Verb = {
  register(program: Command, io: Io): void {
    const group = program
      .command('rollout')
      .summary('status, history, undo, restart, pause, resume')
      .description('Manages the rollouts of Deployments, and where it makes sense of StatefulSets and DaemonSets.');
    const verb = <F>(name: string, summary: string, action: Action<F>): Command =>
      group
        .command(`${name} <types> [names...]`)
        .summary(summary)
        .action((types: string, names: readonly string[], flags: F) =>
          inSession(program, io, async (session) => {
            const objects = await namedObjects(session, [types, ...names]);
            await forEach(io, objects, (one) => action(session, one, flags));
          }),
        );
    verb<{ watch: boolean; timeout: number; revision?: number }>('status', 'follow a rollout to its end', (session, one, flags) =>
      followRollout(session, io, { ...one, ...flags }),
    )
      .option('--no-watch', 'say how it stands and end')
      .option('--timeout <duration>', 'give up after this time (0s = never)', duration('--timeout'), 0)
      .option('--revision <number>', 'fail when another revision takes its place', wholeNumber('--revision'));
    verb<{ revision?: number }>('history', 'earlier revisions', (session, one, { revision }) =>
      showHistory(session, io, { ...one, revision }),
    ).option('--revision <number>', 'that revision in full', wholeNumber('--revision'));
    verb<{ toRevision?: number }>('undo', 'go back to an earlier revision', (session, one, { toRevision }) =>
      undoRollout(session, io, { ...one, revision: toRevision }),
    ).option('--to-revision <number>', 'which one (default the one before)', wholeNumber('--to-revision'));
    verb('restart', 'replace all pods, gently', (session, one) => restart(session, io, one));
    verb('pause', 'let changes wait', (session, one) => setPaused(session, io, { ...one, paused: true }));
    verb('resume', 'let changes go on', (session, one) => setPaused(session, io, { ...one, paused: false }));
    examples(group, [
      ['Wait for it', 'berth rollout status deploy/web --timeout=2m'],
      ['It was better before', 'berth rollout undo deploy/web'],
      ['New pods of the same kind', 'berth rollout restart deploy/web'],
    ]);
  },
};

async function namedObjects(session: Session, words: readonly string[]): Promise<readonly { resource: Resource; name: string }[]> {
  if (words.length === 1) return [await parseTarget(words, session.discovery)];
  const targets = await parseTargets(words, session.discovery);
  return targets.flatMap(({ resource, names }) => (names ?? []).map((name) => ({ resource, name })));
}

interface Named {
  readonly resource: Resource;
  readonly name: string;
}

const restartable: ReadonlySet<string> = new Set(['apps/deployments', 'apps/statefulsets', 'apps/daemonsets']);

async function restart(session: Session, io: Io, { resource, name }: Named): Promise<void> {
  if (!restartable.has(`${resource.group}/${resource.name}`))
    throw new CliError(`${pluralName(resource)} "${name}" restarting is not supported`, exitCodes.usage);
  const current = await session.client.json<{ readonly spec?: { readonly paused?: boolean } }>(
    pathOf(resource, { namespace: session.namespace, name }),
  );
  if (current.spec?.paused === true) throw new CliError(`can't restart paused deployment (run rollout resume first)`);
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString().replace(/\.\d+Z$/, 'Z') };
  await patchObject(session, { resource, name, type: 'strategic', body: { spec: { template: { metadata: { annotations } } } } });
  io.out.write(`${objectName(resource, name)} restarted\n`);
}

async function setPaused(session: Session, io: Io, { resource, name, paused }: Named & { readonly paused: boolean }): Promise<void> {
  const word = paused ? 'paused' : 'resumed';
  if (resource.name !== 'deployments')
    throw new CliError(`${pluralName(resource)} "${name}" ${paused ? 'pausing' : 'resuming'} is not supported`, exitCodes.usage);
  const path = pathOf(resource, { namespace: session.namespace, name });
  const current = await getOrUndefined<{ readonly spec?: { readonly paused?: boolean } }>(session.client, path);
  if (current === undefined) await session.client.json(path); // the server's own NotFound
  if ((current?.spec?.paused === true) === paused)
    throw new CliError(`${pluralName(resource)} "${name}" is ${paused ? 'already' : 'not'} paused`);
  await patchObject(session, { resource, name, type: 'merge', body: { spec: { paused: paused ? true : null } } });
  io.out.write(`${objectName(resource, name)} ${word}\n`);
}
