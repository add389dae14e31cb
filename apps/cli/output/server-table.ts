/** Prints the tables that the server makes (meta.k8s.io/v1 Table). */
import { typeName, type Resource } from '../client/discovery.js';
import { Columns } from './columns.js';

export interface ServerTable {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions: readonly { readonly name: string; readonly type: string; readonly priority?: number }[];
  readonly rows: readonly TableRow[];
}

export interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: { readonly metadata?: RowMetadata };
}

interface RowMetadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Asks for tables, and for lists of those who cannot make them. */
export const TABLE_ACCEPT = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export interface TableOptions {
  readonly wide: boolean;
  readonly headers: boolean;
  readonly allNamespaces: boolean;
  /** Prefix names with their type: several types are printed. */
  readonly showKind: boolean;
  readonly showLabels: boolean;
  /** Labels shown as columns of their own. */
  readonly labelColumns: readonly string[];
  /** Wraps a cell in colour; the identity where the terminal shows none. */
  readonly style?: (text: string, column: string) => string;
}

/** One table, printed in pieces: the first with headers, the later ones (of a watch) aligned to it. */
export class TablePrinter {
  private readonly columns = new Columns();
  private definitions: ServerTable['columnDefinitions'] = [];
  private headersDue: boolean;

  constructor(
    private readonly resource: Resource,
    private readonly options: TableOptions,
  ) {
    this.headersDue = options.headers;
  }

  print(table: Pick<ServerTable, 'columnDefinitions' | 'rows'>): string {
    if (table.columnDefinitions.length > 0) this.definitions = table.columnDefinitions;
    const rows = table.rows.map((row) => this.row(row));
    if (rows.length === 0) return '';
    const headers = this.headers();
    const due = this.headersDue;
    this.headersDue = false;
    const { style } = this.options;
    return this.columns.render(due ? [headers, ...rows] : rows, (text, index, column) =>
      style === undefined || (due && index === 0) ? text : style(text, headers[column] ?? ''),
    );
  }

  private headers(): readonly string[] {
    const { allNamespaces, labelColumns, showLabels } = this.options;
    return [
      ...(allNamespaces && this.resource.namespaced ? ['NAMESPACE'] : []),
      ...this.shown().map((index) => this.definitions[index]?.name.toUpperCase() ?? ''),
      ...labelColumns.map((label) => (label.split('/').at(-1) ?? label).toUpperCase()),
      ...(showLabels ? ['LABELS'] : []),
    ];
  }

  private shown(): readonly number[] {
    return this.definitions.flatMap(({ priority = 0 }, index) => (priority === 0 || this.options.wide ? [index] : []));
  }

  private row({ cells, object }: TableRow): readonly string[] {
    const { allNamespaces, labelColumns, showKind, showLabels } = this.options;
    const { namespace = '', labels = {} } = object?.metadata ?? {};
    const shown = this.shown().map((index) => cellText(cells[index]));
    if (showKind && shown[0] !== undefined) shown[0] = `${typeName(this.resource)}/${shown[0]}`;
    return [
      ...(allNamespaces && this.resource.namespaced ? [namespace] : []),
      ...shown,
      ...labelColumns.map((label) => labels[label] ?? ''),
      ...(showLabels ? [labelText(labels)] : []),
    ];
  }
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '<none>';
  if (typeof value === 'string') return value.split('\n')[0] ?? '';
  return JSON.stringify(value);
}

export function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.toSorted().join(',');
}
