/**
 * Kubernetes' protobuf bodies to the JSON data that the pipeline works on. Go's typed clients (kubectl's `create`, Helm's
 * release storage) send them by default and do not fall back to JSON for writes. Answers are always JSON, which they accept.
 */
import { findByKind, typeOf, type Field, type ObjectType, type Shape } from '../../api/index.js';
import { fieldNumbers } from './field-numbers.js';
import { isMeaningful } from './go-zero.js';
import { WireError, wireFields, type WireValue } from './reader.js';

type Fields = Record<string, unknown>;

/** `k8s` and a zero byte: what every body starts with. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];

/** Bodies that are no stored kinds. */
const otherTypes: Readonly<Record<string, string>> = {
  Binding: 'Binding',
  DeleteOptions: 'DeleteOptions',
  Eviction: 'Eviction',
  Scale: 'Scale',
  TokenRequest: 'AuthenticationV1TokenRequest',
};

const text = new TextDecoder('utf-8', { fatal: true });

/** Decodes one enveloped object. Throws Error with a reason for what is not one, or is of a type that is not known. */
export function decodeProtobuf(body: Uint8Array): Readonly<Record<string, unknown>> {
  if (!MAGIC.every((byte, at) => body[at] === byte)) throw new WireError('provided data does not appear to be a protobuf message');
  let apiVersion = '';
  let kind = '';
  let raw = new Uint8Array();
  for (const { number, value } of wireFields(body.subarray(MAGIC.length))) {
    if (number === 1) [apiVersion, kind] = typeMeta(bytesOf(value));
    if (number === 2) raw = new Uint8Array(bytesOf(value));
  }
  const type = findByKind(apiVersion, kind)?.schema ?? otherTypes[kind];
  if (type === undefined || fieldNumbers[type] === undefined) {
    throw new WireError(`no protobuf encoding is known for ${kind} in version "${apiVersion}"; send JSON`);
  }
  return { apiVersion, kind, ...message(type, raw) };
}

function typeMeta(bytes: Uint8Array): [string, string] {
  const values = ['', ''];
  for (const { number, value } of wireFields(bytes)) values[number - 1] = text.decode(bytesOf(value));
  return [values[0] ?? '', values[1] ?? ''];
}

const namesByType = new Map<string, readonly string[]>();

/** Names in the order of their numbers; number 1 is at 0. */
function namesOf(type: string): readonly string[] {
  const known = namesByType.get(type);
  if (known !== undefined) return known;
  const names = (fieldNumbers[type] ?? '').split(' ');
  namesByType.set(type, names);
  return names;
}

function message(typeName: string, bytes: Uint8Array): Fields {
  const into: Fields = {};
  readInto(into, { type: typeOf(typeName), numbering: typeName }, bytes);
  return into;
}

/** `numbering` differs from the type's name for messages that JSON writes into their parent. */
function readInto(into: Fields, { type, numbering }: { readonly type: ObjectType; readonly numbering: string }, bytes: Uint8Array): void {
  const names = namesOf(numbering);
  for (const { number, value } of wireFields(bytes)) {
    const name = names[number - 1] ?? '';
    if (name.startsWith('+')) readInto(into, { type, numbering: name }, bytesOf(value));
    const field = type.fields.get(name);
    if (field !== undefined) readField(into, field, value);
  }
}

function readField(into: Fields, field: Field, value: WireValue): void {
  const { name, shape } = field;
  if (shape.kind === 'list') {
    const list = (into[name] ??= []) as unknown[];
    list.push(single(shape.items, value));
  } else if (shape.kind === 'map') {
    const map = (into[name] ??= {}) as Fields;
    const [key, entry] = mapEntry(shape.values, bytesOf(value));
    map[key] = entry;
  } else {
    const decoded = single(shape, value);
    if (isMeaningful(field, decoded)) into[name] = decoded;
  }
}

function mapEntry(values: Shape, bytes: Uint8Array): readonly [string, unknown] {
  let key = '';
  let entry: unknown = values.kind === 'bytes' || values.kind === 'string' ? '' : undefined;
  for (const { number, value } of wireFields(bytes)) {
    if (number === 1) key = text.decode(bytesOf(value));
    if (number === 2) entry = values.kind === 'list' ? wrappedList(values.items, bytesOf(value)) : single(values, value);
  }
  return [key, entry];
}

/** A list as the value of a map is a message around it. */
function wrappedList(items: Shape, bytes: Uint8Array): readonly unknown[] {
  return [...wireFields(bytes)].map(({ value }) => single(items, value));
}

function single(shape: Shape, value: WireValue): unknown {
  switch (shape.kind) {
    case 'string':
      return value.wire === 'bytes' ? text.decode(value.value) : String(numberOf(value));
    case 'boolean':
      return numberOf(value) !== 0;
    case 'int32':
    case 'int64':
    case 'double':
      return numberOf(value);
    case 'bytes':
      return Buffer.from(bytesOf(value)).toString('base64');
    case 'object':
      return message(shape.type, bytesOf(value));
    case 'quantity':
    case 'resource-amount':
      return firstText(bytesOf(value)) ?? '0';
    case 'int-or-string':
      return intOrString(bytesOf(value));
    case 'time':
    case 'micro-time':
      return time(bytesOf(value), shape.kind);
    case 'any':
      return rawJson(bytesOf(value));
    default:
      throw new WireError('lists of lists have no protobuf encoding');
  }
}

function firstText(bytes: Uint8Array): string | undefined {
  for (const { number, value } of wireFields(bytes)) if (number === 1) return text.decode(bytesOf(value));
  return undefined;
}

function intOrString(bytes: Uint8Array): number | string {
  let isText = false;
  let number = 0;
  let word = '';
  for (const field of wireFields(bytes)) {
    if (field.number === 1) isText = numberOf(field.value) === 1;
    if (field.number === 2) number = numberOf(field.value);
    if (field.number === 3) word = text.decode(bytesOf(field.value));
  }
  return isText ? word : number;
}

/** `null` for Go's zero time. */
function time(bytes: Uint8Array, precision: 'time' | 'micro-time'): string | null {
  let seconds = 0;
  let nanos = 0;
  for (const { number, value } of wireFields(bytes)) {
    if (number === 1) seconds = numberOf(value);
    if (number === 2) nanos = numberOf(value);
  }
  if (seconds === 0 && nanos === 0) return null;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return precision === 'time' ? `${whole}Z` : `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`;
}

/** Raw JSON in field 1: extensions, managed fields, revision data. */
function rawJson(bytes: Uint8Array): unknown {
  const raw = firstText(bytes);
  return raw === undefined || raw === '' ? null : (JSON.parse(raw) as unknown);
}

function numberOf(value: WireValue): number {
  if (value.wire === 'bytes') throw new WireError('a number was expected');
  return Number(value.value);
}

function bytesOf(value: WireValue): Uint8Array {
  if (value.wire !== 'bytes') throw new WireError('a message was expected');
  return value.value;
}
