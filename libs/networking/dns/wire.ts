/** DNS messages to bytes and back. Reading trusts nothing: every length and pointer is checked. */
import { formatIpv4, parseIpv4 } from '../ipv4.js';
import { DNS_TYPE, typeOf } from './message.js';
import type { DnsData, DnsMessage, DnsQuestion, DnsRecord } from './message.js';

/** The bytes are not a DNS message. */
export class DnsFormatError extends Error {
  override readonly name = 'DnsFormatError';
}

const NAME_BYTES_MAX = 255;
const OPT_BYTES = 11;

/** Throws `DnsFormatError`. Records after the first broken one are not read: the whole message is refused. */
export function decodeMessage(bytes: Uint8Array): DnsMessage {
  const reader = new Reader(bytes);
  const id = reader.uint16();
  const flags = reader.uint16();
  const [questionCount, answerCount, authorityCount, additionalCount] = [
    reader.uint16(),
    reader.uint16(),
    reader.uint16(),
    reader.uint16(),
  ];
  const questions = times(questionCount, () => readQuestion(reader));
  const answers = times(answerCount, () => readRecord(reader));
  const authority = times(authorityCount, () => readRecord(reader));
  const additional = times(additionalCount, () => readRecord(reader));
  const opt = additional.find((record) => typeOf(record.data) === DNS_TYPE.OPT);
  const extendedRcode = opt === undefined ? 0 : (opt.ttl >>> 24) << 4;
  return {
    id,
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    rcode: (flags & 15) | extendedRcode,
    questions,
    answers,
    authority,
    additional: additional.filter((record) => record !== opt),
    edns: opt === undefined ? undefined : { udpBytesMax: opt.class, version: (opt.ttl >>> 16) & 255 },
  };
}

/**
 * At most `bytesMax` bytes: answers that do not fit are left out and the message is marked truncated; additional records
 * are left out silently.
 */
export function encodeMessage(message: DnsMessage, bytesMax = 65_535): Uint8Array {
  const writer = new Writer(bytesMax - (message.edns === undefined ? 0 : OPT_BYTES));
  for (let index = 0; index < 6; index += 1) writer.uint16(0);
  for (const question of message.questions) writeQuestion(writer, question);
  const answers = writer.asManyAsFit(message.answers);
  const authority = writer.asManyAsFit(message.authority);
  const additional = writer.asManyAsFit(message.additional);
  writer.limit = bytesMax;
  if (message.edns !== undefined) writeOpt(writer, message.edns, message.rcode);
  const isCut = answers < message.answers.length || authority < message.authority.length;
  const counts = [message.questions.length, answers, authority, additional + (message.edns === undefined ? 0 : 1)];
  return writer.finish([message.id, flagsOf(message, isCut), ...counts]);
}

function flagsOf(message: DnsMessage, isCut: boolean): number {
  const flag = (isSet: boolean, bit: number) => (isSet ? bit : 0);
  return (
    flag(message.isResponse, 0x8000) |
    (message.opcode << 11) |
    flag(message.isAuthoritative, 0x0400) |
    flag(message.isTruncated || isCut, 0x0200) |
    flag(message.recursionDesired, 0x0100) |
    flag(message.recursionAvailable, 0x0080) |
    (message.rcode & 15)
  );
}

function readQuestion(reader: Reader): DnsQuestion {
  return { name: reader.name(), type: reader.uint16(), class: reader.uint16() };
}

function readRecord(reader: Reader): DnsRecord {
  const name = reader.name();
  const type = reader.uint16();
  const recordClass = reader.uint16();
  const ttl = reader.uint32();
  const length = reader.uint16();
  const end = reader.offset + length;
  const data = readData(reader, type, length);
  if (reader.offset !== end) throw new DnsFormatError(`record data of type ${type} has the wrong length`);
  return { name, class: recordClass, ttl, data };
}

function readData(reader: Reader, type: number, length: number): DnsData {
  switch (type) {
    case DNS_TYPE.A:
      return length === 4 ? { kind: 'A', address: formatIpv4(reader.uint32()) } : { kind: 'other', type, bytes: reader.take(length) };
    case DNS_TYPE.NS:
      return { kind: 'NS', target: reader.name() };
    case DNS_TYPE.CNAME:
      return { kind: 'CNAME', target: reader.name() };
    case DNS_TYPE.PTR:
      return { kind: 'PTR', target: reader.name() };
    case DNS_TYPE.MX:
      return { kind: 'MX', preference: reader.uint16(), target: reader.name() };
    case DNS_TYPE.SRV:
      return { kind: 'SRV', priority: reader.uint16(), weight: reader.uint16(), port: reader.uint16(), target: reader.name() };
    case DNS_TYPE.SOA:
      return {
        kind: 'SOA',
        primary: reader.name(),
        mailbox: reader.name(),
        numbers: [reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32()],
      };
    default:
      return { kind: 'other', type, bytes: reader.take(length) };
  }
}

function writeQuestion(writer: Writer, question: DnsQuestion): void {
  writer.name(question.name);
  writer.uint16(question.type);
  writer.uint16(question.class);
}

function writeRecord(writer: Writer, record: DnsRecord): void {
  writer.name(record.name);
  writer.uint16(typeOf(record.data));
  writer.uint16(record.class);
  writer.uint32(record.ttl);
  const at = writer.length;
  writer.uint16(0);
  writeData(writer, record.data);
  writer.patch(at, writer.length - at - 2);
}

