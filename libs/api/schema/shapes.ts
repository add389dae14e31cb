/**
 * The structure of every served type, as data: what decoding, patching, field ownership and OpenAPI are driven by.
 * Types are compiled from the generated lines on first use; each line is `name:shape!#marks`, where shapes are
 * `s` string, `b` boolean, `i`/`l` int32/int64, `d` double, `q` quantity, `Q` resource amount, `o` int-or-string, `y` bytes,
 * `t`/`u` time in seconds/microseconds, `a` anything, `[]` list of, `{}` map to, `@Name` a type; `~` marks an atomic type.
 */
import { schemaLines } from '../generated/schema.js';

export type ScalarKind =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  | 'quantity'
  | 'resource-amount'
  | 'int-or-string'
  | 'bytes'
  | 'time'
  | 'micro-time'
  | 'any';

export type Shape =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'list'; readonly items: Shape }
  | { readonly kind: 'map'; readonly values: Shape }
  | { readonly kind: 'object'; readonly type: string };

/** How appliers share a list or map: `atomic` is owned whole, `set` and `map` are owned member by member, `granular` key by key. */
export type Ownership = 'atomic' | 'set' | 'map' | 'granular';

export interface Field {
  readonly name: string;
  readonly shape: Shape;
  readonly required: boolean;
  readonly ownership: Ownership;
  /** Keys that tell the members of a `map` list apart. */
  readonly keys: readonly string[];
  /** Strategic merge patch: lists are merged by this key; `''` merges a list of scalars; absent = the list is replaced. */
  readonly patchKey?: string | undefined;
  readonly patchStrategy?: 'retainKeys' | 'replace' | undefined;
}

export interface ObjectType {
  /** Name of the generated TypeScript type. */
  readonly name: string;
  /** Owned as a whole by one applier. */
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, Field>;
}

const scalarCodes: Readonly<Record<string, ScalarKind>> = {
  s: 'string',
  b: 'boolean',
  i: 'int32',
  l: 'int64',
  d: 'double',
  q: 'quantity',
  Q: 'resource-amount',
  o: 'int-or-string',
  y: 'bytes',
  t: 'time',
  u: 'micro-time',
  a: 'any',
};

const shapes = new Map<string, Shape>();
const types = new Map<string, ObjectType>();

/** Equal texts share one shape, so that the compiled schema stays small. */
function shapeOf(code: string): Shape {
  const known = shapes.get(code);
  if (known !== undefined) return known;
  const shape = readShape(code);
  shapes.set(code, shape);
  return shape;
}

function readShape(code: string): Shape {
  if (code.startsWith('@')) return { kind: 'object', type: code.slice(1) };
  if (code.startsWith('[]')) return { kind: 'list', items: shapeOf(code.slice(2)) };
  if (code.startsWith('{}')) return { kind: 'map', values: shapeOf(code.slice(2)) };
  const kind = scalarCodes[code];
  if (kind === undefined) throw new Error(`the generated schema has an unknown shape "${code}": run npm run build`);
  return { kind };
}

function readField(text: string): Field {
  const colon = text.indexOf(':');
  const [code = '', ...marks] = text.slice(colon + 1).split('#');
  const shape = shapeOf(code.replace('!', ''));
  const mark = (prefix: string): string | undefined => marks.find((m) => m.startsWith(prefix))?.slice(prefix.length);
  const keys = mark('map=');
  const patchKey = mark('patch');
  const patchStrategy = marks.find((m): m is 'retainKeys' | 'replace' => m === 'retainKeys' || m === 'replace');
  return {
    name: text.slice(0, colon),
    shape,
    required: code.endsWith('!'),
    ownership: ownershipOf(shape, marks, keys),
    keys: keys === undefined ? [] : keys.split(','),
    ...(patchKey === undefined ? {} : { patchKey: patchKey.slice(1) }),
    ...(patchStrategy === undefined ? {} : { patchStrategy }),
  };
}

function ownershipOf(shape: Shape, marks: readonly string[], keys: string | undefined): Ownership {
  if (keys !== undefined) return 'map';
  if (marks.includes('set')) return 'set';
  if (marks.includes('atomic') || shape.kind === 'list') return 'atomic';
  return 'granular';
}

/** The structure of a type; `undefined` where no such type is served. */
export function findType(name: string): ObjectType | undefined {
  const known = types.get(name);
  if (known !== undefined) return known;
  const line = Object.hasOwn(schemaLines, name) ? schemaLines[name] : undefined;
  if (line === undefined) return undefined;
  const atomic = line.startsWith('~');
  const fields = (atomic ? line.slice(1) : line).split(' ').filter((text) => text !== '');
  const type = { name, atomic, fields: new Map(fields.map(readField).map((field) => [field.name, field])) };
  types.set(name, type);
  return type;
}

/** The structure of a type that must exist, because another generated type or the table of kinds names it. */
export function typeOf(name: string): ObjectType {
  const type = findType(name);
  if (type === undefined) throw new Error(`the generated schema has no type "${name}": run npm run build`);
  return type;
}

/** The type of a kind's list: `PodList` for `Pod`. */
export function listTypeName(schema: string): string {
  return findType(`${schema}List`) === undefined ? `${plainTypeName(schema)}List` : `${schema}List`;
}

/** Names of all served types, in order. */
export function typeNames(): readonly string[] {
  return Object.keys(schemaLines);
}

/** `V2HorizontalPodAutoscalerSpec` -> `HorizontalPodAutoscalerSpec`, `CoreV1Event` -> `Event`: the name in Kubernetes' own code. */
export function plainTypeName(name: string): string {
  return name.replace(/^(?:[A-Z][a-z]+)?V\d+(?=[A-Z])/, '');
}
