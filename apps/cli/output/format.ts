/** The values of `-o`, and how objects are printed in each. Tables are not printed here: the server makes them. */
import { readFileSync } from 'node:fs';
import { apiVersionOf, typeName, type Resource } from '../client/discovery.js';
import { CliError, exitCodes } from '../errors.js';
import { renderColumns } from './columns.js';
import { compilePath, compileTemplate, textOf } from './json-path.js';
import { toJson, toYaml, withoutManagedFields } from './structured.js';

export type Format =
  | { readonly is: 'table'; readonly wide: boolean }
  | { readonly is: 'json' | 'yaml' | 'name' }
  | { readonly is: 'jsonpath' | 'jsonpath-as-json'; readonly template: string }
  | { readonly is: 'custom-columns'; readonly spec: string };

const KNOWN = 'json, yaml, name, wide, jsonpath=TEMPLATE, jsonpath-file=FILE, custom-columns=SPEC, custom-columns-file=FILE';

/** Throws CliError (usage) for an unknown format. */
export function parseFormat(text: string | undefined): Format {
  const [name = '', ...rest] = (text ?? '').split('=');
  const value = rest.join('=');
  const needed = (what: string): string => {
    if (value === '') throw new CliError(`${what} format specified but no ${what} given`, exitCodes.usage);
    return value;
  };
  switch (name) {
    case '':
      return { is: 'table', wide: false };
    case 'wide':
      return { is: 'table', wide: true };
    case 'json':
    case 'yaml':
    case 'name':
      return { is: name };
    case 'jsonpath':
    case 'jsonpath-as-json':
      return { is: name, template: needed('template') };
    case 'jsonpath-file':
      return { is: 'jsonpath', template: readFile(needed('template file')).trimEnd() };
    case 'custom-columns':
      return { is: 'custom-columns', spec: needed('custom-columns') };
    case 'custom-columns-file':
      return { is: 'custom-columns', spec: columnsOfFile(readFile(needed('custom-columns file'))) };
    default:
      throw new CliError(
        `unable to match a printer suitable for the output format "${text}", allowed formats are: ${KNOWN}`,
        exitCodes.usage,
      );
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new CliError(`the file ${path} cannot be read`, exitCodes.usage);
  }
}

/** Two lines, names over paths, become `NAME:path,...`. */
function columnsOfFile(text: string): string {
  const [names = [], paths = []] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return names.map((name, index) => `${name}:${paths[index] ?? ''}`).join(',');
}

export interface PrintOptions {
  readonly showManagedFields?: boolean;
  readonly headers?: boolean;
}

export interface Printable {
  readonly metadata?: { readonly name?: string | undefined; readonly namespace?: string | undefined } | undefined;
}

/** One object, or a List, in a format other than `table`. */
export function printObject(format: Exclude<Format, { is: 'table' }>, object: unknown, options: PrintOptions = {}): string {
  const shown = options.showManagedFields === true ? object : withoutManagedFields(object);
  switch (format.is) {
    case 'json':
      return toJson(shown);
    case 'yaml':
      return toYaml(shown);
    case 'name':
      throw new Error('names are printed with their resource: see objectName');
    case 'jsonpath':
      return compileTemplate(format.template)(shown);
    case 'jsonpath-as-json':
      return toJson(compilePath(format.template)(shown));
    case 'custom-columns':
      return customColumns(format.spec, itemsOf(shown), options.headers !== false);
  }
}

/** `pod/web-1`, `deployment.apps/web`. */
export function objectName(resource: Resource, name: string): string {
  return `${typeName(resource)}/${name}`;
}

/** The items of a List, or the one object. */
export function itemsOf(value: unknown): readonly unknown[] {
  const items = (value as { readonly items?: unknown }).items;
  return Array.isArray(items) ? (items as readonly unknown[]) : [value];
}

function customColumns(spec: string, items: readonly unknown[], headers: boolean): string {
  const columns = spec.split(/,(?![^[]*\])/).map((column) => {
    const colon = column.indexOf(':');
    if (colon <= 0) throw new CliError(`unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`, exitCodes.usage);
    return { header: column.slice(0, colon), values: compilePath(column.slice(colon + 1)) };
  });
  const rows = items.map((item) =>
    columns.map(({ values }) => {
      const found = values(item);
      return found.length === 0 ? '<none>' : found.map(columnText).join(',');
    }),
  );
  return renderColumns(headers ? [columns.map(({ header }) => header), ...rows] : rows);
}

/** Go's way of printing what is no string: maps as `map[a:1]`, lists as `[a b]`. */
function columnText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(columnText).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return value === null ? '<nil>' : textOf(value);
  const pairs = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `map[${pairs.map(([key, inner]) => `${key}:${columnText(inner)}`).join(' ')}]`;
}

/** Objects of a list come without apiVersion and kind; printed alone they need them. */
export function withType(resource: Resource, object: object): object {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
}
