/** berth logs: what containers wrote, of one pod or of all pods of a workload. */
import type { Command } from 'commander';
import type { Pod } from '../../../libs/api/index.js';
import { pathOf } from '../client/paths.js';
import { containerOf, podsNamed, podsSelected } from '../client/pods.js';
import type { Session } from '../client/session.js';
import { linesOf } from '../client/watch.js';
import { CliError, exitCodes } from '../errors.js';
import { paint, type Io } from '../io.js';
import { duration, examples, inSession, wholeNumber, type Verb } from '../verb.js';

interface LogsFlags {
  readonly follow: boolean;
  readonly tail?: number;
  readonly since?: number;
  readonly sinceTime?: string;
  readonly container?: string;
  readonly allContainers: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly selector?: string;
  readonly prefix?: boolean;
  readonly limitBytes?: number;
  readonly maxLogRequests: number;
}

/** Of each pod, where pods were chosen by labels; as with kubectl. */
const SELECTED_TAIL = 10;

export const logs: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('logs [pod] [container]')
      .summary('what containers wrote')
      .description('Shows the output of containers. "deploy/web" and -l show all pods, each line with the name of its pod in front.')
      .option('-f, --follow', 'go on as more is written', false)
      .option('--tail <lines>', `only the last lines (default all; ${SELECTED_TAIL} with -l)`, wholeNumber('--tail', -1))
      .option('--since <duration>', 'only what is newer, such as 5m', duration('--since'))
      .option('--since-time <time>', 'only what is newer than this time (RFC 3339)')
      .option('-c, --container <name>', 'which container of the pod')
      .option('--all-containers', 'all containers of the pod', false)
      .option('-p, --previous', 'of the run before the last restart', false)
      .option('--timestamps', 'with the time of each line', false)
      .option('-l, --selector <labels>', 'pods with these labels')
      .option('--prefix', 'pod and container in front of each line (default with several)')
      .option('--no-prefix', 'no names in front')
      .option('--limit-bytes <bytes>', 'at most this much of each', wholeNumber('--limit-bytes', 1))
      .option('--max-log-requests <count>', 'most containers to follow at once', wholeNumber('--max-log-requests', 1), 20)
      .action((word: string | undefined, container: string | undefined, flags: LogsFlags) =>
        inSession(program, io, (session) =>
          runLogs(session, io, { word, flags: container === undefined ? flags : { ...flags, container } }),
        ),
      );
    examples(command, [
      ['The end of one pod, and what follows', 'berth logs web-7d4b9c-x2x7p --tail=20 -f'],
      ['All pods of a workload', 'berth logs deploy/web -f'],
      ['Why it was restarted', 'berth logs web-7d4b9c-x2x7p -p'],
    ]);
  },
};

interface Source {
  readonly pod: string;
  readonly container: string;
}

async function runLogs(
  session: Session,
  io: Io,
  { word, flags }: { readonly word: string | undefined; readonly flags: LogsFlags },
): Promise<void> {
  const pods = await choosePods(session, word, flags);
  if (pods.length === 0) {
    io.err.write(`No resources found in ${session.namespace} namespace.\n`);
    return;
  }
  const sources = pods.flatMap((pod) =>
    containersOf(io, pod, flags).map((container): Source => ({ pod: pod.metadata?.name ?? '', container })),
  );
  if (flags.follow && sources.length > flags.maxLogRequests)
    throw new CliError(
      `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${flags.maxLogRequests}`,
      exitCodes.usage,
      'Use --max-log-requests to increase the limit.',
    );
  const prefixed = flags.prefix ?? sources.length > 1;
  const read = (source: Source, index: number): Promise<void> =>
    copyLog(session, io, { source, flags, prefix: prefixed ? prefixOf(io, source, index) : '' });
  if (flags.follow) await Promise.all(sources.map(read));
  else for (const [index, source] of sources.entries()) await read(source, index);
}

async function choosePods(session: Session, word: string | undefined, flags: LogsFlags): Promise<readonly Pod[]> {
  if (word !== undefined && flags.selector !== undefined)
    throw new CliError('only a selector (-l) or a POD name is allowed', exitCodes.usage);
  if (flags.selector !== undefined) return podsSelected(session, flags.selector);
  if (word === undefined) throw new CliError('expected a pod, a workload such as deploy/web, or -l <labels>', exitCodes.usage);
  return podsNamed(session, word);
}

function containersOf(io: Io, pod: Pod, flags: LogsFlags): readonly string[] {
  if (!flags.allContainers) return [containerOf(io, pod, flags.container)];
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(({ name }) => name);
}

const colours = ['cyan', 'yellow', 'green', 'bold'] as const;

function prefixOf(io: Io, { pod, container }: Source, index: number): string {
  return `${paint(io, colours[index % colours.length] ?? 'cyan', `[pod/${pod}/${container}]`)} `;
}

interface Copying {
  readonly source: Source;
  readonly flags: LogsFlags;
  readonly prefix: string;
}

async function copyLog({ client, discovery, namespace }: Session, io: Io, { source, flags, prefix }: Copying): Promise<void> {
  const tail = flags.tail ?? (flags.selector === undefined ? -1 : SELECTED_TAIL);
  const query = {
    container: source.container,
    follow: flags.follow ? 'true' : undefined,
    previous: flags.previous ? 'true' : undefined,
    timestamps: flags.timestamps ? 'true' : undefined,
    tailLines: tail >= 0 ? String(tail) : undefined,
    sinceSeconds: flags.since === undefined ? undefined : String(Math.max(1, Math.round(flags.since / 1_000))),
    sinceTime: flags.sinceTime,
    limitBytes: flags.limitBytes === undefined ? undefined : String(flags.limitBytes),
  };
  const path = pathOf(await discovery.find('pods'), { namespace, name: source.pod, subresource: 'log', query });
  const stream = await client.stream(path, { accept: '*/*' });
  if (prefix === '') for await (const chunk of stream) io.out.write(chunk as Buffer);
  else for await (const line of linesOf(stream)) io.out.write(`${prefix}${line}\n`);
}
