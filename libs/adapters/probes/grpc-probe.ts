/** A gRPC health check: one `grpc.health.v1.Health/Check` over HTTP/2 without TLS, as Kubernetes makes it. */
import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { Prober, ProbeOutcome } from '../../agent/index.js';

export type GrpcProbe = Parameters<Prober['grpc']>[0];

const SERVING = 1;
const STATUS_NAMES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
/** gRPC's status codes that have a meaning of their own here. */
const UNIMPLEMENTED = '12';
const REPLY_BYTES_MAX = 4_096;

/** Never throws. */
export async function probeGrpc(probe: GrpcProbe): Promise<ProbeOutcome> {
  const { host, port, timeoutMs } = probe;
  const session = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
  const timer: { handle?: NodeJS.Timeout } = {};
  try {
    const late = new Promise<ProbeOutcome>((resolve) => {
      timer.handle = setTimeout(() => resolve(unreachable(host, port, timeoutMs)), timeoutMs);
    });
    return await Promise.race([check(session, probe), late]);
  } catch (error) {
    return { ok: false, output: `error: health rpc probe failed: ${error instanceof Error ? error.message : String(error)}` };
  } finally {
    clearTimeout(timer.handle);
    session.destroy();
  }
}

function unreachable(host: string, port: number, timeoutMs: number): ProbeOutcome {
  return {
    ok: false,
    output: `timeout: failed to connect service "${host}:${port}" within ${timeoutMs / 1000}s: context deadline exceeded`,
  };
}

async function check(session: ClientHttp2Session, { service }: GrpcProbe): Promise<ProbeOutcome> {
  const failed = new Promise<never>((_resolve, reject) => session.once('error', reject));
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'kube-probe/1.36',
  });
  stream.end(framed(request(service)));
  const { status, message, body } = await Promise.race([reply(stream), failed]);
  if (status === UNIMPLEMENTED) {
    return { ok: false, output: 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health)' };
  }
  if (status !== '0') return { ok: false, output: `error: health rpc failed: rpc error: code = ${status} desc = ${message}` };
  const serving = servingStatus(body);
  return serving === SERVING
    ? { ok: true }
    : { ok: false, output: `service unhealthy (responded with "${STATUS_NAMES[serving] ?? serving}")` };
}

interface Reply {
  readonly status: string;
  readonly message: string;
  readonly body: Buffer;
}

/** gRPC's own status comes in the trailers, or in the headers where there is no body. */
function reply(stream: ClientHttp2Stream): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let status = '2';
    let message = '';
    const chunks: Buffer[] = [];
    let length = 0;
    const read = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status']);
      if (headers['grpc-message'] !== undefined) message = String(headers['grpc-message']);
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= REPLY_BYTES_MAX) chunks.push(chunk);
    });
    stream.once('error', reject);
    stream.once('close', () => resolve({ status, message, body: Buffer.concat(chunks) }));
  });
}

/** `HealthCheckRequest { string service = 1; }` */
function request(service: string): Buffer {
  if (service === '') return Buffer.alloc(0);
  const name = Buffer.from(service);
  return Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
}

function varint(value: number): Buffer {
  return value < 0x80 ? Buffer.from([value]) : Buffer.from([(value & 0x7f) | 0x80, value >> 7]);
}

/** gRPC's frame: not compressed, four bytes of length. */
function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** `HealthCheckResponse { ServingStatus status = 1; }`; the zero value is left out on the wire. */
function servingStatus(body: Buffer): number {
  return body[5] === 0x08 ? (body[6] ?? 0) : 0;
}
