/** Request bodies as text: bounded, and UTF-8 or refused. */
import type { IncomingMessage } from 'node:http';
import { StatusError } from '../../../libs/api/index.js';

/** Kubernetes' limit for one request. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** Throws RequestEntityTooLarge or BadRequest. What a refused client still sends is read and thrown away, so that it sees the answer. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<string> {
  if (request.method === 'GET' || request.method === 'HEAD') return '';
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else if (bytes > bytesMax * 4) break;
  }
  if (bytes > bytesMax) throw new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${bytesMax}`);
  return decodeUtf8(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new StatusError('BadRequest', 'error decoding the request body: invalid UTF-8');
  }
}
