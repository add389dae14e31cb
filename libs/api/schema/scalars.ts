/** Reads single values of a body as Kubernetes' decoder does: strict about the type, normalising times. */
import { formatTime, instant } from '../../kit/index.js';
import { parseQuantity, QuantityError, canonicalResourceAmount } from '../quantity/quantity.js';
import { jsonWord } from './go-words.js';
import type { ScalarKind } from './shapes.js';

/** The value has the wrong type; the caller knows the field and completes the message. */
export class WrongTypeError extends Error {
  /** `string`, `number 1.5`, ... */
  readonly found: string;
  constructor(found: string) {
    super(found);
    this.found = found;
  }
}

/** The value's own parser refused it; the message is complete. */
export class ValueError extends Error {}

const INT32_MAX = 2 ** 31 - 1;
/** The nearest doubles inside the range of an int64. */
const INT64_LIMIT = 2 ** 63;

function integer(value: unknown, isInRange: (n: number) => boolean): number {
  if (typeof value !== 'number') throw new WrongTypeError(jsonWord(value));
  if (!Number.isInteger(value) || !isInRange(value)) throw new WrongTypeError(`number ${value}`);
  return value;
}

const isInt32 = (n: number): boolean => n >= -INT32_MAX - 1 && n <= INT32_MAX;
const isInt64 = (n: number): boolean => n >= -INT64_LIMIT && n < INT64_LIMIT;

function text(value: unknown): string {
  if (typeof value !== 'string') throw new WrongTypeError(jsonWord(value));
  return value;
}

function quantityText(value: unknown): string {
  if (typeof value === 'number') return String(value).replace('e+', 'e');
  if (typeof value === 'string') return value.trim();
  return value === null ? '0' : JSON.stringify(value);
}

function parseQuantityOrExplain(value: string): string {
  try {
    parseQuantity(value);
    return value;
  } catch (error) {
    throw error instanceof QuantityError ? new ValueError(error.message) : error;
  }
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Line breaks are skipped, as Go's decoder does. */
function bytes(value: unknown): string {
  const encoded = text(value).replace(/[\r\n]/g, '');
  if (base64Pattern.test(encoded)) return encoded;
  const bad = encoded.search(/[^A-Za-z0-9+/]/);
  throw new ValueError(
    `illegal base64 data at input byte ${bad >= 0 ? Math.min(bad, encoded.length) : encoded.length - (encoded.length % 4)}`,
  );
}

const timePattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 in UTC, with `digits` fractional digits (cut off, not rounded). */
function time(value: unknown, digits: number): string {
  if (typeof value !== 'string') throw new ValueError(`json: cannot unmarshal ${jsonWord(value)} into Go value of type string`);
  const match = timePattern.exec(value);
  const ms = match === null ? Number.NaN : Date.parse(value.replace(',', '.').replace(/(\.\d{3})\d+/, '$1'));
  if (match === null || Number.isNaN(ms)) {
    const layout = digits === 0 ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00';
    throw new ValueError(`parsing time "${value}" as "${layout}": cannot parse "${value}" as "2006"`);
  }
  const utc = match[8] === 'Z' ? value.slice(0, 19) : formatTime(instant(ms)).slice(0, 19);
  return digits === 0 ? `${utc}Z` : `${utc}.${(match[7] ?? '').padEnd(digits, '0').slice(0, digits)}Z`;
}

function intOrString(value: unknown): number | string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isInteger(value) && isInt32(value)) return value;
  const found = typeof value === 'number' ? `number ${value}` : jsonWord(value);
  throw new ValueError(`json: cannot unmarshal ${found} into Go value of type int32`);
}

const readers: Readonly<Record<ScalarKind, (value: unknown) => unknown>> = {
  string: text,
  boolean: (value) => {
    if (typeof value !== 'boolean') throw new WrongTypeError(jsonWord(value));
    return value;
  },
  int32: (value) => integer(value, isInt32),
  int64: (value) => integer(value, isInt64),
  double: (value) => {
    if (typeof value !== 'number') throw new WrongTypeError(jsonWord(value));
    return value;
  },
  quantity: (value) => parseQuantityOrExplain(quantityText(value)),
  'resource-amount': (value) => canonicalResourceAmount(parseQuantityOrExplain(quantityText(value))),
  'int-or-string': intOrString,
  bytes,
  time: (value) => time(value, 0),
  'micro-time': (value) => time(value, 6),
  any: (value) => value,
};

/** Reads one scalar. Throws WrongTypeError or ValueError. */
export function readScalar(kind: ScalarKind, value: unknown): unknown {
  return readers[kind](value);
}
