/** What the parts of berth get share: its flags, and what follows from them. */
import type { Resource } from '../client/discovery.js';
import type { Query } from '../client/paths.js';
import type { Session } from '../client/session.js';
import type { Target } from '../client/targets.js';
import { CliError, exitCodes } from '../errors.js';
import type { Io } from '../io.js';
import type { Format } from '../output/format.js';
import { TablePrinter } from '../output/server-table.js';
import { statusStyle } from '../output/status-colour.js';

export interface GetFlags {
  readonly output?: string;
  readonly allNamespaces: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly watch: boolean;
  readonly watchOnly: boolean;
  readonly headers: boolean;
  readonly showLabels: boolean;
  readonly showKind: boolean;
  readonly labelColumns: readonly string[];
  readonly sortBy?: string;
  readonly ignoreNotFound: boolean;
  readonly showManagedFields: boolean;
  readonly filename: readonly string[];
  readonly raw?: string;
}

export interface GetScope {
  readonly session: Session;
  readonly io: Io;
  readonly flags: GetFlags;
  readonly format: Format;
  readonly targets: readonly Target[];
}

/** The namespace in the path: none with `-A`. */
export function namespaceOf({ session, flags, targets }: GetScope): string | undefined {
  if (!flags.allNamespaces) return session.namespace;
  if (targets.some(({ names }) => names !== undefined))
    throw new CliError('a resource cannot be retrieved by name across all namespaces', exitCodes.usage, 'Name its namespace with -n.');
  return undefined;
}

export function selectors({ flags }: GetScope): Query {
  return { labelSelector: flags.selector, fieldSelector: flags.fieldSelector };
}

export function tablePrinter({ flags, io, targets, format }: GetScope, resource: Resource): TablePrinter {
  return new TablePrinter(resource, {
    wide: format.is === 'table' && format.wide,
    headers: flags.headers,
    allNamespaces: flags.allNamespaces,
    showKind: flags.showKind || new Set(targets.map((target) => target.resource)).size > 1,
    showLabels: flags.showLabels,
    labelColumns: flags.labelColumns,
    style: statusStyle(io),
  });
}

export function nameOf(object: object): string {
  return (object as { readonly metadata?: { readonly name?: string } }).metadata?.name ?? '';
}
