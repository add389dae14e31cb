/** Upgrade requests: exec, attach and port-forward leave HTTP here. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import { StatusError } from '../../../libs/api/index.js';
import { handle, type Api, type ApiResponse } from '../../../libs/apiserver/index.js';
import { failed, toApiRequest } from './transport.js';

/** Answers upgrade requests of the server until disposed; then open sessions are ended. */
export function serveUpgrades(api: Api, server: Pick<Server, 'on' | 'off'>): Disposable {
  const closing = new AbortController();
  const listener = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    void serveUpgrade(api, request, { socket, head, closing: closing.signal });
  };
  server.on('upgrade', listener);
  return {
    [Symbol.dispose]: () => {
      server.off('upgrade', listener);
      closing.abort();
    },
  };
}

async function serveUpgrade(
  api: Api,
  request: IncomingMessage,
  { socket, closing }: { readonly socket: Duplex; readonly head: Buffer; readonly closing: AbortSignal },
): Promise<void> {
  const gone = new AbortController();
  const abort = (): void => gone.abort();
  socket.on('error', abort);
  socket.on('close', abort);
  closing.addEventListener('abort', abort, { once: true });
  let answer: ApiResponse;
  try {
    answer = await handle(api, toApiRequest(request, '', { signal: gone.signal }));
  } catch (error) {
    answer = failed(error);
  }
  if (answer.kind === 'upgrade') answer = failed(new StatusError('InternalError', 'sessions are not wired yet'));
  refuse(socket, answer);
}

/** An ordinary HTTP answer on a socket that asked for something else. */
function refuse(socket: Duplex, answer: Exclude<ApiResponse, { kind: 'upgrade' }>): void {
  const body = answer.kind === 'body' ? answer.body : '';
  const headers = { ...answer.headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
