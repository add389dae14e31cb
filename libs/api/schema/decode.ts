/**
 * Decodes bodies: JSON text to an object of a known kind, with the checks and the words of Kubernetes' own decoder.
 * Wrong types fail; unknown and duplicate fields fail, warn or pass by `fieldValidation`; nulls and empty optional lists
 * and maps and empty texts of metadata vanish; times, resource amounts and bytes are normalised.
 */
import { StatusError } from '../errors.js';
import { apiVersionOf } from '../kinds.js';
import type { KubeObject } from '../object.js';
import { describeFieldProblems } from './duplicate-fields.js';
import { goTypeWord, jsonWord } from './go-words.js';
import { explainSyntaxError } from './json-syntax.js';
import { readScalar, ValueError, WrongTypeError } from './scalars.js';
import { typeOf, type Field, type ObjectType, type Shape } from './shapes.js';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What a body must be. A row of the table of kinds fits; subresource bodies (`DeleteOptions`, `Scale`, ...) are written out. */
export interface DecodeTarget {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Name of the generated type. Without one the body is taken as it is. */
  readonly schema?: string | undefined;
}

export interface DecodeOptions {
  /** Default `Ignore`, as for requests that do not say. */
  readonly fieldValidation?: FieldValidation | undefined;
  /** Accept any apiVersion (options such as `DeleteOptions` may name any group). */
  readonly anyVersion?: boolean | undefined;
}

export interface Decoded {
  readonly object: KubeObject;
  /** Texts for `Warning` headers; only under `Warn`. */
  readonly warnings: readonly string[];
}

/** Nesting that a body may have. Kubernetes stops at 10,000; no real object comes near, and every later step may recurse safely. */
export const NESTING_MAX = 1_000;
/** Problems with fields that are listed in one answer. */
const STRICT_ERRORS_MAX = 100;
const SUMMARY_CHARS = 30;

/** Decodes JSON text. Throws StatusError (BadRequest). */
export function decodeObject(target: DecodeTarget, text: string, options: DecodeOptions = {}): Decoded {
  const body = parseJson(target, text);
  return decode(target, body, options, (unknown) => describeFieldProblems(text, unknown, STRICT_ERRORS_MAX));
}

/** Decodes a value that is no text any more, such as the outcome of a patch. Throws StatusError (BadRequest). */
export function decodeValue(target: DecodeTarget, value: unknown, options: DecodeOptions = {}): Decoded {
  return decode(target, value, options, (unknown) => unknown.map((path) => `unknown field "${path}"`));
}

function parseJson(target: DecodeTarget, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unrecognized(target, `couldn't get version/kind; json parse error: ${explainSyntaxError(text)}`, text);
  }
}

function unrecognized(target: DecodeTarget, problem: string, text: string): StatusError {
  return new StatusError(
    'BadRequest',
    `the object provided is unrecognized (must be of type ${target.kind}): ${problem} (${summarize(text)})`,
  );
}

/** The start of the body: as it is when it looks like JSON, else in hexadecimal. */
function summarize(text: string): string {
  if (text === '') return '<empty>';
  const start = text.slice(0, SUMMARY_CHARS);
  const shown = text.startsWith('{') ? start : Array.from(start, (c) => (c.codePointAt(0) ?? 0).toString(16).padStart(2, '0')).join('');
  return text.length > SUMMARY_CHARS ? `${shown} ...` : shown;
}

/** `describe` turns the paths of unknown fields into all problems with fields, in their order. */
function decode(
  target: DecodeTarget,
  body: unknown,
  options: DecodeOptions,
  describe: (unknown: readonly string[]) => readonly string[],
): Decoded {
  if (!isRecord(body)) {
    const problem = `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonWord(body)} into Go value of type struct`;
    throw unrecognized(target, problem, JSON.stringify(body) ?? '');
  }
  const said = checkVersionAndKind(target, body, options);
  if (target.schema === undefined) return { object: withTypeMeta(said, body), warnings: [] };
  const reader = new Reader();
  const refuse = (problem: string): StatusError =>
    new StatusError('BadRequest', `${said.kind} in version "${said.version}" cannot be handled as a ${target.kind}: ${problem}`);
  let value: Record<string, unknown>;
  try {
    value = reader.object(typeOf(target.schema), body);
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message);
    throw error;
  }
  const validation = options.fieldValidation ?? 'Ignore';
  const problems = validation === 'Ignore' ? [] : describe(reader.unknownFields);
  if (validation === 'Strict' && problems.length > 0) throw refuse(`strict decoding error: ${problems.join(', ')}`);
  return { object: withTypeMeta(said, value), warnings: validation === 'Warn' ? problems : [] };
}

interface SaidKind {
  readonly apiVersion: string;
  readonly version: string;
  readonly kind: string;
}

