/** What a kind's table is made of, and the small texts that many tables share. */
import type { Instant } from '../../kit/index.js';
import type { Container, LabelSelector, ObjectMeta } from '../generated/types.js';
import { formatLabelSelector, labelSelectorRequirements } from '../selectors/index.js';
import { ageOf } from './human-duration.js';

export type Cell = string | number | boolean | null;

/** `TableColumnDefinition`. A priority above 0 shows in wide tables only. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly format: '' | 'name';
  readonly description: string;
  readonly priority: number;
}

/** `TableRowCondition`: a row that is over can be shown in grey. */
export interface RowCondition {
  readonly type: 'Completed';
  readonly status: 'True';
  readonly reason: string;
  readonly message: string;
}

export interface Printer {
  readonly columns: readonly Column[];
  /** One cell a column, in their order. */
  readonly cells: (object: object, now: Instant) => readonly Cell[];
  readonly conditions?: (object: object) => readonly RowCondition[];
}

interface PrinterOf<T> {
  readonly columns: readonly Column[];
  readonly cells: (object: T, now: Instant) => readonly Cell[];
  readonly conditions?: (object: T) => readonly RowCondition[];
}

/** A printer of one kind's objects; what is stored under a kind has its type. */
export function printer<T extends object>(definition: PrinterOf<T>): Printer {
  return definition as unknown as Printer;
}

/** A text column; `wide` ones show in wide tables only. */
export function text(name: string, description: string): Column {
  return { name, type: 'string', format: '', description, priority: 0 };
}

export function integer(name: string, description: string): Column {
  return { ...text(name, description), type: 'integer' };
}

export function flag(name: string, description: string): Column {
  return { ...text(name, description), type: 'boolean' };
}

export function wide(column: Column): Column {
  return { ...column, priority: 1 };
}

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique within its namespace.',
  priority: 0,
};

export const ageColumn = text('Age', 'Time since the object was created.');
export const createdColumn: Column = { ...text('Created At', 'When the object was created.'), type: 'date' };

export const podTemplateColumns: readonly Column[] = [
  wide(text('Containers', 'Names of each container in the template.')),
  wide(text('Images', 'Images referenced by each container in the template.')),
];
export const selectorColumn = wide(text('Selector', 'Which pods belong to the object.'));

interface Named {
  readonly metadata?: ObjectMeta | undefined;
}

export function nameOf(object: Named): string {
  return object.metadata?.name ?? '';
}

export function age(object: Named, now: Instant): string {
  return ageOf(object.metadata?.creationTimestamp, now);
}

export function containerNames(containers: readonly Container[] | undefined): string {
  return (containers ?? []).map((container) => container.name).join(',');
}

export function containerImages(containers: readonly Container[] | undefined): string {
  return (containers ?? []).map((container) => container.image ?? '').join(',');
}

/** `<none>` for what is empty. */
export function orNone(value: string | undefined): string {
  return value === undefined || value === '' ? '<none>' : value;
}

/** `a=1,b=2`, sorted; `<none>` where there are no labels. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return orNone(entries.toSorted((a, b) => (a < b ? -1 : 1)).join(','));
}

/** A selector as `kubectl -l` would take it; `<none>` where it selects nothing in particular. */
export function formatSelector(selector: LabelSelector | undefined): string {
  return orNone(formatLabelSelector(labelSelectorRequirements(selector) ?? []));
}

/** The first few of many, and how many more there are: `a,b,c + 2 more...`. */
export function firstFew(items: readonly string[], max: number): string {
  const shown = items.slice(0, max).join(',');
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}
