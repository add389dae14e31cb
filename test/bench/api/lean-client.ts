/** One TLS connection with one HTTP/1.1 request at a time, and no more work per byte than needed: the bench measures the server. */
import { connect, type TLSSocket } from 'node:tls';
import type { Connection } from '../../../apps/cli/client/kubeconfig.js';

export interface LeanRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
}

export interface LeanAnswer {
  readonly status: number;
  readonly bytes: number;
  /** Only of answers that are no list. */
  readonly text: string;
}

/** Longer answers are counted, not kept. */
const KEPT_BYTES_MAX = 64 * 1024;
const HEADER_END = Buffer.from('\r\n\r\n');

interface Reading {
  readonly resolve: (answer: LeanAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly onBody?: ((text: string) => void) | undefined;
  header: Buffer;
  status: number;
  body: Body | undefined;
  bytes: number;
  kept: string[];
}

/** How much of the body is still to come; `chunked` counts within one chunk, and starts between two. */
interface Body {
  readonly chunked: boolean;
  left: number;
  /** Of a chunk's size line that is not yet complete. */
  line: string;
}

export class LeanClient implements Disposable {
  private reading: Reading | undefined;

  private constructor(
    private readonly socket: TLSSocket,
    private readonly host: string,
  ) {
    socket.on('data', (data: Buffer) => this.take(data));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  static open(connection: Connection): Promise<LeanClient> {
    const { server, ca, cert, key } = connection;
    return new Promise((resolve, reject) => {
      const options = { host: server.hostname, port: Number(server.port), ca, cert, key, ALPNProtocols: ['http/1.1'] };
      const socket = connect(options, () => resolve(new LeanClient(socket, server.host)));
      socket.setNoDelay(true);
      socket.once('error', reject);
    });
  }

  /** `onBody` receives the body's text as it comes: for watches, whose answer never ends. */
  send(request: LeanRequest, onBody?: (text: string) => void): Promise<LeanAnswer> {
    const { method, path, body = '', contentType = 'application/json' } = request;
    const entity = body === '' ? '' : `content-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
    this.socket.write(`${method} ${path} HTTP/1.1\r\nhost: ${this.host}\r\naccept: application/json\r\n${entity}\r\n${body}`);
    return new Promise((resolve, reject) => {
      this.reading = { resolve, reject, onBody, header: Buffer.alloc(0), status: 0, body: undefined, bytes: 0, kept: [] };
    });
  }

  [Symbol.dispose](): void {
    this.reading = undefined;
    this.socket.destroy();
  }

  private fail(error: Error): void {
    this.reading?.reject(error);
    this.reading = undefined;
  }

  private take(data: Buffer): void {
    const { reading } = this;
    if (reading === undefined) return;
    if (reading.body !== undefined) return this.takeBody(reading, reading.body, data);
    reading.header = reading.header.length === 0 ? data : Buffer.concat([reading.header, data]);
    const end = reading.header.indexOf(HEADER_END);
    if (end < 0) return;
    const header = reading.header.toString('latin1', 0, end).toLowerCase();
    reading.status = Number(header.slice(9, 12));
    const chunked = header.includes('\r\ntransfer-encoding: chunked');
    reading.body = { chunked, left: chunked ? 0 : Number(/\r\ncontent-length: (\d+)/.exec(header)?.[1] ?? 0), line: '' };
    this.takeBody(reading, reading.body, reading.header.subarray(end + HEADER_END.length));
  }

  private takeBody(reading: Reading, body: Body, data: Buffer): void {
    let at = 0;
    do {
      if (body.chunked && body.left === 0) {
        const end = data.indexOf('\n', at);
        body.line += data.toString('latin1', at, end < 0 ? data.length : end);
        if (end < 0) return;
        at = end + 1;
        const size = body.line.trim();
        body.line = '';
        if (size === '') continue; // the line end after a chunk
        if (size === '0') return this.finish(reading);
        body.left = Number.parseInt(size, 16);
      }
      const part = data.subarray(at, at + body.left);
      at += part.length;
      body.left -= part.length;
      keep(reading, part);
      if (!body.chunked && body.left === 0) return this.finish(reading);
    } while (at < data.length);
  }

  private finish(reading: Reading): void {
    this.reading = undefined;
    reading.resolve({ status: reading.status, bytes: reading.bytes, text: reading.kept.join('') });
  }
}

function keep(reading: Reading, part: Buffer): void {
  reading.bytes += part.length;
  if (reading.onBody !== undefined) reading.onBody(part.toString('latin1'));
  else if (reading.bytes <= KEPT_BYTES_MAX) reading.kept.push(part.toString('latin1'));
}
