/**
 * Kubernetes quantities (`100m`, `1Gi`, `1e3`): exact values with a preferred notation. Precision is one nano, rounded up
 * (away from zero); the magnitude is capped at 2^63-1. Kubernetes docs, "Quantity" of the resource API.
 */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** An exact amount, in billionths of the unit, and the notation in which it is written. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

/** The text is no quantity. The message is Kubernetes' own. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const NANOS_PER_UNIT = 1_000_000_000n;
const NANOS_MAX = (2n ** 63n - 1n) * NANOS_PER_UNIT;
/** Beyond this decimal exponent every non-zero value is capped (or rounded up to one nano), so larger powers are never built. */
const EXPONENT_LIMIT = 100;

const quantityPattern = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;
const formatMessage = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryPowers: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };
const decimalSuffixes: readonly string[] = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

interface Scale {
  readonly format: QuantityFormat;
  readonly exponent: number;
  readonly binaryPower: number;
}

function readSuffix(suffix: string): Scale {
  const binaryPower = binaryPowers[suffix];
  if (binaryPower !== undefined) return { format: 'BinarySI', exponent: 0, binaryPower };
  const exponent = decimalExponents[suffix];
  if (exponent !== undefined) return { format: 'DecimalSI', exponent, binaryPower: 0 };
  const power = /^[eE]([-+]?\d+)$/.exec(suffix)?.[1];
  if (power === undefined) throw new QuantityError("unable to parse quantity's suffix");
  return { format: 'DecimalExponent', exponent: Number(power), binaryPower: 0 };
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

/** Parses a quantity. Throws QuantityError with Kubernetes' message. */
export function parseQuantity(text: string): Quantity {
  const match = quantityPattern.exec(text);
  if (match === null || text === '') throw new QuantityError(formatMessage);
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '')
    throw new QuantityError(text.includes('.') ? 'unable to parse numeric part of quantity' : formatMessage);
  const scale = readSuffix(suffix);
  let digits = BigInt(whole + fraction) * 1024n ** BigInt(scale.binaryPower);
  const exponent = Math.max(-EXPONENT_LIMIT, Math.min(EXPONENT_LIMIT, scale.exponent)) - fraction.length + 9;
  digits = exponent >= 0 ? digits * 10n ** BigInt(exponent) : divideUp(digits, 10n ** BigInt(-exponent));
  if (digits > NANOS_MAX) digits = NANOS_MAX;
  const isSmallBinary = scale.format === 'BinarySI' && digits < NANOS_PER_UNIT;
  return { nanos: sign === '-' ? -digits : digits, format: isSmallBinary ? 'DecimalSI' : scale.format };
}

/** Whether the text is a quantity that Kubernetes accepts. */
export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}

function formatDecimal(nanos: bigint, format: QuantityFormat): string {
  let mantissa = nanos;
  let step = 0;
  const last = format === 'DecimalSI' ? decimalSuffixes.length - 1 : Number.POSITIVE_INFINITY;
  while (step < last && mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    step++;
  }
  if (format === 'DecimalSI') return `${mantissa}${decimalSuffixes[step] ?? ''}`;
  const exponent = step * 3 - 9;
  return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
}

/** The canonical text: no fraction, the largest suffix that keeps the number whole, binary only where that is exact and at least 1 Ki. */
export function formatQuantity(quantity: Quantity): string {
  const { nanos, format } = quantity;
  if (nanos === 0n) return '0';
  const units = nanos / NANOS_PER_UNIT;
  const isBinary = format === 'BinarySI' && nanos % NANOS_PER_UNIT === 0n && (units >= 1024n || units <= -1024n);
  if (!isBinary) return formatDecimal(nanos, format === 'BinarySI' ? 'DecimalSI' : format);
  let mantissa = units;
  let power = 0;
  while (power < binarySuffixes.length - 1 && mantissa % 1024n === 0n) {
    mantissa /= 1024n;
    power++;
  }
  return `${mantissa}${binarySuffixes[power] ?? ''}`;
}

/** `0.5` -> `500m`, `1024Mi` -> `1Gi`. Throws QuantityError. */
export function canonicalQuantity(text: string): string {
  return formatQuantity(parseQuantity(text));
}

/** As resource lists are kept: rounded up (away from zero) to thousandths, canonical. */
export function canonicalResourceAmount(text: string): string {
  const { nanos, format } = parseQuantity(text);
  const size = nanos < 0n ? -nanos : nanos;
  const rounded = divideUp(size, 1_000_000n) * 1_000_000n;
  return formatQuantity({ nanos: nanos < 0n ? -rounded : rounded, format });
}

/** Negative, zero or positive, as numbers would compare; notation does not matter. */
export function compareQuantities(a: string | Quantity, b: string | Quantity): number {
  const left = toQuantity(a).nanos;
  const right = toQuantity(b).nanos;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Sum in the notation of the first that is not zero. */
export function addQuantities(a: string | Quantity, b: string | Quantity): Quantity {
  const left = toQuantity(a);
  const right = toQuantity(b);
  return { nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

/** Difference; may be negative. */
export function subtractQuantities(a: string | Quantity, b: string | Quantity): Quantity {
  const right = toQuantity(b);
  return addQuantities(a, { nanos: -right.nanos, format: right.format });
}

function toQuantity(value: string | Quantity): Quantity {
  return typeof value === 'string' ? parseQuantity(value) : value;
}

/** Plain whole numbers with a common suffix need no big integers: the value of one unit of the suffix, in thousandths. */
const quickMillis: Readonly<Record<string, number>> = {
  m: 1,
  '': 1000,
  k: 1e6,
  M: 1e9,
  Ki: 1024 * 1000,
  Mi: 1024 ** 2 * 1000,
  Gi: 1024 ** 3 * 1000,
};
const quickPattern = /^(\d{1,6})(m|k|M|Ki|Mi|Gi)?$/;

/** The value in thousandths, rounded up: `250m` -> 250, `1` -> 1000. For CPU. A double, exact up to 2^53. Throws QuantityError. */
export function quantityMillis(text: string): number {
  const quick = quickPattern.exec(text);
  const unit = quick === null ? undefined : quickMillis[quick[2] ?? ''];
  if (quick !== null && unit !== undefined) return Number(quick[1]) * unit;
  return roundUp(parseQuantity(text).nanos, 1_000_000n);
}

/** The value in whole units, rounded up: `1Ki` -> 1024, `100m` -> 1. For bytes and counts. A double, exact up to 2^53. Throws QuantityError. */
export function quantityValue(text: string): number {
  const quick = quickPattern.exec(text);
  const unit = quick === null ? undefined : quickMillis[quick[2] ?? ''];
  if (quick !== null && unit !== undefined) return Math.ceil((Number(quick[1]) * unit) / 1000);
  return roundUp(parseQuantity(text).nanos, NANOS_PER_UNIT);
}

function roundUp(nanos: bigint, by: bigint): number {
  return Number(nanos < 0n ? -divideUp(-nanos, by) : divideUp(nanos, by));
}

/** Canonical text of a number of thousandths: 250 -> `250m`, 2000 -> `2`. */
export function formatMillis(millis: number): string {
  return formatQuantity({ nanos: BigInt(Math.round(millis)) * 1_000_000n, format: 'DecimalSI' });
}

/** Canonical text of a number of bytes in binary notation: 1073741824 -> `1Gi`. */
export function formatBytes(bytes: number): string {
  return formatQuantity({ nanos: BigInt(Math.round(bytes)) * NANOS_PER_UNIT, format: 'BinarySI' });
}
