/** The gRPC server in front of libs/gateway: who is calling, what they may call, and the translation of messages. */
import { isIPv6 } from 'node:net';
import { Server } from '@grpc/grpc-js';
import type {
  handleBidiStreamingCall,
  sendUnaryData,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { StatusError } from '../../api/light.js';
import type { Logger } from '../../kit/index.js';
import type { AgentLine, Enrolment, Gateway, ImageSource, PodTokenRequest } from '../../gateway/index.js';
import { gatewayService, MESSAGE_BYTES_MAX } from './proto.js';
import { optionalClientCertificate } from './server-credentials.js';
import type { ServerTls } from './server-credentials.js';
import { asServiceError } from './status-codes.js';
import { decodeTunnelFrame, tunnelChannel } from './tunnel-stream.js';
import { decodeAgentMessage, encodeGatewayMessage } from './wire-messages.js';

/** A peer that answers no ping for this long is gone, whatever TCP believes. */
const KEEPALIVE_MS = 1_500;
const SHUTDOWN_GRACE_MS = 500;

export interface GatewayServerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls;
  readonly gateway: Gateway;
  readonly enrolment: Enrolment;
  readonly issueToken: (node: string, request: PodTokenRequest) => Promise<{ readonly token: string; readonly expiresAtMs: number }>;
  readonly images?: ImageSource | undefined;
  readonly log: Logger;
}

export interface RunningGatewayServer extends AsyncDisposable {
  /** The port that was bound, for port 0. */
  readonly port: number;
}

/** Binds and serves. Throws when the address cannot be bound. */
export async function startGatewayServer(options: GatewayServerOptions): Promise<RunningGatewayServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
  });
  server.addService(gatewayService().service, handlers(options));
  const address = isIPv6(options.host) ? `[${options.host}]:${options.port}` : `${options.host}:${options.port}`;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, optionalClientCertificate(options.tls), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`the agent gateway cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
  return { port, [Symbol.asyncDispose]: () => stop(server) };
}

async function stop(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, SHUTDOWN_GRACE_MS);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

function handlers(options: GatewayServerOptions): UntypedServiceImplementation {
  const { enrolment, issueToken } = options;
  return {
    enroll: unary(async (request: { tokenId: string; tokenSecret: string; nodeName: string; csrPem: Buffer }) =>
      wireEnrolled(await enrolment.enroll({ ...request, csrPem: request.csrPem.toString('utf8') })),
    ),
    renew: unary(async (request: { csrPem: Buffer }, node) => wireEnrolled(await enrolment.renew(node(), request.csrPem.toString('utf8')))),
    issueToken: unary((request: PodTokenRequest, node) => issueToken(node(), request)),
    resolveImage: unary((request: { reference: string }, node) => resolveImage(options, node(), request.reference)),
    fetchBlob: (call: ServerWritableStream<{ digest: string }, object>) => void fetchBlob(options, call),
    connect: connectHandler(options),
    tunnel: (call: ServerDuplexStream<unknown, object>) => void acceptTunnel(options, call),
  };
}

interface AuthenticatedCall {
  getAuthContext(): { readonly sslPeerCertificate?: { readonly subject?: { readonly CN?: unknown; readonly O?: unknown } } };
}

/** The node that the client certificate proves. Throws StatusError Unauthorized. */
function provenNode(call: AuthenticatedCall): string {
  const subject = call.getAuthContext().sslPeerCertificate?.subject;
  const name = typeof subject?.CN === 'string' && subject.CN.startsWith('system:node:') ? subject.CN.slice('system:node:'.length) : '';
  const organizations = Array.isArray(subject?.O) ? subject.O : [subject?.O];
  if (name !== '' && organizations.includes('system:nodes')) return name;
  throw new StatusError(
    'Unauthorized',
    'a node certificate of this cluster is needed; join with a token first ("berth token create", "berth join")',
  );
}

function unary<Request, Response extends object>(answer: (request: Request, node: () => string) => Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
    const run = async (): Promise<void> => {
      try {
        done(null, await answer(call.request, () => provenNode(call)));
      } catch (error) {
        done(asServiceError(error));
      }
    };
    void run();
  };
}

function wireEnrolled(enrolled: { readonly certificatePem: string; readonly caPem: string }): object {
  return { certificatePem: Buffer.from(enrolled.certificatePem), caPem: Buffer.from(enrolled.caPem) };
}

function connectHandler({ gateway, log }: GatewayServerOptions): handleBidiStreamingCall<unknown, object> {
  return (call) => {
    let node: string;
    try {
      node = provenNode(call);
    } catch (error) {
      return refuse(call, error);
    }
    const line: AgentLine = {
      send: (message) => void (call.destroyed || call.write(encodeGatewayMessage(message))),
      close: (reason) => refuse(call, new StatusError('ServiceUnavailable', reason)),
    };
    const gone = (): void => gateway.disconnect(node, line);
    call.on('data', (raw: unknown) => {
      const message = decodeAgentMessage(raw);
      if (message === undefined) return log.debug('unknown message of an agent ignored', { node });
      gateway.receive(node, line, message);
    });
    call.on('error', gone);
    call.on('close', gone);
    call.on('cancelled', gone);
    call.on('end', () => {
      gone();
      call.end();
    });
    gateway.connect(node, line);
  };
}

async function acceptTunnel({ gateway }: GatewayServerOptions, call: ServerDuplexStream<unknown, object>): Promise<void> {
  try {
    const node = provenNode(call);
    const first = await firstMessage(call);
    const opened = first === undefined ? undefined : decodeTunnelFrame(first);
    const isAwaited = opened?.type === 'open' && gateway.acceptTunnel(node, opened.tunnelId, tunnelChannel(call));
    if (!isAwaited) throw new StatusError('NotFound', 'nobody waits for this tunnel any more');
  } catch (error) {
    refuse(call, error);
  }
}

/** Reads one message and leaves the stream readable for its next reader. */
function firstMessage(call: ServerDuplexStream<unknown, object>): Promise<unknown> {
  return new Promise((resolve) => {
    call.on('error', () => resolve(undefined));
    call.once('end', () => resolve(undefined));
    const read = (): void => {
      const message: unknown = call.read();
      if (message === null) call.once('readable', read);
      else resolve(message);
    };
    read();
  });
}

async function resolveImage({ images }: GatewayServerOptions, _node: string, reference: string): Promise<object> {
  const found = await images?.resolve(reference);
  if (found === undefined) throw new StatusError('NotFound', `the control plane holds no image "${reference}"`);
  return found;
}

async function fetchBlob({ images }: GatewayServerOptions, call: ServerWritableStream<{ digest: string }, object>): Promise<void> {
  try {
    provenNode(call);
    const blob = await images?.fetch(call.request.digest);
    if (blob === undefined) throw new StatusError('NotFound', `the control plane holds no blob ${call.request.digest}`);
    for await (const data of blob) {
      if (call.cancelled) return;
      if (!call.write({ data })) await new Promise((resolve) => call.once('drain', resolve));
    }
    call.end();
  } catch (error) {
    refuse(call, error);
  }
}

/** Ends a stream with a status. grpc-js sends the status on the event; `destroy` would drop it. */
function refuse(call: ServerWritableStream<{ digest: string }, object> | ServerDuplexStream<unknown, object>, error: unknown): void {
  if (!call.destroyed) call.emit('error', asServiceError(error));
}
