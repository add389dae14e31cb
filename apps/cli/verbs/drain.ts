/** berth drain: moves a host's pods elsewhere, as an Operation that goes on without this command. */
import type { Command } from 'commander';
import { createOperation, followOperation } from '../client/operations.js';
import type { Session } from '../client/session.js';
import { forEach } from '../client/write.js';
import { CliError } from '../errors.js';
import { pathOf } from '../client/paths.js';
import { listAll } from '../client/fetch.js';
import type { Io } from '../io.js';
import { duration, examples, inSession, wholeNumber, type Verb } from '../verb.js';
import { nodeNames } from './cordon.js';

interface DrainFlags {
  readonly ignoreDaemonsets: boolean;
  readonly deleteEmptydirData: boolean;
  readonly force: boolean;
  readonly gracePeriod: number;
  readonly timeout: number;
  readonly selector?: string;
  readonly wait: boolean;
}

export const drain: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('drain [nodes...]')
      .summary('move the pods of a host elsewhere')
      .description(
        'Cordons a host and evicts its pods, PodDisruptionBudgets respected.\nThe work is an Operation: it goes on when this command ends without being asked to; Ctrl-C cancels it.',
      )
      .option('--ignore-daemonsets', 'leave pods of DaemonSets where they are', false)
      .option('--delete-emptydir-data', 'also pods whose emptyDir volumes are lost by it', false)
      .option('--force', 'also pods that no controller makes again', false)
      .option('--grace-period <seconds>', 'time for each pod to end; -1 = its own', wholeNumber('--grace-period', -1), -1)
      .option('--timeout <duration>', 'give up after this time (0s = never)', duration('--timeout'), 0)
      .option('-l, --selector <labels>', 'hosts with these labels')
      .option('--no-wait', 'start it and do not follow')
      .action((names: readonly string[], flags: DrainFlags) =>
        inSession(program, io, async (session) => {
          const nodes = await nodeNames(session, names, flags.selector);
          await forEach(io, nodes, (node) => drainOne(session, io, { node, flags }));
        }),
      );
    examples(command, [
      ['Before maintenance', 'berth drain node-2 --ignore-daemonsets --delete-emptydir-data'],
      ['Afterwards', 'berth uncordon node-2'],
    ]);
  },
};

interface Draining {
  readonly node: string;
  readonly flags: DrainFlags;
}

async function drainOne(session: Session, io: Io, draining: Draining): Promise<void> {
  const { node, flags } = draining;
  const nodes = await session.discovery.find('nodes');
  await session.client.json(pathOf(nodes, { name: node })); // it exists, or the server says so
  if (!flags.ignoreDaemonsets) await refuseDaemonSets(session, node);
  const operation = await createOperation(session.client, {
    generateName: `drain-${node}-`,
    type: 'DrainNode',
    parameters: drainParameters(draining),
  });
  io.err.write(`operation/${operation.metadata.name} created\n`);
  if (!flags.wait) return;
  await followOperation(session.client, operation, io);
  io.out.write(`node/${node} drained\n`);
}

/** As libs/operations/drain.ts reads them. */
export function drainParameters({ node, flags }: Draining): Readonly<Record<string, string>> {
  return {
    node,
    ignoreDaemonSets: String(flags.ignoreDaemonsets),
    deleteEmptyDirData: String(flags.deleteEmptydirData),
    force: String(flags.force),
    ...(flags.gracePeriod >= 0 && { gracePeriodSeconds: String(flags.gracePeriod) }),
    ...(flags.timeout > 0 && { timeoutSeconds: String(Math.ceil(flags.timeout / 1_000)) }),
  };
}

interface OwnedPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly controller?: boolean }[];
  };
}

async function refuseDaemonSets({ client, discovery }: Session, node: string): Promise<void> {
  const pods = await listAll<OwnedPod>(client, await discovery.find('pods'), {
    namespace: undefined,
    query: { fieldSelector: `spec.nodeName=${node}` },
  });
  const owned = pods.filter(
    ({ metadata }) => metadata.ownerReferences?.some((owner) => owner.controller === true && owner.kind === 'DaemonSet') === true,
  );
  if (owned.length === 0) return;
  const names = owned.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ');
  throw new CliError(
    `cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ${names}`,
    1,
    'DaemonSets would make them again at once: with --ignore-daemonsets they stay.',
  );
}
