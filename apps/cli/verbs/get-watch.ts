/** The `-w` of berth get: the list, then its changes, across broken connections. */
import type { Target } from '../client/targets.js';
import { ApiError } from '../client/api-client.js';
import { pathOf } from '../client/paths.js';
import { watchEvents } from '../client/watch.js';
import { CliError, exitCodes } from '../errors.js';
import { objectName, printObject } from '../output/format.js';
import { TABLE_ACCEPT, type ServerTable } from '../output/server-table.js';
import { namespaceOf, nameOf, selectors, tablePrinter, type GetScope } from './get-scope.js';

interface Listed extends ServerTable {
  readonly metadata: { readonly resourceVersion?: string };
  readonly items?: readonly object[];
}

/** Runs until interrupted. Throws CliError (usage) for several types, as kubectl does. */
export async function watchTargets(scope: GetScope): Promise<void> {
  const [target, ...others] = scope.targets;
  if (target === undefined || others.length > 0 || (target.names?.length ?? 0) > 1)
    throw new CliError('you may only specify a single resource type, and at most one name, when watching', exitCodes.usage);
  const watching = new Watching(scope, target);
  // A watch that the server closes (it does, after a while) goes on where it stopped; one that is too old starts again.
  for (;;) {
    try {
      await watching.listUnlessKnown();
      await watching.follow();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 410) throw error;
      watching.forget();
    }
  }
}

class Watching {
  private readonly print: (event: unknown) => void;
  private readonly accept: string;
  private resourceVersion: string | undefined;
  private shown = false;

  constructor(
    private readonly scope: GetScope,
    private readonly target: Target,
  ) {
    const { io, format, flags } = scope;
    if (format.is === 'table') {
      const printer = tablePrinter(scope, target.resource);
      this.print = (table) => io.out.write(printer.print(decodeTable(table)));
      this.accept = TABLE_ACCEPT;
    } else if (format.is === 'name') {
      this.print = (object) => io.out.write(`${objectName(target.resource, nameOf(decodeObject(object)))}\n`);
      this.accept = 'application/json';
    } else {
      this.print = (object) =>
        io.out.write(`${format.is === 'yaml' ? '---\n' : ''}${printObject(format, object, flags)}${format.is === 'jsonpath' ? '\n' : ''}`);
      this.accept = 'application/json';
    }
  }

  async listUnlessKnown(): Promise<void> {
    if (this.resourceVersion !== undefined) return;
    const { client } = this.scope.session;
    const listed = await client.json<Listed>(pathOf(this.target.resource, { namespace: namespaceOf(this.scope), query: this.query() }), {
      accept: this.accept,
    });
    this.resourceVersion = listed.metadata.resourceVersion ?? '';
    if (this.shown || this.scope.flags.watchOnly) return;
    this.shown = true;
    if (this.scope.format.is === 'table') this.print(listed);
    else for (const object of listed.items ?? []) this.print({ apiVersion: '', kind: this.target.resource.kind, ...object });
  }

  async follow(): Promise<void> {
    const query = { ...this.query(), watch: 'true', allowWatchBookmarks: 'true', resourceVersion: this.resourceVersion };
    const path = pathOf(this.target.resource, { namespace: namespaceOf(this.scope), query });
    const stream = await this.scope.session.client.stream(path, { accept: this.accept });
    for await (const { type, object } of watchEvents<object>(stream)) {
      this.resourceVersion = versionOf(object) ?? this.resourceVersion;
      if (type !== 'BOOKMARK') this.print(object);
    }
  }

  forget(): void {
    this.resourceVersion = undefined;
  }

  private query(): Record<string, string | undefined> {
    const { flags } = this.scope;
    const name = this.target.names?.[0];
    const byName = name === undefined ? flags.fieldSelector : [flags.fieldSelector, `metadata.name=${name}`].filter(Boolean).join(',');
    return { ...selectors(this.scope), fieldSelector: byName, includeObject: this.scope.format.is === 'table' ? 'Metadata' : undefined };
  }
}

function decodeTable(value: unknown): ServerTable {
  return value as ServerTable;
}

function decodeObject(value: unknown): object {
  return value as object;
}

/** Of an object, a bookmark, or a table of one row. */
function versionOf(object: object): string | undefined {
  const { metadata, rows } = object as {
    readonly metadata?: { readonly resourceVersion?: string };
    readonly rows?: readonly { readonly object?: { readonly metadata?: { readonly resourceVersion?: string } } }[];
  };
  return rows?.[0]?.object?.metadata?.resourceVersion ?? metadata?.resourceVersion;
}
