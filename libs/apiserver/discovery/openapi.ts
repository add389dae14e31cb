/** `/openapi/v2` and `/openapi/v3`: the documents of libs/api with HTTP's caching around them. */
import { openApiHash, openApiV2Document, openApiV2Protobuf, openApiV3Document, openApiV3Index } from '../../api/index.js';
import type { ApiRequest, ApiResponse } from '../ports.js';

const V3 = '/openapi/v3';
/** Clients ask with an `@`, which no media type may contain: the answer names the valid spelling, as Go clients parse it. */
const ASKED_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** `undefined` where the path is no OpenAPI document. */
export async function openApi({ path, headers, query }: ApiRequest): Promise<ApiResponse | undefined> {
  const etag = `"${openApiHash}"`;
  const isKnown = headers['if-none-match'] === etag;
  if (path === '/openapi/v2') {
    if (isKnown) return notModified(etag);
    const accept = headers['accept'] ?? '';
    if (accept.includes(ASKED_PROTOBUF) || accept.includes(PROTOBUF)) return protobuf(await openApiV2Protobuf(), etag);
    return document(await openApiV2Document(), etag);
  }
  if (path === V3 || path === `${V3}/`) return document(openApiV3Index(), etag);
  if (!path.startsWith(`${V3}/`)) return undefined;
  if (isKnown) return notModified(etag);
  const text = await openApiV3Document(path.slice(V3.length + 1));
  return text === undefined ? undefined : document(text, etag, query.has('hash'));
}

/** Addresses with a hash never change their content, so clients may keep it for ever. */
function document(text: string, etag: string, isForEver = false): ApiResponse {
  const caching = isForEver ? 'public, immutable' : 'no-cache, private';
  return { kind: 'body', status: 200, headers: { 'Content-Type': 'application/json', ETag: etag, 'Cache-Control': caching }, body: text };
}

function notModified(etag: string): ApiResponse {
  return { kind: 'body', status: 304, headers: { ETag: etag }, body: '' };
}

function protobuf(bytes: Uint8Array, etag: string): ApiResponse {
  return { kind: 'stream', status: 200, headers: { 'Content-Type': PROTOBUF, ETag: etag }, chunks: once(bytes) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
