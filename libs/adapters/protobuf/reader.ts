/** The protobuf wire format: fields of one message, in order. */
export type WireValue =
  | { readonly wire: 'varint'; readonly value: bigint }
  | { readonly wire: 'bytes'; readonly value: Uint8Array }
  | { readonly wire: 'fixed64'; readonly value: number };

export interface WireField {
  readonly number: number;
  readonly value: WireValue;
}

/** What is not a message. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

export function* wireFields(message: Uint8Array): Generator<WireField> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const tag = Number(varint(message, cursor));
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, value: { wire: 'varint', value: varint(message, cursor) } };
        break;
      case 1:
        requireBytes(message, cursor.at, 8);
        yield { number, value: { wire: 'fixed64', value: view.getFloat64(cursor.at, true) } };
        cursor.at += 8;
        break;
      case 2: {
        const length = Number(varint(message, cursor));
        requireBytes(message, cursor.at, length);
        yield { number, value: { wire: 'bytes', value: message.subarray(cursor.at, cursor.at + length) } };
        cursor.at += length;
        break;
      }
      default:
        throw new WireError(`proto: illegal wireType ${tag & 7}`);
    }
  }
}

function requireBytes(message: Uint8Array, at: number, count: number): void {
  if (at + count > message.length) throw new WireError('unexpected EOF');
}

function varint(message: Uint8Array, cursor: { at: number }): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = message[cursor.at++];
    if (byte === undefined) throw new WireError('unexpected EOF');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, value);
  }
  throw new WireError('proto: integer overflow');
}
