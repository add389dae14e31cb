import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBase64, encodeBase64 } from './index.js';

describe('base64 without host types', () => {
  test('agrees with the host for every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const host = Buffer.from(text, 'utf8').toString('base64');
        expect(encodeBase64(text)).toBe(host);
        expect(decodeBase64(host)).toBe(text);
      }),
    );
  });

  test('what is not base64 decodes to undefined', () => {
    expect(decodeBase64('a*b')).toBeUndefined();
  });
});
