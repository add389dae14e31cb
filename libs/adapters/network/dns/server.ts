/** Listens for DNS on UDP and TCP at one address. */
import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Logger } from '../../../kit/index.js';
import { frame, frames } from './framing.js';

export type DnsHandler = (bytes: Uint8Array, transport: 'udp' | 'tcp') => Promise<Uint8Array | undefined>;

const TCP_CONNECTIONS_MAX = 256;
const TCP_IDLE_MS = 10_000;
/** UDP questions at work at once; more are dropped, and their clients ask again. */
const QUESTIONS_MAX = 5_000;

const FREE_PORT_ATTEMPTS_MAX = 10;

export interface DnsServerOptions {
  readonly address: string;
  readonly port: number;
  readonly handle: DnsHandler;
  readonly log: Logger;
}

function isAddressInUse(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EADDRINUSE';
}

export class DnsServer implements AsyncDisposable {
  private readonly connections = new Set<Socket>();
  private questions = 0;

  private constructor(
    private readonly udp: UdpSocket,
    private readonly tcp: Server,
  ) {}

  /** Throws when the address is not on this host or the port is taken. Port 0 chooses one, the same for both. */
  static async listen(options: DnsServerOptions): Promise<DnsServer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await DnsServer.listenOnce(options);
      } catch (error) {
        // The port that UDP was given may be another's on TCP: then another is chosen.
        if (options.port !== 0 || attempt >= FREE_PORT_ATTEMPTS_MAX || !isAddressInUse(error)) throw error;
      }
    }
  }

  private static async listenOnce(options: DnsServerOptions): Promise<DnsServer> {
    const udp = createSocket('udp4');
    const tcp = createServer();
    const server = new DnsServer(udp, tcp);
    udp.on('message', (bytes, client) => {
      if (server.questions >= QUESTIONS_MAX) return;
      server.questions += 1;
      void options
        .handle(bytes, 'udp')
        .then((reply) => reply !== undefined && udp.send(reply, client.port, client.address, () => undefined))
        .finally(() => (server.questions -= 1));
    });
    tcp.maxConnections = TCP_CONNECTIONS_MAX;
    tcp.on('connection', (socket) => server.accept(socket, options.handle));
    try {
      udp.bind(options.port, options.address);
      await once(udp, 'listening');
      tcp.listen(udp.address().port, options.address);
      await once(tcp, 'listening');
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    // An ICMP error of some client's is not ours to die of.
    udp.on('error', (error) => options.log.warn('DNS socket reported an error', { error: error.message }));
    tcp.on('error', (error) => options.log.warn('DNS listener reported an error', { error: error.message }));
    return server;
  }

  get port(): number {
    return this.udp.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.connections) socket.destroy();
    const closed = new Promise<void>((resolve) => {
      try {
        this.udp.close(() => resolve());
      } catch {
        resolve(); // never bound
      }
    });
    await Promise.all([closed, new Promise<void>((resolve) => this.tcp.close(() => resolve()))]);
  }

  private accept(socket: Socket, handle: DnsHandler): void {
    this.connections.add(socket);
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.connections.delete(socket));
    socket.on(
      'data',
      frames((bytes) => {
        void handle(Uint8Array.from(bytes), 'tcp').then((reply) => {
          if (reply === undefined) socket.destroy();
          else if (socket.writable) socket.write(frame(reply));
        });
      }),
    );
  }
}