function writeData(writer: Writer, data: DnsData): void {
  switch (data.kind) {
    case 'A':
      return writer.uint32(parseIpv4(data.address) ?? 0);
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return writer.name(data.target);
    case 'MX':
      writer.uint16(data.preference);
      return writer.name(data.target);
    case 'SRV':
      for (const part of [data.priority, data.weight, data.port]) writer.uint16(part);
      return writer.name(data.target, 'whole'); // RFC 2782: no compression in the target
    case 'SOA':
      writer.name(data.primary);
      writer.name(data.mailbox);
      return data.numbers.forEach((number) => writer.uint32(number));
    case 'other':
      return writer.bytes(data.bytes);
  }
}

function writeOpt(writer: Writer, edns: { readonly udpBytesMax: number; readonly version: number }, rcode: number): void {
  writer.name('');
  writer.uint16(DNS_TYPE.OPT);
  writer.uint16(edns.udpBytesMax);
  writer.uint32((((rcode >> 4) << 24) | (edns.version << 16)) >>> 0);
  writer.uint16(0);
}

/** The count comes from the network: stops by itself, because every item reads at least one byte or throws. */
function times<T>(count: number, read: () => T): readonly T[] {
  const items: T[] = [];
  for (let index = 0; index < count; index += 1) items.push(read());
  return items;
}

class Reader {
  offset = 0;
  constructor(private readonly source: Uint8Array) {}

  take(length: number): Uint8Array {
    if (this.offset + length > this.source.length) throw new DnsFormatError('message ends in the middle of a field');
    const bytes = this.source.slice(this.offset, this.offset + length);
    this.offset += length;
    return bytes;
  }

  byteAt(offset: number): number {
    const byte = this.source[offset];
    if (byte === undefined) throw new DnsFormatError('message ends in the middle of a field');
    return byte;
  }

  uint16(): number {
    const value = this.byteAt(this.offset) * 256 + this.byteAt(this.offset + 1);
    this.offset += 2;
    return value;
  }

  uint32(): number {
    return this.uint16() * 65_536 + this.uint16();
  }

  /** Pointers must lead backwards, each further than the one before, so that no chain of them is endless. */
  name(): string {
    const labels: string[] = [];
    let at = this.offset;
    let end: number | undefined;
    let bytes = 1;
    for (;;) {
      const length = this.byteAt(at);
      if (length === 0) break;
      if ((length & 0xc0) === 0xc0) {
        const target = (length & 0x3f) * 256 + this.byteAt(at + 1);
        if (target >= at || (end !== undefined && target >= this.lowest)) throw new DnsFormatError('name pointer does not lead backwards');
        end ??= at + 2;
        this.lowest = target;
        at = target;
        continue;
      }
      if (length > 63) throw new DnsFormatError('unknown kind of label');
      bytes += length + 1;
      if (bytes > NAME_BYTES_MAX) throw new DnsFormatError('name is longer than 255 bytes');
      labels.push(this.label(at + 1, length));
      at += length + 1;
    }
    this.offset = end ?? at + 1;
    return labels.join('.');
  }
  private lowest = 0;

  private label(start: number, length: number): string {
    let text = '';
    for (let at = start; at < start + length; at += 1) {
      const byte = this.byteAt(at);
      const isPlain = byte > 32 && byte < 127 && byte !== 46 && byte !== 92;
      text += isPlain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
    }
    return text;
  }
}

class Writer {
  private readonly out: number[] = [];
  /** Where a name or the end of one already stands. */
  private readonly places = new Map<string, number>();
  constructor(public limit: number) {}

  get length(): number {
    return this.out.length;
  }

  uint16(value: number): void {
    this.out.push((value >> 8) & 255, value & 255);
  }

  uint32(value: number): void {
    this.uint16(Math.floor(value / 65_536));
    this.uint16(value % 65_536);
  }

  bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.out.push(byte);
  }

  name(name: string, style: 'compressed' | 'whole' = 'compressed'): void {
    const labels = name === '' ? [] : name.split('.');
    for (let index = 0; index < labels.length; index += 1) {
      const rest = labels.slice(index).join('.');
      const place = this.places.get(rest);
      if (place !== undefined && style === 'compressed') return this.uint16(0xc000 | place);
      if (this.out.length < 0x4000 && place === undefined) this.places.set(rest, this.out.length);
      const bytes = labelBytes(labels[index] ?? '');
      if (bytes.length === 0 || bytes.length > 63) throw new DnsFormatError(`label of ${bytes.length} bytes in "${name}"`);
      this.out.push(bytes.length, ...bytes);
    }
    this.out.push(0);
  }

  /** Returns how many were written; the first that does not fit is taken back. */
  asManyAsFit(records: readonly DnsRecord[]): number {
    for (const [index, record] of records.entries()) {
      const before = this.out.length;
      writeRecord(this, record);
      if (this.out.length > this.limit) {
        this.out.length = before;
        for (const [name, place] of this.places) if (place >= before) this.places.delete(name);
        return index;
      }
    }
    return records.length;
  }

  patch(at: number, value: number): void {
    this.out[at] = (value >> 8) & 255;
    this.out[at + 1] = value & 255;
  }

  finish(header: readonly number[]): Uint8Array {
    header.forEach((value, index) => this.patch(index * 2, value));
    return Uint8Array.from(this.out);
  }
}

function labelBytes(label: string): readonly number[] {
  return [...label.matchAll(/\\(\d{3})|([\s\S])/g)].map(([, code, char = '']) =>
    code === undefined ? char.charCodeAt(0) & 255 : Number(code),
  );
}
