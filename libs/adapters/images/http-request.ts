/** HTTP with streamed answers, private CAs and plain HTTP where allowed: what `fetch` of Node 20 does not offer without extra packages. */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface HttpRequest {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** PEM of a CA to trust besides the system's. */
  readonly ca?: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: IncomingMessage;
}

/** Without a byte for this long the transfer counts as broken. */
const SILENCE_MS = 30_000;
const REDIRECTS_MAX = 5;

/** Follows redirects; credentials are not passed on to another host. Rejects only when no answer came. */
export async function httpGet(request: HttpRequest, redirects = 0): Promise<HttpAnswer> {
  const answer = await send(request);
  const { location } = answer.headers;
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
  answer.body.resume();
  if (redirects === REDIRECTS_MAX) throw new Error(`${request.url.origin} redirects more than ${REDIRECTS_MAX} times`);
  const url = new URL(location, request.url);
  if (request.url.protocol === 'https:' && url.protocol !== 'https:')
    throw new Error(`${request.url.origin} redirects from HTTPS to ${url.protocol}`);
  const headers = Object.entries(request.headers ?? {}).filter(([name]) => name !== 'authorization' || url.origin === request.url.origin);
  return httpGet({ ...request, url, headers: Object.fromEntries(headers) }, redirects + 1);
}

function send({ url, headers, signal, ca }: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const options = { headers: { ...headers, 'user-agent': 'berth' }, signal, timeout: SILENCE_MS };
    const request =
      url.protocol === 'https:' ? requestHttps(url, { ...options, ...(ca === undefined ? {} : { ca }) }) : requestHttp(url, options);
    request.on('response', (body) => {
      body.setTimeout(SILENCE_MS, () => body.destroy(new Error(`${url.host} sent nothing for ${SILENCE_MS / 1_000} s`)));
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
    });
    request.on('timeout', () => request.destroy(new Error(`${url.host} did not answer within ${SILENCE_MS / 1_000} s`)));
    request.on('error', reject);
    request.end();
  });
}

/** The whole body as text; at most `bytesMax` of it, else it throws. */
export async function readText(body: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const bytes = chunk as Buffer; // a message without an encoding gives buffers
    size += bytes.length;
    if (size > bytesMax) throw new Error(`the answer is longer than ${bytesMax} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}
