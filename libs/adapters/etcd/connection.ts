/**
 * gRPC to etcd: channels, deadlines, and which errors mean "away". It speaks the messages of `etcd3` (its proto files and
 * types) over channels of its own, because the client of that package repeats failed transactions by itself, and a write
 * whose outcome is unknown must not be repeated blindly.
 */
import { createRequire } from 'node:module';
import {
  credentials,
  loadPackageDefinition,
  status,
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type {
  ICompactionRequest,
  ICompactionResponse,
  ILeaseGrantRequest,
  ILeaseGrantResponse,
  ILeaseKeepAliveRequest,
  ILeaseKeepAliveResponse,
  ILeaseRevokeRequest,
  ILeaseRevokeResponse,
  IRangeRequest,
  IRangeResponse,
  IStatusResponse,
  ITxnRequest,
  ITxnResponse,
  IWatchRequest,
  IWatchResponse,
} from 'etcd3';
import { CompactedError, FutureRevisionError, StoreUnavailableError } from '../../storage/index.js';

export interface EtcdTls {
  /** PEM texts. */
  readonly ca: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface EtcdAddress {
  /** `host:port`, `http://host:port` or `https://host:port`: one or more members of one cluster. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls | undefined;
}

interface UnaryMethods {
  range: { service: 'KV'; request: IRangeRequest; response: IRangeResponse };
  txn: { service: 'KV'; request: ITxnRequest; response: ITxnResponse };
  compact: { service: 'KV'; request: ICompactionRequest; response: ICompactionResponse };
  leaseGrant: { service: 'Lease'; request: ILeaseGrantRequest; response: ILeaseGrantResponse };
  leaseRevoke: { service: 'Lease'; request: ILeaseRevokeRequest; response: ILeaseRevokeResponse };
  status: { service: 'Maintenance'; request: object; response: IStatusResponse };
}
const serviceOf = {
  range: 'KV',
  txn: 'KV',
  compact: 'KV',
  leaseGrant: 'Lease',
  leaseRevoke: 'Lease',
  status: 'Maintenance',
} as const satisfies { [M in keyof UnaryMethods]: UnaryMethods[M]['service'] };

type ServiceName = 'KV' | 'Lease' | 'Maintenance' | 'Watch';
type AnyUnary = (request: object, options: { deadline: number }, done: (error: ServiceError | null, response: unknown) => void) => void;
type AnyClient = Client & Record<string, unknown>;

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
};
const CALL_TIMEOUT_MS = 5_000;

type Constructor = new (address: string, channel: ChannelCredentials, options: object) => AnyClient;
let constructors: Readonly<Record<ServiceName, Constructor>> | undefined;

export class EtcdConnection {
  private current = 0;
  private readonly clients = new Map<string, AnyClient>();
  private readonly channelCredentials: ChannelCredentials;

  constructor(private readonly address: EtcdAddress) {
    if (address.endpoints.length === 0) throw new Error('etcd endpoints: give at least one host:port');
    const isSecure = address.tls !== undefined || address.endpoints.some((endpoint) => endpoint.startsWith('https://'));
    this.channelCredentials = isSecure ? credentialsOf(address.tls) : credentials.createInsecure();
  }

  /** One call with a deadline. Throws CompactedError, FutureRevisionError, StoreUnavailableError, else the gRPC error. */
  call<M extends keyof UnaryMethods>(
    method: M,
    request: UnaryMethods[M]['request'],
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<UnaryMethods[M]['response']> {
    const client = this.client(serviceOf[method]);
    return new Promise((resolve, reject) => {
      // The generated clients are typed by name only; the table above says what each method takes and gives.
      const unary = (client[method] as AnyUnary).bind(client);
      unary(request, { deadline: Date.now() + timeoutMs }, (error, response) => {
        if (error === null) resolve(response as UnaryMethods[M]['response']);
        else reject(this.translate(error));
      });
    });
  }

  watch(): ClientDuplexStream<IWatchRequest, IWatchResponse> {
    const client = this.client('Watch');
    return (client['watch'] as () => ClientDuplexStream<IWatchRequest, IWatchResponse>).call(client);
  }

  leaseKeepAlive(): ClientDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse> {
    const client = this.client('Lease');
    return (client['leaseKeepAlive'] as () => ClientDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>).call(client);
  }

  /** What an error of etcd means for the store's caller. */
  translate(error: unknown): unknown {
    if (!isServiceError(error)) return error;
    const text = error.details;
    // etcd answers both with OUT_OF_RANGE; only the text tells them apart.
    if (error.code === status.OUT_OF_RANGE && text.includes('compacted')) return new CompactedError(text);
    if (error.code === status.OUT_OF_RANGE && text.includes('future revision')) return new FutureRevisionError(text);
    if (!AWAY.has(error.code)) return error;
    if (error.code === status.UNAVAILABLE) this.current += 1;
    return new StoreUnavailableError(`etcd at ${this.address.endpoints.join(', ')} did not answer: ${text}`, { cause: error });
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }

  private client(service: ServiceName): AnyClient {
    const endpoint = (this.address.endpoints[this.current % this.address.endpoints.length] ?? '').replace(/^https?:\/\/|\/$/g, '');
    const name = `${service} ${endpoint}`;
    let client = this.clients.get(name);
    if (client === undefined) {
      constructors ??= loadConstructors();
      client = new constructors[service](endpoint, this.channelCredentials, CHANNEL_OPTIONS);
      this.clients.set(name, client);
    }
    return client;
  }
}

/** Codes after which the outcome of a call is unknown, or known to be none; repeating is up to the caller. */
const AWAY: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.NOT_FOUND, // the lease of a put
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNAVAILABLE,
]);

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && typeof error.details === 'string';
}

function credentialsOf(tls: EtcdTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createSsl();
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.certificate));
}

function loadConstructors(): Readonly<Record<ServiceName, Constructor>> {
  const path = createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto');
  const definition = loadSync(path, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: false });
  const loaded = loadPackageDefinition(definition)['etcdserverpb'];
  return loaded as unknown as Readonly<Record<ServiceName, Constructor>>; // grpc-js types loaded packages by shape only
}
