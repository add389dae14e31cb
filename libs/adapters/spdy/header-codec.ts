/** SPDY header blocks: name/value pairs, compressed by one zlib stream a direction for the life of the connection. */
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { headerDictionary } from './dictionary.js';

export type Headers = ReadonlyMap<string, string>;

/** A block that unpacks to more is refused: no header of ours comes near. */
const BLOCK_BYTES_MAX = 64 * 1024;

export class HeaderCodec implements Disposable {
  private readonly deflate: Deflate = createDeflate({ dictionary: headerDictionary });
  private readonly inflate: Inflate = createInflate({ dictionary: headerDictionary });

  /** Blocks must be encoded one after the other, in the order in which they are sent. */
  async encode(headers: Headers): Promise<Buffer> {
    this.deflate.write(pairs(headers));
    await new Promise<void>((resolve) => this.deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    return drain(this.deflate);
  }

  /** Blocks must be decoded in the order in which they arrived. Rejects for what is not a block. */
  async decode(block: Buffer): Promise<Headers> {
    await new Promise<void>((resolve, reject) => {
      this.inflate.once('error', reject);
      this.inflate.write(block, (error) => {
        this.inflate.off('error', reject);
        if (error) reject(error);
        else resolve();
      });
    });
    return parsePairs(drain(this.inflate));
  }

  [Symbol.dispose](): void {
    this.deflate.destroy();
    this.inflate.destroy();
  }
}

function drain(stream: Deflate | Inflate): Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > BLOCK_BYTES_MAX) throw new Error(`SPDY header block of more than ${BLOCK_BYTES_MAX} bytes`);
  }
  return Buffer.concat(chunks);
}

function pairs(headers: Headers): Buffer {
  const parts = [uint32(headers.size)];
  for (const [name, value] of headers) parts.push(counted(name.toLowerCase()), counted(value));
  return Buffer.concat(parts);
}

function parsePairs(block: Buffer): Headers {
  const headers = new Map<string, string>();
  let at = 4;
  const next = (): string => {
    const length = block.readUInt32BE(at);
    const text = block.toString('utf8', at + 4, at + 4 + length);
    at += 4 + length;
    return text;
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) headers.set(next(), next());
  return headers;
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
