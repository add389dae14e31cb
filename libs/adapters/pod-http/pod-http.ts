/** HTTP requests to ports of pods, whichever network the control plane is in. */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { StatusError } from '../../api/index.js';
import type { NodeStreams, PodHttp } from '../../apiserver/index.js';
import { connectionStream } from './connection-stream.js';

/** Headers of one connection: they do not travel on (RFC 9110, 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Throws StatusError ServiceUnavailable where nothing answers. */
export function podHttp(nodes: Pick<NodeStreams, 'connect'>): PodHttp {
  return async (pod, port, { method, path, headers, body }, signal) => {
    const abort = new AbortController();
    signal.addEventListener('abort', () => abort.abort());
    try {
      const stream = connectionStream(await nodes.connect(pod, port, abort.signal));
      const host = `${pod.status?.podIP ?? pod.metadata.name}:${port}`;
      const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = httpRequest({
          method,
          path,
          headers: { ...endToEnd(headers), ...length, host },
          createConnection: () => stream,
          signal: abort.signal,
        });
        sent.once('response', resolve);
        sent.once('error', reject);
        sent.end(body);
      });
      const answered = Object.entries(endToEnd(answer.headers)).map(([name, value]) => [name, String(value)]);
      return { status: answer.statusCode ?? 502, headers: Object.fromEntries(answered), chunks: answer };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new StatusError('ServiceUnavailable', `error trying to reach service: ${why}`);
    }
  };
}

function endToEnd<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(headers).filter(([name, value]) => value !== undefined && !HOP_BY_HOP.has(name)));
}
