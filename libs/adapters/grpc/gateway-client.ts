/** The agent's end of the gRPC connection: one channel with the node's certificate, replaced when the certificate is. */
import { credentials } from '@grpc/grpc-js';
import type { Client, ClientDuplexStream, ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { GatewayStream, GatewayTransport } from '../../agent/index.js';
import type { AgentMessage, GatewayMessage, PodTokenRequest, TunnelChannel } from '../../gateway/index.js';
import { gatewayService, MESSAGE_BYTES_MAX } from './proto.js';
import { encodeTunnelFrame, tunnelChannel } from './tunnel-stream.js';
import { decodeGatewayMessage, encodeAgentMessage } from './wire-messages.js';

/** A name in every gateway's certificate: the CA is the cluster's own, so the address by which a host reaches it does not matter. */
const GATEWAY_NAME = 'kubernetes';
const KEEPALIVE_MS = 1_500;
const UNARY_TIMEOUT_MS = 10_000;

export interface ClientTls {
  readonly caPem: string;
  /** Absent before the node has enrolled. */
  readonly certificatePem?: string | undefined;
  readonly keyPem?: string | undefined;
}

/** The methods that proto-loader's client class has. */
interface RawClient extends Client {
  connect(): ClientDuplexStream<object, unknown>;
  tunnel(): ClientDuplexStream<object, unknown>;
  enroll(request: object, options: object, done: UnaryCallback): unknown;
  renew(request: object, options: object, done: UnaryCallback): unknown;
  issueToken(request: object, options: object, done: UnaryCallback): unknown;
  resolveImage(request: object, options: object, done: UnaryCallback): unknown;
  fetchBlob(request: object): ClientReadableStream<unknown>;
}
type UnaryCallback = (error: ServiceError | null, response: unknown) => void;

export interface ResolvedClusterImage {
  readonly digest: string;
  readonly mediaType: string;
  readonly manifest: Uint8Array;
}

export class GatewayClient implements GatewayTransport, Disposable {
  #client: RawClient;

  /** `address` is `host:port`. Connects lazily. */
  constructor(
    private readonly address: string,
    tls: ClientTls,
  ) {
    this.#client = newClient(address, tls);
  }

  /** Later calls use the new certificate; running streams go on. */
  replaceCertificate(tls: ClientTls): void {
    this.#client = newClient(this.address, tls);
  }

  open(listener: { message(message: GatewayMessage): void; closed(reason: string): void }): GatewayStream {
    const call = this.#client.connect();
    let isClosed = false;
    const closed = (reason: string): void => {
      if (isClosed) return;
      isClosed = true;
      listener.closed(reason);
    };
    call.on('data', (raw: unknown) => {
      const message = decodeGatewayMessage(raw);
      if (message !== undefined && !isClosed) listener.message(message);
    });
    call.on('error', (error: Error) => closed(error.message));
    call.on('end', () => closed('the gateway ended the stream'));
    return {
      send: (message: AgentMessage) => void (isClosed || call.write(encodeAgentMessage(message))),
      close: () => {
        call.end();
        setTimeout(() => call.cancel(), 200).unref();
      },
    };
  }

  tunnel(tunnelId: string): TunnelChannel {
    const call = this.#client.tunnel();
    call.write(encodeTunnelFrame({ type: 'open', tunnelId }));
    return tunnelChannel(call, () => {
      call.end();
    });
  }

  async issueToken(request: PodTokenRequest): Promise<{ readonly token: string; readonly expiresAtMs: number }> {
    return (await this.#unary('issueToken', request)) as { token: string; expiresAtMs: number }; // decode: TokenResponse
  }

  async enroll(request: {
    readonly tokenId: string;
    readonly tokenSecret: string;
    readonly nodeName: string;
    readonly csrPem: string;
  }): Promise<{ readonly certificatePem: string; readonly caPem: string }> {
    return decodeEnrolled(await this.#unary('enroll', { ...request, csrPem: Buffer.from(request.csrPem) }));
  }

  async renew(csrPem: string): Promise<{ readonly certificatePem: string; readonly caPem: string }> {
    return decodeEnrolled(await this.#unary('renew', { csrPem: Buffer.from(csrPem) }));
  }

  /** `undefined`: the control plane holds no such image, ask the registry. */
  async resolveImage(reference: string): Promise<ResolvedClusterImage | undefined> {
    try {
      return (await this.#unary('resolveImage', { reference })) as ResolvedClusterImage; // decode: ImageResponse
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async *fetchBlob(digest: string): AsyncIterable<Uint8Array> {
    for await (const chunk of this.#client.fetchBlob({ digest })) yield (chunk as { data: Buffer }).data; // decode: BlobChunk
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #unary(method: 'enroll' | 'renew' | 'issueToken' | 'resolveImage', request: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#client[method](request, { deadline: Date.now() + UNARY_TIMEOUT_MS }, (error, response) => {
        if (error === null) resolve(response);
        else reject(Object.assign(new Error(error.details === '' ? error.message : error.details), { code: error.code }));
      });
    });
  }
}

const NOT_FOUND = 5;
function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === NOT_FOUND;
}

function decodeEnrolled(raw: unknown): { readonly certificatePem: string; readonly caPem: string } {
  const { certificatePem, caPem } = raw as { certificatePem: Buffer; caPem: Buffer };
  return { certificatePem: certificatePem.toString('utf8'), caPem: caPem.toString('utf8') };
}

function newClient(address: string, tls: ClientTls): RawClient {
  const own =
    tls.certificatePem === undefined || tls.keyPem === undefined ? [] : [Buffer.from(tls.keyPem), Buffer.from(tls.certificatePem)];
  const secure = credentials.createSsl(Buffer.from(tls.caPem), own[0] ?? null, own[1] ?? null);
  return new (gatewayService())(address, secure, {
    'grpc.ssl_target_name_override': GATEWAY_NAME,
    'grpc.default_authority': GATEWAY_NAME,
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.min_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.enable_retries': 0,
  }) as unknown as RawClient; // decode: the methods of proto/agent.proto
}
