/** Between Node's HTTP and the pipeline: requests in, bodies and streams out, with backpressure. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { StatusError } from '../../../libs/api/index.js';
import { handle, type Api, type ApiRequest, type ApiResponse, type WholeResponse } from '../../../libs/apiserver/index.js';
import { gzipped, shouldCompress } from './compression.js';
import { listBytes } from './list-bytes.js';
import { BODY_BYTES_MAX, readBody } from './read-body.js';

/** Serves one request to its end. Never rejects. */
export async function serveHttp(api: Api, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const answer = await answerTo(api, request, gone.signal);
  try {
    await send(answer, response, request.headers['accept-encoding']);
  } catch (error) {
    api.context.log.warn('response broken off', { path: request.url, error: String(error) });
    response.destroy();
  }
}

async function answerTo(api: Api, request: IncomingMessage, signal: AbortSignal): Promise<ApiResponse> {
  try {
    const { text, contentType } = await readBody(request, BODY_BYTES_MAX);
    return await handle(api, toApiRequest(request, text, { signal, contentType }));
  } catch (error) {
    return failed(error);
  }
}

/** What the transport itself refuses. */
export function failed(error: unknown): Extract<ApiResponse, { kind: 'body' }> {
  const { status } = error instanceof StatusError ? error : new StatusError('InternalError', `Internal error occurred: ${String(error)}`);
  return { kind: 'body', status: status.code, headers: { 'Content-Type': 'application/json' }, body: `${JSON.stringify(status)}\n` };
}

/** Throws StatusError Unauthorized for a client certificate of another authority. */
export function toApiRequest(
  request: IncomingMessage,
  body: string,
  { signal, contentType }: { readonly signal: AbortSignal; readonly contentType?: string | undefined },
): ApiRequest {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return {
    method: request.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? NO_QUERY : queryOf(url.slice(mark + 1)),
    headers: contentType === undefined ? headersOf(request) : { ...headersOf(request), 'content-type': contentType },
    body,
    certificate: certificateOf(request.socket),
    signal,
  };
}

const NO_QUERY: ReadonlyMap<string, readonly string[]> = new Map();

function queryOf(text: string): ReadonlyMap<string, readonly string[]> {
  const query = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return query;
}

/** Repeated headers are joined by commas, as HTTP allows; Node does so for all but `set-cookie`, which no request carries. */
function headersOf(request: IncomingMessage): Readonly<Record<string, string | undefined>> {
  return request.headers as Readonly<Record<string, string | undefined>>;
}

type Certificate = NonNullable<ApiRequest['certificate']>;
const certificates = new WeakMap<object, Certificate | 'none'>();

/** The verified identity of a connection, looked up once for all its requests. */
function certificateOf(socket: unknown): Certificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = certificates.get(socket);
  if (known !== undefined) return known === 'none' ? undefined : known;
  const identity = readCertificate(socket);
  certificates.set(socket, identity ?? 'none');
  return identity;
}

function readCertificate(socket: TLSSocket): Certificate | undefined {
  const peer = socket.getPeerCertificate();
  // Node answers an empty object where the client showed no certificate.
  if (peer === undefined || peer.subject === undefined) return undefined;
  if (!socket.authorized) throw new StatusError('Unauthorized', 'Unauthorized');
  const { CN, O } = peer.subject as { readonly CN?: string | string[]; readonly O?: string | string[] };
  return { commonName: [CN ?? ''].flat()[0] ?? '', organizations: [O ?? []].flat() };
}

async function send(answer: ApiResponse, response: ServerResponse, acceptEncoding: string | string[] | undefined): Promise<void> {
  if (answer.kind === 'upgrade') return send(failed(new StatusError('BadRequest', 'Upgrade request required')), response, undefined);
  if (answer.kind !== 'stream') {
    // Encoded once: counting a long list's bytes costs as much as encoding it.
    const bytes = answer.kind === 'body' ? Buffer.from(answer.body) : listBytes(answer.head, answer.items, answer.tail);
    return sendBytes(answer, response, { bytes, acceptEncoding });
  }
  response.writeHead(answer.status, answer.headers);
  response.flushHeaders(); // a watch without events must not look like a server without an answer
  for await (const chunk of answer.chunks) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

interface Sending {
  readonly bytes: Buffer;
  readonly acceptEncoding: string | string[] | undefined;
}

async function sendBytes(answer: WholeResponse, response: ServerResponse, { bytes, acceptEncoding }: Sending): Promise<void> {
  const compresses = shouldCompress(bytes.length, acceptEncoding);
  const sent = compresses ? await gzipped(bytes) : bytes;
  const encoding = compresses ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : {};
  response.writeHead(answer.status, { ...answer.headers, ...encoding, 'Content-Length': sent.length });
  response.end(sent);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}
