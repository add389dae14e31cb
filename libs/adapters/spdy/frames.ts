/** SPDY/3.1 frames on a byte stream. */
export const CONTROL = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
export const FLAG_FIN = 0x01;

export type Frame =
  | { readonly kind: 'data'; readonly streamId: number; readonly flags: number; readonly payload: Buffer }
  | { readonly kind: 'control'; readonly type: number; readonly flags: number; readonly payload: Buffer };

const HEAD_BYTES = 8;
const VERSION = 3;
/** Go's peers send pieces of at most 32 KiB; the wire would allow 16 MiB. */
const PAYLOAD_BYTES_MAX = 1024 * 1024;

/** Cuts the stream into frames. Throws for frames over the limit and for other versions. */
export async function* readFrames(input: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of input) {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    while (pending.length >= HEAD_BYTES) {
      const size = HEAD_BYTES + payloadSize(pending);
      if (pending.length < size) break;
      yield frameOf(pending.subarray(0, size));
      pending = pending.subarray(size);
    }
  }
}

function payloadSize(head: Buffer): number {
  const size = head.readUInt32BE(4) & 0xffffff;
  if (size > PAYLOAD_BYTES_MAX) throw new Error(`SPDY frame of ${size} bytes`);
  return size;
}

function frameOf(bytes: Buffer): Frame {
  const first = bytes.readUInt32BE(0);
  const flags = bytes.readUInt8(4);
  const payload = bytes.subarray(HEAD_BYTES);
  if (first >>> 31 === 0) return { kind: 'data', streamId: first, flags, payload };
  if (((first >>> 16) & 0x7fff) !== VERSION) throw new Error('SPDY version 3 is spoken here');
  return { kind: 'control', type: first & 0xffff, flags, payload };
}

export function dataFrame(streamId: number, payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(streamId & 0x7fffffff, 0);
  head.writeUInt32BE((flags << 24) | payload.length, 4);
  return Buffer.concat([head, payload]);
}

export function controlFrame(type: number, payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE((0x80000000 + VERSION * 0x10000 + type) >>> 0, 0);
  head.writeUInt32BE(((flags << 24) | payload.length) >>> 0, 4);
  return Buffer.concat([head, payload]);
}
