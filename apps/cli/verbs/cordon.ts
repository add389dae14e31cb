/** berth cordon, berth uncordon: whether a host takes new pods. */
import type { Command } from 'commander';
import { listAll } from '../client/fetch.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { forEach, patchObject } from '../client/write.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { dryRunQuery, dryRunSuffix, examples, inSession, type Verb } from '../verb.js';

interface CordonFlags {
  readonly selector?: string;
  readonly dryRun?: string;
}

export const cordon = cordonVerb('cordon', {
  unschedulable: true,
  summary: 'let a host take no new pods',
  description: 'Marks hosts unschedulable: their pods go on, new ones go elsewhere.',
});

export const uncordon = cordonVerb('uncordon', {
  unschedulable: false,
  summary: 'let a host take new pods again',
  description: 'Marks hosts schedulable.',
});

interface CordonText {
  readonly unschedulable: boolean;
  readonly summary: string;
  readonly description: string;
}

function cordonVerb(verb: 'cordon' | 'uncordon', { unschedulable, summary, description }: CordonText): Verb {
  return {
    register(program: Command, io: Io): void {
      const command = program
        .command(`${verb} [nodes...]`)
        .summary(summary)
        .description(description)
        .option('-l, --selector <labels>', 'hosts with these labels')
        .option('--dry-run <none|server>', 'server: answer as if, but store nothing')
        .action((names: readonly string[], flags: CordonFlags) =>
          inSession(program, io, async (session) => {
            const nodes = await nodeNames(session, names, flags.selector);
            await forEach(io, nodes, (node) => cordonOne(session, io, { node, verb, unschedulable, flags }));
          }),
        );
      examples(command, [['One host', `berth ${verb} node-2`]]);
    },
  };
}

/** Named hosts (`node-1` or `node/node-1`), or those of a selector. Throws CliError (usage) where there are none. */
export async function nodeNames(
  { client, discovery }: Session,
  names: readonly string[],
  selector: string | undefined,
): Promise<readonly string[]> {
  if (names.length > 0) return names.map((name) => name.replace(/^(?:nodes?|no)\//, ''));
  if (selector === undefined)
    throw new CliError('the name of a host is needed', exitCodes.usage, 'berth get nodes lists them; -l chooses by labels.');
  const nodes = await listAll<{ readonly metadata: { readonly name: string } }>(client, await discovery.find('nodes'), {
    namespace: undefined,
    query: { labelSelector: selector },
  });
  return nodes.map(({ metadata }) => metadata.name);
}

interface Cordoning {
  readonly node: string;
  readonly verb: string;
  readonly unschedulable: boolean;
  readonly flags: CordonFlags;
}

async function cordonOne(session: Session, io: Io, { node, verb, unschedulable, flags }: Cordoning): Promise<void> {
  const nodes = await session.discovery.find('nodes');
  const found = await session.client.json<{ readonly spec?: { readonly unschedulable?: boolean } }>(pathOf(nodes, { name: node }));
  const already = (found.spec?.unschedulable === true) === unschedulable;
  if (!already)
    await patchObject(session, {
      resource: nodes,
      name: node,
      type: 'merge',
      body: { spec: { unschedulable: unschedulable ? true : null } },
      query: dryRunQuery(flags.dryRun),
    });
  io.out.write(`node/${node} ${already ? 'already ' : ''}${verb}ed${dryRunSuffix(flags.dryRun)}\n`);
}