/** The body's own words, completed from the target where it says nothing. */
function checkVersionAndKind(target: DecodeTarget, body: Readonly<Record<string, unknown>>, options: DecodeOptions): SaidKind {
  const expected = apiVersionOf(target);
  const apiVersion = typeof body['apiVersion'] === 'string' && body['apiVersion'] !== '' ? body['apiVersion'] : expected;
  const kind = typeof body['kind'] === 'string' && body['kind'] !== '' ? body['kind'] : target.kind;
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  if (kind !== target.kind) {
    throw new StatusError(
      'BadRequest',
      `${kind} in version "${version}" cannot be handled as a ${target.kind}: no kind "${kind}" is registered for version "${apiVersion}"`,
    );
  }
  if (apiVersion !== expected && options.anyVersion !== true) {
    throw new StatusError(
      'BadRequest',
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  return { apiVersion, version, kind };
}

/** apiVersion and kind first, as clients expect to read them; metadata always present. */
function withTypeMeta(said: SaidKind, value: Readonly<Record<string, unknown>>): KubeObject {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = value;
  return { apiVersion: said.apiVersion, kind: said.kind, metadata: isRecord(metadata) ? metadata : {}, ...rest };
}

/** The complete message of a value that cannot be decoded. */
class DecodeError extends Error {}

/** Walks one body along its types. Holds the place for messages. */
class Reader {
  readonly unknownFields: string[] = [];
  /** Names of fields only, as Go prints them. */
  private readonly goPath: string[] = [];
  /** Fields with indices and map keys, as strict errors print them. */
  private readonly path: (string | number)[] = [];

  object(type: ObjectType, source: Readonly<Record<string, unknown>>): Record<string, unknown> {
    if (this.path.length > NESTING_MAX) throw new DecodeError(`exceeded max depth of ${NESTING_MAX}`);
    const out: Record<string, unknown> = {};
    for (const name of Object.keys(source)) {
      const field = type.fields.get(name);
      if (field === undefined) this.noteUnknown(name);
      else this.member(type, field, source[name], out);
    }
    return out;
  }

  private member(type: ObjectType, field: Field, source: unknown, out: Record<string, unknown>): void {
    if (source === null || source === undefined) return;
    this.goPath.push(field.name);
    this.path.push(field.name);
    const value = this.value(field.shape, source, `${type.name}.${field.name}`);
    const isUnsaid = isEmptyCollection(field.shape, value) || (value === '' && type.name === 'ObjectMeta');
    if (field.required || !isUnsaid) out[field.name] = value;
    this.path.pop();
    this.goPath.pop();
  }

  private value(shape: Shape, source: unknown, owner: string): unknown {
    switch (shape.kind) {
      case 'object':
        if (!isRecord(source)) throw this.wrongType(jsonWord(source), shape, owner);
        return this.object(typeOf(shape.type), source);
      case 'list':
        if (!Array.isArray(source)) throw this.wrongType(jsonWord(source), shape, owner);
        return this.list(shape.items, source, owner);
      case 'map':
        if (!isRecord(source)) throw this.wrongType(jsonWord(source), shape, owner);
        return this.map(shape.values, source, owner);
      case 'any':
        requireShallow(source, NESTING_MAX - this.path.length);
        return source;
      default:
        return this.scalar(shape, source, owner);
    }
  }

  private scalar(shape: Shape & { readonly kind: Parameters<typeof readScalar>[0] }, source: unknown, owner: string): unknown {
    try {
      return readScalar(shape.kind, source);
    } catch (error) {
      if (error instanceof WrongTypeError) throw this.wrongType(error.found, shape, owner);
      if (error instanceof ValueError) throw new DecodeError(error.message);
      throw error;
    }
  }

  private list(items: Shape, source: readonly unknown[], owner: string): unknown[] {
    return source.map((item, index) => {
      this.path.push(index);
      const value = this.value(items, item ?? zeroOf(items), owner);
      this.path.pop();
      return value;
    });
  }

  private map(values: Shape, source: Readonly<Record<string, unknown>>, owner: string): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    for (const key of Object.keys(source)) {
      this.path.push(key);
      setOwn(out, key, this.value(values, source[key] ?? zeroOf(values), owner));
      this.path.pop();
    }
    return out;
  }

  private noteUnknown(name: string): void {
    if (this.unknownFields.length >= STRICT_ERRORS_MAX) return;
    let path = '';
    for (const step of [...this.path, name]) path += typeof step === 'number' ? `[${step}]` : path === '' ? step : `.${step}`;
    this.unknownFields.push(path);
  }

  private wrongType(found: string, shape: Shape, owner: string): DecodeError {
    const struct = goTypeWord({ kind: 'object', type: owner.split('.')[0] ?? '' }).replace(/^v\d+\./, '');
    return new DecodeError(
      `json: cannot unmarshal ${found} into Go struct field ${struct}.${this.goPath.join('.')} of type ${goTypeWord(shape, owner)}`,
    );
  }
}

/** A null member of a list or map stands for the zero value of its type. */
function zeroOf(shape: Shape): unknown {
  switch (shape.kind) {
    case 'object':
    case 'map':
      return {};
    case 'list':
      return [];
    case 'string':
    case 'bytes':
      return '';
    case 'boolean':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'int-or-string':
      return 0;
    case 'quantity':
    case 'resource-amount':
      return '0';
    case 'time':
    case 'micro-time':
      return '0001-01-01T00:00:00Z';
    case 'any':
      return null;
  }
}

function isEmptyCollection(shape: Shape, value: unknown): boolean {
  if (shape.kind === 'list') return Array.isArray(value) && value.length === 0;
  return shape.kind === 'map' && isRecord(value) && Object.keys(value).length === 0;
}

/** Free-form values are kept as they are, but must not nest so deep that a later step overflows the stack. */
function requireShallow(value: unknown, levelsLeft: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (levelsLeft <= 0) throw new DecodeError(`exceeded max depth of ${NESTING_MAX}`);
  for (const member of Object.values(value)) requireShallow(member, levelsLeft - 1);
}

/** Also right for the key `__proto__`. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
