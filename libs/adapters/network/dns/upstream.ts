/** Asks the resolvers outside of the cluster, one after the other, and remembers their answers for a short time. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { DnsFormatError, decodeMessage, encodeMessage } from '../../../networking/index.js';
import type { DnsMessage, DnsQuestion, DnsRecord } from '../../../networking/index.js';
import { frame, frames } from './framing.js';

export interface UpstreamServer {
  readonly address: string;
  readonly port: number;
}

/** No resolver gave an answer; the client gets SERVFAIL. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
}

/** One question to one resolver. Two rounds over all of them fit in the 5 s that clients wait. */
const ATTEMPT_MS = 1_000;
const ROUNDS = 2;
const UDP_BYTES_MAX = 1_232;
const IN_FLIGHT_MAX = 1_000;
const CACHED_MAX = 2_000;
const CACHED_SECONDS_MAX = 30;

interface Cached {
  readonly message: DnsMessage;
  readonly storedAtMs: number;
  readonly expiresAtMs: number;
}

export class Upstream {
  private readonly cache = new Map<string, Cached>();
  private readonly inFlight = new Map<string, Promise<DnsMessage>>();

  constructor(
    private readonly servers: readonly UpstreamServer[],
    private readonly nowMs: () => number,
  ) {}

  /** Throws `UpstreamError`. Equal questions at the same time are asked once. */
  async resolve(question: DnsQuestion): Promise<DnsMessage> {
    const key = `${question.name.toLowerCase()} ${question.type} ${question.class}`;
    const known = this.cached(key);
    if (known !== undefined) return known;
    const asked = this.inFlight.get(key) ?? this.askAll(key, question);
    this.inFlight.set(key, asked);
    try {
      return await asked;
    } finally {
      if (this.inFlight.get(key) === asked) this.inFlight.delete(key);
    }
  }

  private async askAll(key: string, question: DnsQuestion): Promise<DnsMessage> {
    if (this.servers.length === 0) throw new UpstreamError('no upstream resolver is configured');
    if (this.inFlight.size >= IN_FLIGHT_MAX) throw new UpstreamError('too many questions are waiting for upstream resolvers');
    let reason = '';
    for (let attempt = 0; attempt < ROUNDS * this.servers.length; attempt += 1) {
      const server = this.servers[attempt % this.servers.length];
      if (server === undefined) break;
      try {
        const message = await ask(server, question);
        this.store(key, message);
        return message;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    }
    throw new UpstreamError(`no upstream resolver answered: ${reason}`);
  }

  private store(key: string, message: DnsMessage): void {
    // NOERROR and NXDOMAIN only: the others are about the resolver and not about the name.
    if (message.rcode !== 0 && message.rcode !== 3) return;
    const ttls = [...message.answers, ...message.authority].map((record) => record.ttl);
    const seconds = ttls.length === 0 ? 0 : Math.min(CACHED_SECONDS_MAX, ...ttls);
    if (seconds === 0) return;
    if (this.cache.size >= CACHED_MAX) this.cache.delete(this.cache.keys().next().value ?? '');
    const storedAtMs = this.nowMs();
    this.cache.set(key, { message, storedAtMs, expiresAtMs: storedAtMs + seconds * 1_000 });
  }

  private cached(key: string): DnsMessage | undefined {
    const known = this.cache.get(key);
    if (known === undefined) return undefined;
    if (known.expiresAtMs <= this.nowMs()) {
      this.cache.delete(key);
      return undefined;
    }
    const age = Math.floor((this.nowMs() - known.storedAtMs) / 1_000);
    const older = (records: readonly DnsRecord[]) => records.map((record) => ({ ...record, ttl: Math.max(0, record.ttl - age) }));
    return { ...known.message, answers: older(known.message.answers), authority: older(known.message.authority) };
  }
}

async function ask(server: UpstreamServer, question: DnsQuestion): Promise<DnsMessage> {
  const query: DnsMessage = {
    id: randomInt(65_536),
    isResponse: false,
    opcode: 0,
    isAuthoritative: false,
    isTruncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    rcode: 0,
    questions: [question],
    answers: [],
    authority: [],
    additional: [],
    edns: { udpBytesMax: UDP_BYTES_MAX, version: 0 },
  };
  const reply = await askUdp(server, query);
  return reply.isTruncated ? askTcp(server, query) : reply;
}

/** Only an answer to this very question counts: right address (connected socket), id and name. */
function isAnswer(query: DnsMessage, reply: DnsMessage): boolean {
  const [asked] = query.questions;
  const [answered] = reply.questions;
  return (
    reply.isResponse &&
    reply.id === query.id &&
    answered?.type === asked?.type &&
    answered?.name.toLowerCase() === asked?.name.toLowerCase()
  );
}

function askUdp(server: UpstreamServer, query: DnsMessage): Promise<DnsMessage> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    const timer = setTimeout(() => fail(new UpstreamError(`${server.address} did not answer in ${ATTEMPT_MS} ms`)), ATTEMPT_MS);
    const close = () => {
      clearTimeout(timer);
      socket.close();
    };
    const fail = (error: Error) => {
      close();
      reject(error);
    };
    socket.once('error', fail);
    socket.on('message', (bytes) => {
      const reply = tryDecode(bytes);
      if (reply === undefined || !isAnswer(query, reply)) return;
      close();
      resolve(reply);
    });
    socket.connect(server.port, server.address, () => socket.send(encodeMessage(query)));
  });
}

function askTcp(server: UpstreamServer, query: DnsMessage): Promise<DnsMessage> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.address, port: server.port, timeout: ATTEMPT_MS });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('timeout', () => fail(new UpstreamError(`${server.address} did not answer in ${ATTEMPT_MS} ms over TCP`)));
    socket.once('close', () => fail(new UpstreamError(`${server.address} closed the connection`)));
    socket.once('connect', () => socket.write(frame(encodeMessage(query))));
    socket.on(
      'data',
      frames((bytes) => {
        const reply = tryDecode(bytes);
        if (reply === undefined || !isAnswer(query, reply)) return;
        resolve(reply);
        socket.destroy();
      }),
    );
  });
}

export function tryDecode(bytes: Uint8Array): DnsMessage | undefined {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof DnsFormatError) return undefined;
    throw error;
  }
}
