/** Upgrade requests: exec, attach and port-forward leave HTTP here, as WebSocket or as plain SPDY. */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { serveSpdy, type SpdyStream } from '../../../libs/adapters/spdy/index.js';
import { StatusError } from '../../../libs/api/index.js';
import { handle, type Api, type ApiResponse, type RemoteProcess, type RemoteSessionRequest } from '../../../libs/apiserver/index.js';
import { socketLine, websocketLine } from './sessions/lines.js';
import { PORT_FORWARD_PROTOCOL, servePortForward, TUNNEL_PROTOCOL } from './sessions/port-forward.js';
import { runProcess } from './sessions/run-process.js';
import { expectedStreams, spdyChannels, SPDY_COMMAND_PROTOCOLS } from './sessions/spdy-channels.js';
import { CHANNEL_PROTOCOLS, websocketChannels } from './sessions/websocket-channels.js';
import { failed, toApiRequest } from './transport.js';

type CommandRequest = Exclude<RemoteSessionRequest, { verb: 'portforward' }>;

/** One request on its way out of HTTP. */
interface Upgrade {
  readonly api: Api;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly websockets: WebSocketServer;
  /** Aborts when the client or the server goes away. */
  readonly gone: AbortSignal;
}

/** Largest WebSocket message that a client may send. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** Answers upgrade requests of the server until disposed; then open sessions are ended. */
export function serveUpgrades(api: Api, server: Pick<Server, 'on' | 'off'>): Disposable {
  const closing = new AbortController();
  const websockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  websockets.on('headers', (headers, request) => headers.push(`Sec-WebSocket-Protocol: ${agreedProtocols.get(request) ?? ''}`));
  const listener = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const gone = new AbortController();
    const end = (): void => gone.abort();
    socket.once('error', end);
    socket.once('close', end);
    closing.signal.addEventListener('abort', () => socket.destroy(), { once: true });
    serveUpgrade({ api, request, socket, head, websockets, gone: gone.signal }).catch((error: unknown) => {
      api.context.log.warn('session broke off', { path: request.url, error: String(error) });
      socket.destroy();
    });
  };
  server.on('upgrade', listener);
  return {
    [Symbol.dispose]: () => {
      server.off('upgrade', listener);
      closing.abort();
    },
  };
}

/** Agreed on before `ws` sees the request: it would refuse the slash in the tunnel's name. */
const agreedProtocols = new WeakMap<IncomingMessage, string>();

async function serveUpgrade(upgrade: Upgrade): Promise<void> {
  const { api, request, socket, gone } = upgrade;
  try {
    const answer = await handle(api, toApiRequest(request, '', { signal: gone }));
    if (answer.kind !== 'upgrade') return refuse(socket, answer);
    const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
    if (answer.session.verb === 'portforward') return await forwardPorts(upgrade, answer.session, isWebSocket);
    return await command(upgrade, answer.session, isWebSocket);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    refuse(socket, failed(error)); // before the upgrade: afterwards failures are told on the session's own channel
  }
}

/** Opens the process first: "no such container" is then an ordinary answer. */
async function command(upgrade: Upgrade, session: CommandRequest, isWebSocket: boolean): Promise<void> {
  const { api, gone } = upgrade;
  const protocol = isWebSocket ? offeredWebSocket(upgrade, CHANNEL_PROTOCOLS) : offeredSpdy(upgrade, SPDY_COMMAND_PROTOCOLS);
  const open = (): Promise<RemoteProcess> => (session.verb === 'exec' ? api.nodes.exec(session, gone) : api.nodes.attach(session, gone));
  const process = await open();
  if (isWebSocket) return runProcess(process, websocketChannels(await accept(upgrade, protocol)), gone);
  acceptSpdy(upgrade.socket, protocol);
  const expected = expectedStreams(session);
  const streams = new Map<string, SpdyStream>();
  await serveSpdy(socketLine(upgrade.socket, upgrade.head), (stream) => {
    streams.set(stream.headers.get('streamtype') ?? '', stream);
    const isComplete = expected.every((type) => streams.has(type));
    if (isComplete)
      void runProcess(
        process,
        spdyChannels(streams, () => upgrade.socket.end()),
        gone,
      );
  });
}

async function forwardPorts(
  upgrade: Upgrade,
  session: Extract<RemoteSessionRequest, { verb: 'portforward' }>,
  isWebSocket: boolean,
): Promise<void> {
  const { api, socket, head, gone } = upgrade;
  if (isWebSocket) {
    const websocket = await accept(upgrade, offeredWebSocket(upgrade, [TUNNEL_PROTOCOL]));
    await servePortForward(api.nodes, session.pod, websocketLine(websocket), gone);
    websocket.close();
    return;
  }
  acceptSpdy(socket, offeredSpdy(upgrade, [PORT_FORWARD_PROTOCOL]));
  await servePortForward(api.nodes, session.pod, socketLine(socket, head), gone);
  socket.end();
}

function accept({ websockets, request, socket, head }: Upgrade, protocol: string): Promise<WebSocket> {
  agreedProtocols.set(request, protocol);
  delete request.headers['sec-websocket-protocol'];
  return new Promise((resolve) => websockets.handleUpgrade(request, socket, head, resolve));
}

function acceptSpdy(socket: Duplex, protocol: string): void {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
}

function offeredWebSocket({ request }: Upgrade, supported: readonly string[]): string {
  return agreed(request.headers['sec-websocket-protocol'], supported);
}

function offeredSpdy({ request }: Upgrade, supported: readonly string[]): string {
  return agreed([request.headers['x-stream-protocol-version'] ?? ''].flat().join(','), supported);
}

/** Throws BadRequest where client and server share no protocol; kubectl then tries its other transport. */
function agreed(header: string | undefined, supported: readonly string[]): string {
  const offered = (header ?? '').split(',').map((protocol) => protocol.trim());
  const protocol = supported.find((name) => offered.includes(name));
  if (protocol !== undefined) return protocol;
  throw new StatusError(
    'BadRequest',
    `unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${supported.join(' ')}]`,
  );
}

/** An ordinary HTTP answer on a socket that asked for something else. */
function refuse(socket: Duplex, answer: Exclude<ApiResponse, { kind: 'upgrade' }>): void {
  const body = answer.kind === 'body' ? answer.body : '';
  const headers = { ...answer.headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
