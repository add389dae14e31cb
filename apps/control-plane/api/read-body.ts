/** Request bodies as text: bounded, and UTF-8 or refused; protobuf becomes JSON here. */
import type { IncomingMessage } from 'node:http';
import { decodeProtobuf } from '../../../libs/adapters/protobuf/index.js';
import { StatusError } from '../../../libs/api/index.js';

/** Kubernetes' limit for one request. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

export interface TextBody {
  readonly text: string;
  /** Set where the text is no longer what the request's own header says. */
  readonly contentType?: string | undefined;
}

/** Throws RequestEntityTooLarge or BadRequest. What a refused client still sends is read and thrown away, so that it sees the answer. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<TextBody> {
  if (request.method === 'GET' || request.method === 'HEAD') return { text: '' };
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else if (bytes > bytesMax * 4) break;
  }
  if (bytes > bytesMax) throw new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${bytesMax}`);
  const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  const isProtobuf = request.headers['content-type']?.startsWith('application/vnd.kubernetes.protobuf') === true && bytes > 0;
  return isProtobuf ? { text: fromProtobuf(body), contentType: 'application/json' } : { text: decodeUtf8(body) };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new StatusError('BadRequest', 'error decoding the request body: invalid UTF-8');
  }
}

function fromProtobuf(bytes: Buffer): string {
  try {
    return JSON.stringify(decodeProtobuf(bytes));
  } catch (error) {
    throw new StatusError('BadRequest', `error decoding the request body: ${error instanceof Error ? error.message : String(error)}`);
  }
}
