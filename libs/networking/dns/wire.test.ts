import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DNS_TYPE, DnsFormatError, decodeMessage, encodeMessage } from '../index.js';
import type { DnsMessage, DnsRecord } from '../index.js';

const label = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(...'abcxyz019-_A'.split('')) });
const name = fc.array(label, { maxLength: 5 }).map((labels) => labels.join('.'));
const uint16 = fc.integer({ min: 0, max: 65_535 });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const data = fc.oneof(
  fc.ipV4().map((address) => ({ kind: 'A' as const, address })),
  fc.record({ kind: fc.constantFrom('NS' as const, 'CNAME' as const, 'PTR' as const), target: name }),
  fc.record({ kind: fc.constant('MX' as const), preference: uint16, target: name }),
  fc.record({ kind: fc.constant('SRV' as const), priority: uint16, weight: uint16, port: uint16, target: name }),
  fc.record({ kind: fc.constant('SOA' as const), primary: name, mailbox: name, numbers: fc.tuple(uint32, uint32, uint32, uint32, uint32) }),
  fc.record({
    kind: fc.constant('other' as const),
    type: fc.constantFrom(DNS_TYPE.AAAA, DNS_TYPE.TXT, 999),
    bytes: fc.uint8Array({ maxLength: 40 }),
  }),
);
const record: fc.Arbitrary<DnsRecord> = fc.record({ name, class: fc.constant(1), ttl: uint32, data });
const records = fc.array(record, { maxLength: 6 });
const message: fc.Arbitrary<DnsMessage> = fc.record({
  id: uint16,
  isResponse: fc.boolean(),
  opcode: fc.integer({ min: 0, max: 15 }),
  isAuthoritative: fc.boolean(),
  isTruncated: fc.boolean(),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  rcode: fc.integer({ min: 0, max: 15 }),
  questions: fc.array(fc.record({ name, type: uint16, class: uint16 }), { maxLength: 2 }),
  answers: records,
  authority: records,
  additional: records,
  edns: fc.option(fc.record({ udpBytesMax: uint16, version: fc.integer({ min: 0, max: 255 }) }), { nil: undefined }),
});

describe('DNS messages', () => {
  test('survive the way to bytes and back', () => {
    fc.assert(fc.property(message, (one) => expect(decodeMessage(encodeMessage(one))).toEqual(one)));
  });

  test('never exceed the limit, and say so when answers are missing', () => {
    fc.assert(
      fc.property(message, fc.integer({ min: 200, max: 600 }), (one, limit) => {
        const bytes = encodeMessage(one, limit);
        expect(bytes.length).toBeLessThanOrEqual(limit);
        const read = decodeMessage(bytes);
        const isWhole = read.answers.length === one.answers.length && read.authority.length === one.authority.length;
        expect(read.isTruncated).toBe(one.isTruncated || !isWhole);
      }),
    );
  });

  test('of random or damaged bytes are refused by DnsFormatError, and by nothing else', () => {
    const damaged = fc.tuple(message, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([one, at, byte]) => {
      const bytes = encodeMessage(one);
      bytes[at % bytes.length] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
        try {
          decodeMessage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DnsFormatError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('a pointer to itself is refused', () => {
    const bytes = Uint8Array.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]);
    expect(() => decodeMessage(bytes)).toThrow(DnsFormatError);
  });

  test('odd bytes in names are kept', () => {
    const bytes = Uint8Array.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 46, 92, 200, 0, 0, 1, 0, 1]);
    const read = decodeMessage(bytes);
    expect(read.questions[0]?.name).toBe('\\046\\092\\200');
    expect(encodeMessage(read)).toEqual(bytes);
  });
});
