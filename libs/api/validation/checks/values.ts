/** Rules on single values, ready for `@Check`. */
import type { Place, Rule } from '../place.js';
import { compareQuantities } from '../../quantity/quantity.js';
import * as addresses from './addresses.js';
import * as names from './names.js';

/** A rule from a function that returns messages. */
export function form(check: (text: string) => readonly string[]): Rule<string> {
  return (value, at) => {
    const messages = check(value);
    if (messages.length > 0) at.invalidEach(value, messages);
  };
}

export const dnsLabel = form(names.isDnsLabel);
export const dnsSubdomain = form(names.isDnsSubdomain);
export const dns1035Label = form(names.isDns1035Label);
export const qualifiedName = form(names.isQualifiedName);
export const portName = form(names.isPortName);
export const headerName = form(names.isHeaderName);
export const envName = form(names.isEnvName);
export const pathSegment = form(names.isPathSegment);
export const ipAddress = form(addresses.isIp);
export const cidr = form(addresses.isCidr);

const PORT_MAX = 65_535;
export const INT32_MAX = 2_147_483_647;
const ID_MAX = 4_294_967_295;

export function between(min: number, max: number): Rule<number> {
  return (value, at) => {
    if (value < min || value > max) at.invalid(value, `must be between ${min} and ${max}, inclusive`);
  };
}

export const portNumber = between(1, PORT_MAX);
/** Users and groups of Linux. */
export const userId = between(0, ID_MAX);

export const nonNegative: Rule<number> = (value, at) => {
  if (value < 0) at.invalid(value, 'must be greater than or equal to 0');
};

export const positive: Rule<number> = (value, at) => {
  if (value <= 0) at.invalid(value, 'must be greater than 0');
};

/** A port by number, or by the name that a container gives it. */
export const portNumberOrName: Rule<number | string> = (value, at) => {
  if (typeof value === 'number') portNumber(value, at);
  else portName(value, at);
};

/** `3` or `25%`; neither below nothing. */
export const intOrPercent: Rule<number | string> = (value, at) => {
  if (typeof value === 'string') at.invalidEach(value, names.isPercent(value));
  else nonNegative(value, at);
};

export const notAboveAll: Rule<number | string> = (value, at) => {
  if (typeof value === 'string' && names.isPercent(value).length === 0 && Number.parseInt(value, 10) > 100) {
    at.invalid(value, 'must not be greater than 100%');
  }
};

/** Decoding has made sure that the text is a quantity. */
export const nonNegativeQuantity: Rule<string> = (value, at) => {
  if (compareQuantities(value, '0') < 0) at.invalid(value, 'must be greater than or equal to 0');
};

export const absolutePath: Rule<string> = (value, at) => {
  if (!value.startsWith('/')) at.invalid(value, 'must be an absolute path');
};

/** Stays below where it starts. */
export const pathWithoutBackSteps: Rule<string> = (value, at) => {
  if (value.split('/').includes('..')) at.invalid(value, "must not contain '..'");
};

export const relativePath: Rule<string> = (value, at) => {
  if (value.startsWith('/')) at.invalid(value, 'must be a relative path');
  pathWithoutBackSteps(value, at);
};

/** Keys and values of labels, with every error at the map itself, as Kubernetes has it. */
export const labels: Rule<Readonly<Record<string, string>>> = (map, at) => {
  for (const [key, value] of Object.entries(map)) {
    at.invalidEach(key, names.isQualifiedName(key));
    at.invalidEach(value, names.isLabelValue(value));
  }
};

const ANNOTATIONS_BYTES_MAX = 256 * 1024;

export const annotations: Rule<Readonly<Record<string, string>>> = (map, at) => {
  let size = 0;
  for (const [key, value] of Object.entries(map)) {
    at.invalidEach(key, names.isQualifiedName(key.toLowerCase()));
    size += utf8Length(key) + utf8Length(value);
  }
  if (size > ANNOTATIONS_BYTES_MAX) at.tooLong(ANNOTATIONS_BYTES_MAX);
};

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** The field may not differ from what it was; both absent counts as the same. */
export function immutable(value: unknown, old: unknown, at: Place): void {
  if (!isSame(value, old)) at.invalid(value, 'field is immutable');
}

/** JSON equality; absent, null, empty lists and empty maps are one and the same, as in Kubernetes' semantic equality. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNothing(a) && isNothing(b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => isSame(item, b[index]));
  if (!isRecord(a) || !isRecord(b)) return false;
  return Object.keys({ ...a, ...b }).every((key) => isSame(a[key], b[key]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0;
}
