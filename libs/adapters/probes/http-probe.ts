/** HTTP probes: one request, redirects on the same host followed, 200 to 399 is success. */
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Prober, ProbeOutcome } from '../../agent/index.js';
import { errorCode, messageOf } from '../process/files.js';
import { dialError, dialTimeout, hostPort } from './dial-error.js';

export type HttpProbe = Parameters<Prober['http']>[0];

const USER_AGENT = 'kube-probe/1.36';
/** More of a body is not read. */
const BODY_BYTES_MAX = 10 * 1024;
const REDIRECTS_MAX = 10;
const OK_FIRST = 200;
const OK_LAST = 399;
const AWAITING = '(Client.Timeout exceeded while awaiting headers)';

/** Never throws: whatever goes wrong is the outcome. */
export async function probeHttp(probe: HttpProbe): Promise<ProbeOutcome> {
  const deadline = AbortSignal.timeout(probe.timeoutMs);
  let url = firstUrl(probe);
  const origin = url.hostname;
  try {
    for (let redirects = 0; ; redirects++) {
      const { status, location } = await get(url, probe, deadline);
      const next = location === undefined || status < 300 || status > 399 ? undefined : new URL(location, url);
      // A redirect to another host is not followed and counts as success: the pod did answer.
      if (next === undefined || next.hostname !== origin) return verdict(status);
      if (redirects === REDIRECTS_MAX) return { ok: false, output: `Get "${next.href}": stopped after ${REDIRECTS_MAX} redirects` };
      url = next;
    }
  } catch (error) {
    return { ok: false, output: `Get "${url.href}": ${messageOf(error)}` };
  }
}

function verdict(status: number): ProbeOutcome {
  return status >= OK_FIRST && status <= OK_LAST ? { ok: true } : { ok: false, output: `HTTP probe failed with statuscode: ${status}` };
}

/** The path may carry a query; a missing slash is added. */
function firstUrl({ scheme, host, port, path }: HttpProbe): URL {
  return new URL(path.startsWith('/') ? path : `/${path}`, `${scheme.toLowerCase()}://${hostPort(host, port)}`);
}

interface Answer {
  readonly status: number;
  readonly location?: string | undefined;
}

function get(url: URL, probe: HttpProbe, deadline: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { headers: probeHeaders(probe), signal: deadline, agent: false as const, setHost: false };
    const request = url.protocol === 'https:' ? httpsRequest(url, { ...options, rejectUnauthorized: false }) : httpRequest(url, options);
    const state = { isConnected: false };
    request.on('socket', (socket) => socket.once('connect', () => (state.isConnected = true)));
    request.once('error', (error) =>
      reject(new Error(requestError(error, url, state.isConnected && !deadline.aborted, deadline.aborted && state.isConnected))),
    );
    request.once('response', (response) => void readCapped(request, response).then(resolve));
    request.end();
  });
}

function requestError(error: Error, url: URL, isConnected: boolean, isLate: boolean): string {
  const address = hostPort(url.hostname.replace(/^\[|\]$/g, ''), Number(url.port || (url.protocol === 'https:' ? 443 : 80)));
  if (isLate) return `context deadline exceeded ${AWAITING}`;
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return `${dialTimeout(address)} ${AWAITING}`;
  const code = errorCode(error);
  if (isConnected && code === 'ECONNRESET') return 'EOF';
  return isConnected ? error.message : dialError(address, code, error.message);
}

/** The body is read so that the server is not cut off in the middle, but never more of it than 10 KiB. */
function readCapped(request: ClientRequest, response: IncomingMessage): Promise<Answer> {
  const answer: Answer = { status: response.statusCode ?? 0, location: response.headers.location };
  return new Promise((resolve) => {
    let bytes = 0;
    const finish = (): void => {
      request.destroy();
      resolve(answer);
    };
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes >= BODY_BYTES_MAX) finish();
    });
    response.once('end', finish);
    response.once('error', finish);
  });
}

/** The pod's headers win; an empty value takes a default away, as in Kubernetes. */
function probeHeaders(probe: HttpProbe): Record<string, string | string[]> {
  const defaults = { 'user-agent': USER_AGENT, accept: '*/*', host: hostPort(probe.host, probe.port) };
  const headers: Record<string, string[]> = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, [value]]));
  const own = new Set<string>();
  for (const { name, value } of probe.headers) {
    const key = name.toLowerCase();
    headers[key] = own.has(key) ? [...(headers[key] ?? []), value] : [value];
    own.add(key);
  }
  for (const key of ['user-agent', 'accept']) if (headers[key]?.[0] === '') delete headers[key];
  // Node takes a list for every header but Host.
  return { ...headers, host: headers['host']?.[0] ?? '', connection: 'close' };
}
