/**
 * The serving end of a SPDY/3.1 connection, as far as Kubernetes' clients use it: they open streams, both ends write and
 * half-close them. There is no flow control by windows, because Go's implementation has none either.
 */
import { Channel } from '../../kit/index.js';
import { CONTROL, controlFrame, dataFrame, FLAG_FIN, readFrames, type Frame } from './frames.js';
import { HeaderCodec, type Headers } from './header-codec.js';

/** The connection below: a socket, or the binary messages of a WebSocket. */
export interface ByteLine {
  readonly input: AsyncIterable<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
}

/** One stream that the client has opened. */
export interface SpdyStream {
  readonly id: number;
  readonly headers: Headers;
  /** What the client writes, until it half-closes. */
  readonly input: AsyncIterable<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  /** No more from this end. Calling it twice is harmless. */
  end(): Promise<void>;
}

/** Pieces in which long writes go out, so that streams take turns. */
const PIECE_BYTES = 32 * 1024;
/** Unread pieces of one stream before the whole connection waits for its reader. */
const UNREAD_PIECES_MAX = 64;

class ServedStream implements SpdyStream {
  readonly input = new Channel<Uint8Array>();
  private ended = false;

  constructor(
    readonly id: number,
    readonly headers: Headers,
    private readonly send: (frame: Buffer) => Promise<void>,
  ) {}

  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length && !this.ended; at += PIECE_BYTES) {
      await this.send(dataFrame(this.id, data.subarray(at, at + PIECE_BYTES)));
    }
  }

  async end(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    await this.send(dataFrame(this.id, Buffer.alloc(0), FLAG_FIN));
  }
}

/**
 * Serves the line until it ends; `onStream` is told each stream after it was accepted, in order. Resolves when the line
 * is finished; rejects when it breaks or speaks something else.
 */
export async function serveSpdy(line: ByteLine, onStream: (stream: SpdyStream) => void): Promise<void> {
  using codec = new HeaderCodec();
  const session = new Session(line, codec, onStream);
  try {
    for await (const frame of readFrames(line.input)) {
      if (!(await session.take(frame))) return;
    }
  } finally {
    session.close();
  }
}

class Session {
  private readonly streams = new Map<number, ServedStream>();

  constructor(
    private readonly line: ByteLine,
    private readonly codec: HeaderCodec,
    private readonly onStream: (stream: SpdyStream) => void,
  ) {}

  /** False when the client says goodbye. */
  async take(frame: Frame): Promise<boolean> {
    if (frame.kind === 'data') {
      await this.takeData(frame);
      return true;
    }
    switch (frame.type) {
      case CONTROL.synStream:
        await this.open(frame);
        return true;
      case CONTROL.headers:
        await this.codec.decode(frame.payload.subarray(4)); // keeps the compression in step
        return true;
      case CONTROL.rstStream:
        this.forget(frame.payload.readUInt32BE(0) & 0x7fffffff);
        return true;
      case CONTROL.ping:
        if (frame.payload.readUInt32BE(0) % 2 === 1) await this.line.write(controlFrame(CONTROL.ping, frame.payload));
        return true;
      default:
        return frame.type !== CONTROL.goAway;
    }
  }

  close(): void {
    for (const id of this.streams.keys()) this.forget(id);
  }

  private async open({ payload, flags }: Frame): Promise<void> {
    const id = payload.readUInt32BE(0) & 0x7fffffff;
    const headers = await this.codec.decode(payload.subarray(10));
    const stream = new ServedStream(id, headers, (data) => this.line.write(data));
    this.streams.set(id, stream);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(id);
    await this.line.write(controlFrame(CONTROL.synReply, Buffer.concat([head, await this.codec.encode(new Map())])));
    if ((flags & FLAG_FIN) !== 0) stream.input.end();
    this.onStream(stream);
  }

  private async takeData({ streamId, payload, flags }: Extract<Frame, { kind: 'data' }>): Promise<void> {
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    if (payload.length > 0) stream.input.push(payload);
    if ((flags & FLAG_FIN) !== 0) this.forget(streamId);
    while (stream.input.size > UNREAD_PIECES_MAX) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  private forget(id: number): void {
    this.streams.get(id)?.input.end();
    this.streams.delete(id);
  }
}
