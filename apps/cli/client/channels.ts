/** A process in a container over one WebSocket: Kubernetes' v5.channel.k8s.io protocol, client side. */
import WebSocket from 'ws';
import { CliError, exitCodes } from '../errors.js';
import { decodeFailure, tlsOptions, unreachable } from './api-client.js';
import type { Connection } from './kubeconfig.js';

/** First byte of each message. 255 closes the channel that the second byte names. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const SUBPROTOCOL = 'v5.channel.k8s.io';

export interface Ending {
  readonly exitCode: number;
  /** What the server said where the process did not simply end. */
  readonly message: string;
}

export interface ChannelEvents {
  readonly stdout: (data: Buffer) => void;
  readonly stderr: (data: Buffer) => void;
}

/** Disposing closes the connection. */
export class ProcessChannels implements Disposable {
  /** Resolves when the process has ended; rejects with CliError when the connection broke before. */
  readonly ended: Promise<Ending>;
  private ending: Ending | undefined;

  private constructor(
    private readonly socket: WebSocket,
    private readonly events: ChannelEvents,
  ) {
    this.ended = new Promise((resolve, reject) => {
      socket.on('message', (data: Buffer) => this.receive(data));
      socket.on('error', (error) => reject(new CliError(`connection lost: ${error.message}`)));
      socket.on('close', (code, reason) => {
        if (this.ending !== undefined) resolve(this.ending);
        else reject(new CliError(`the connection was closed before the process ended (${code} ${reason.toString()})`.trim()));
      });
    });
    this.ended.catch(() => undefined); // whoever awaits it sees it
  }

  /** Throws CliError with the server's words when it refuses. */
  static async open(connection: Connection, path: string, events: ChannelEvents): Promise<ProcessChannels> {
    const url = new URL(path, connection.server);
    url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
    const headers = connection.token === undefined ? {} : { authorization: `Bearer ${connection.token}` };
    const socket = new WebSocket(url, [SUBPROTOCOL], {
      headers,
      ...tlsOptions(connection),
      rejectUnauthorized: !connection.insecure,
      perMessageDeflate: false,
    });
    await opened(socket, connection.server);
    return new ProcessChannels(socket, events);
  }

  /** Resolves when the data has left, so that a fast writer waits for a slow network. */
  write(data: Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.readyState !== WebSocket.OPEN) resolve();
      else this.socket.send(Buffer.concat([Buffer.from([channel.stdin]), data]), () => resolve());
    });
  }

  endInput(): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(Buffer.from([channel.close, channel.stdin]));
  }

  resize(columns: number, rows: number): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(Buffer.concat([Buffer.from([channel.resize]), Buffer.from(JSON.stringify({ Width: columns, Height: rows }))]));
  }

  /** For readers of the output that are slower than the process. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }

  private receive(message: Buffer): void {
    const data = message.subarray(1);
    if (message[0] === channel.stdout) this.events.stdout(data);
    else if (message[0] === channel.stderr) this.events.stderr(data);
    else if (message[0] === channel.error && data.length > 0) {
      this.ending = decodeEnding(data.toString('utf8'));
      this.socket.close();
    }
  }
}

function opened(socket: WebSocket, server: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(unreachable(server, error)));
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        reject(decodeFailure({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
        socket.terminate();
      });
    });
  });
}

/** From the Status on the error channel to an exit code. */
export function decodeEnding(text: string): Ending {
  const status = decodeStatus(text);
  if (status.status === 'Success') return { exitCode: exitCodes.ok, message: '' };
  const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  if (code === undefined) return { exitCode: exitCodes.failed, message: status.message ?? text };
  return { exitCode: Number(code), message: `command terminated with exit code ${code}` };
}

interface EndStatus {
  readonly status?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

function decodeStatus(text: string): EndStatus {
  try {
    return JSON.parse(text) as EndStatus;
  } catch {
    return { status: 'Failure', message: text };
  }
}
