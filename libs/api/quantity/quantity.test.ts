import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addQuantities,
  canonicalQuantity,
  canonicalResourceAmount,
  compareQuantities,
  formatBytes,
  formatMillis,
  formatQuantity,
  isQuantity,
  parseQuantity,
  quantityMillis,
  quantityValue,
  subtractQuantities,
} from './quantity.js';

describe('quantities', () => {
  test.each([
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1.2Gi', '1288490188800m'],
    ['1e3', '1e3'],
    ['1500e-3', '1500e-3'],
    ['1000', '1k'],
    ['1000Ki', '1000Ki'],
    ['1023', '1023'],
    ['512Ki', '512Ki'],
    ['0.5Ki', '512'],
    ['0', '0'],
    ['0Gi', '0'],
    ['-0.25', '-250m'],
    ['+1', '1'],
    ['0.0000000001', '1n'],
    ['100000000000E', '9223372036854775807'],
    ['.5', '500m'],
    ['5.', '5'],
  ])('writes %s as %s', (text, canonical) => expect(canonicalQuantity(text)).toBe(canonical));

  test.each([
    ['', 'must match the regular expression'],
    ['abc', 'must match the regular expression'],
    ['1GB', 'must match the regular expression'],
    ['1.2.3', 'must match the regular expression'],
    ['1Gm', "unable to parse quantity's suffix"],
    ['1e', "unable to parse quantity's suffix"],
    ['.', 'unable to parse numeric part'],
  ])('refuses %p as Kubernetes does', (text, message) => {
    expect(() => parseQuantity(text)).toThrow(message);
    expect(isQuantity(text)).toBe(false);
  });

  test('rounds resource amounts up to thousandths', () => {
    expect(canonicalResourceAmount('1n')).toBe('1m');
    expect(canonicalResourceAmount('0.0001')).toBe('1m');
    expect(canonicalResourceAmount('100m')).toBe('100m');
  });

  test('compares, adds and subtracts across notations', () => {
    expect(compareQuantities('1Gi', '1073741824')).toBe(0);
    expect(compareQuantities('1G', '1Gi')).toBe(-1);
    expect(formatQuantity(addQuantities('512Mi', '512Mi'))).toBe('1Gi');
    expect(formatQuantity(subtractQuantities('1', '250m'))).toBe('750m');
  });

  test('gives numbers for arithmetic, rounded up', () => {
    expect(quantityMillis('250m')).toBe(250);
    expect(quantityMillis('0.0001')).toBe(1);
    expect(quantityValue('1Gi')).toBe(1024 ** 3);
    expect(quantityValue('100m')).toBe(1);
    expect(formatMillis(2000)).toBe('2');
    expect(formatBytes(1024 ** 3)).toBe('1Gi');
  });

  const anyText = fc
    .tuple(fc.integer({ min: -999_999, max: 999_999 }), fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi', 'e3', 'n', 'u', 'T'))
    .map(([n, suffix]) => `${n}${suffix}`);

  test('canonical texts keep the value and stay as they are', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const canonical = canonicalQuantity(text);
        expect(compareQuantities(canonical, text)).toBe(0);
        expect(canonicalQuantity(canonical)).toBe(canonical);
      }),
    );
  });

  test('the quick path for numbers agrees with the exact one', () => {
    fc.assert(
      fc.property(fc.nat(999_999), fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi'), (n, suffix) => {
        const exact = parseQuantity(`${n}${suffix}`).nanos;
        expect(quantityMillis(`${n}${suffix}`)).toBe(Number(exact / 1_000_000n));
        expect(quantityValue(`${n}${suffix}`)).toBe(Number((exact + 999_999_999n) / 1_000_000_000n));
      }),
    );
  });
});
