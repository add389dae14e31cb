/** berth scale: sets the number of replicas through the scale subresource. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { listAll } from '../client/fetch.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { parseTargets } from '../client/targets.js';
import type { Resource } from '../client/discovery.js';
import { forEach, patchObject } from '../client/write.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { objectName } from '../output/format.js';
import { dryRunQuery, dryRunSuffix, duration, examples, inSession, wholeNumber, type Verb } from '../verb.js';

interface ScaleFlags {
  readonly replicas: number;
  readonly currentReplicas?: number;
  readonly selector?: string;
  readonly all: boolean;
  readonly timeout: number;
  readonly dryRun?: string;
}

export const scale: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('scale <types> [names...]')
      .summary('set the number of replicas')
      .description('Sets how many replicas a Deployment, ReplicaSet or StatefulSet shall have.')
      .requiredOption('--replicas <count>', 'the number to have', wholeNumber('--replicas'))
      .option('--current-replicas <count>', 'only if it has this number now', wholeNumber('--current-replicas'))
      .option('-l, --selector <labels>', 'all objects of the type with these labels')
      .option('--all', 'all objects of the type', false)
      .option('--timeout <duration>', 'wait this long for the replicas to exist (0s = do not wait)', duration('--timeout'), 0)
      .option('--dry-run <none|server>', 'server: answer as if, but store nothing')
      .action((types: string, names: readonly string[], flags: ScaleFlags) =>
        inSession(program, io, (session) => runScale(session, io, { words: [types, ...names], flags })),
      );
    examples(command, [
      ['Three replicas', 'berth scale deploy/web --replicas=3'],
      ['Only from two to three', 'berth scale deploy/web --current-replicas=2 --replicas=3'],
    ]);
  },
};

interface ScaleObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number };
}

async function runScale(
  session: Session,
  io: Io,
  { words, flags }: { readonly words: readonly string[]; readonly flags: ScaleFlags },
): Promise<void> {
  dryRunQuery(flags.dryRun);
  const targets = await parseTargets(words, session.discovery);
  const objects: { resource: Resource; name: string }[] = [];
  for (const { resource, names } of targets)
    objects.push(...(names ?? (await namesOf(session, resource, flags))).map((name) => ({ resource, name })));
  if (objects.length === 0) throw new CliError('no objects passed to scale');
  await forEach(io, objects, async ({ resource, name }) => {
    await scaleOne(session, { resource, name, flags });
    io.out.write(`${objectName(resource, name)} scaled${dryRunSuffix(flags.dryRun)}\n`);
    if (flags.timeout > 0 && flags.dryRun !== 'server') await waitForReplicas(session, { resource, name, flags });
  });
}

async function namesOf({ client, namespace }: Session, resource: Resource, flags: ScaleFlags): Promise<readonly string[]> {
  if (flags.selector === undefined && !flags.all)
    throw new CliError('resource(s) were provided, but no name was specified', exitCodes.usage, 'Name them, or choose with -l or --all.');
  const items = await listAll<{ readonly metadata: { readonly name: string } }>(client, resource, {
    namespace,
    query: { labelSelector: flags.selector },
  });
  return items.map(({ metadata }) => metadata.name);
}

interface Scaling {
  readonly resource: Resource;
  readonly name: string;
  readonly flags: ScaleFlags;
}

async function scaleOne(session: Session, { resource, name, flags }: Scaling): Promise<void> {
  if (!resource.subresources.includes('scale'))
    throw new CliError(
      `cannot scale ${objectName(resource, name)}: the type has no replicas`,
      exitCodes.usage,
      'Deployments, ReplicaSets and StatefulSets have.',
    );
  if (flags.currentReplicas !== undefined) {
    const current = await session.client.json<ScaleObject>(pathOf(resource, { namespace: session.namespace, name, subresource: 'scale' }));
    if (current.spec?.replicas !== flags.currentReplicas)
      throw new CliError(`Expected replicas to be ${flags.currentReplicas}, was ${current.spec?.replicas ?? 0}`);
  }
  await patchObject(session, {
    resource,
    name,
    type: 'merge',
    subresource: 'scale',
    body: { spec: { replicas: flags.replicas } },
    query: dryRunQuery(flags.dryRun),
  });
}

const POLL_MS = 100;

async function waitForReplicas({ client, namespace }: Session, { resource, name, flags }: Scaling): Promise<void> {
  const deadline = performance.now() + flags.timeout;
  for (;;) {
    const { status } = await client.json<ScaleObject>(pathOf(resource, { namespace, name, subresource: 'scale' }));
    if (status?.replicas === flags.replicas) return;
    if (performance.now() > deadline)
      throw new CliError('timed out waiting for the condition', exitCodes.failed, `berth describe ${objectName(resource, name)}`);
    await sleep(POLL_MS);
  }
}
