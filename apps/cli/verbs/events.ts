/** berth events: what happened, oldest first. */
import type { Command } from 'commander';
import { byLastSeen, lastSeen, type EventJson } from '../client/events.js';
import { listAll } from '../client/fetch.js';
import { pathOf } from '../client/paths.js';
import type { Session } from '../client/session.js';
import { parseTarget } from '../client/targets.js';
import { watchEvents } from '../client/watch.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import { Columns } from '../output/columns.js';
import { parseFormat, printObject } from '../output/format.js';
import { statusStyle } from '../output/status-colour.js';
import { examples, inSession, type Verb } from '../verb.js';

interface EventsFlags {
  readonly allNamespaces: boolean;
  readonly for?: string;
  readonly types?: string;
  readonly watch: boolean;
  readonly output?: string;
  readonly headers: boolean;
}

export const events: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('events')
      .summary('what happened')
      .description('Shows events, the newest last.')
      .option('-A, --all-namespaces', 'events of all namespaces', false)
      .option('--for <type/name>', 'only those about this object')
      .option('--types <types>', 'only Normal or Warning')
      .option('-w, --watch', 'go on and show new ones', false)
      .option('-o, --output <format>', 'yaml, json, jsonpath=...')
      .option('--no-headers', 'no line of column names')
      .action((flags: EventsFlags) => inSession(program, io, (session) => runEvents(session, io, flags)));
    examples(command, [
      ['Why does it not start?', 'berth events --for pod/web-1'],
      ['Trouble anywhere, as it comes', 'berth events -A --types=Warning -w'],
    ]);
  },
};

async function runEvents(session: Session, io: Io, flags: EventsFlags): Promise<void> {
  const resource = await session.discovery.find('events.v1');
  const namespace = flags.allNamespaces ? undefined : session.namespace;
  const query = { fieldSelector: await objectSelector(session, flags.for) };
  const listed = byLastSeen((await listAll<EventJson>(session.client, resource, { namespace, query })).filter(wanted(flags.types)));
  const format = parseFormat(flags.output);
  if (format.is !== 'table') {
    io.out.write(
      printObject(format === undefined || format.is === 'name' ? { is: 'json' } : format, {
        apiVersion: 'v1',
        kind: 'List',
        metadata: {},
        items: listed,
      }),
    );
    return;
  }
  const printer = new EventPrinter(io, flags);
  if (listed.length === 0 && !flags.watch)
    io.err.write(namespace === undefined ? 'No events found.\n' : `No events found in ${namespace} namespace.\n`);
  printer.print(listed);
  if (!flags.watch) return;
  const path = pathOf(resource, { namespace, query: { ...query, watch: 'true', resourceVersion: newestVersion(listed) } });
  for await (const { type, object } of watchEvents<EventJson>(await session.client.stream(path)))
    if ((type === 'ADDED' || type === 'MODIFIED') && wanted(flags.types)(object)) printer.print([object]);
}

/** Versions of one cluster are numbers that grow. */
function newestVersion(listed: readonly EventJson[]): string | undefined {
  const versions = listed.map(({ metadata }) => Number(metadata.resourceVersion ?? '0'));
  return versions.length === 0 ? undefined : String(Math.max(...versions));
}

async function objectSelector({ discovery }: Session, text: string | undefined): Promise<string | undefined> {
  if (text === undefined) return undefined;
  if (!/^[^/]+\/[^/]+$/.test(text)) throw new CliError(`--for must be in resource/name form: ${text}`, exitCodes.usage);
  const { resource, name } = await parseTarget([text], discovery);
  return `involvedObject.kind=${resource.kind},involvedObject.name=${name}`;
}

function wanted(types: string | undefined): (event: EventJson) => boolean {
  if (types === undefined) return () => true;
  const names = new Set(types.toLowerCase().split(','));
  return (event) => names.has((event.type ?? 'Normal').toLowerCase());
}

class EventPrinter {
  private readonly columns = new Columns();
  private headersDue: boolean;

  constructor(
    private readonly io: Io,
    private readonly flags: EventsFlags,
  ) {
    this.headersDue = flags.headers;
  }

  print(list: readonly EventJson[]): void {
    if (list.length === 0) return;
    const place = (text: string | undefined): readonly string[] => (this.flags.allNamespaces ? [text ?? ''] : []);
    const headers = [...place('NAMESPACE'), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];
    const rows = list.map((event) => [
      ...place(event.metadata.namespace),
      lastSeen(event),
      event.type ?? '',
      event.reason ?? '',
      `${event.involvedObject.kind ?? ''}/${event.involvedObject.name ?? ''}`,
      (event.message ?? '').trim().replaceAll('\n', ' '),
    ]);
    const style = statusStyle(this.io);
    this.io.out.write(
      this.columns.render(this.headersDue ? [headers, ...rows] : rows, (text, _row, column) => style(text, headers[column] ?? '')),
    );
    this.headersDue = false;
  }
}
