/** Bytes of a question -> bytes of its answer: the cluster's own names from the view, all others from upstream. */
import type { Logger } from '../../../kit/index.js';
import {
  DNS_CLASS_IN,
  DNS_TYPE,
  RCODE,
  answer,
  cidrContains,
  decodeMessage,
  encodeMessage,
  isClusterName,
  parseCidr,
  reverseAddress,
} from '../../../networking/index.js';
import type { DnsMessage, DnsQuestion, DnsRecord, DnsReply, DnsView } from '../../../networking/index.js';
import type { Upstream } from './upstream.js';

export interface ResolverOptions {
  readonly domain: string;
  /** Addresses whose names only the cluster can know; questions about others go upstream. */
  readonly ownCidrs: readonly string[];
  readonly upstream: Upstream;
  readonly log: Logger;
}

/** What a UDP client takes without EDNS, and the most that we send to any (no fragments on usual paths). */
const UDP_BYTES_DEFAULT = 512;
const UDP_BYTES_MAX = 1_232;

type Outcome = DnsReply & { readonly isAuthoritative: boolean };

export class Resolver {
  private view: DnsView | undefined;
  private turn = 0;

  constructor(private readonly options: ResolverOptions) {}

  set(view: DnsView): void {
    this.view = view;
  }

  /** `undefined` when the bytes deserve no answer (not a question). Never throws. */
  async handle(bytes: Uint8Array, transport: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    let query: DnsMessage;
    try {
      query = decodeMessage(bytes);
    } catch {
      return formatError(bytes);
    }
    if (query.isResponse) return undefined;
    const outcome = await this.resolve(query);
    const edns = query.edns === undefined ? undefined : { udpBytesMax: UDP_BYTES_MAX, version: 0 };
    const reply: DnsMessage = {
      ...query,
      isResponse: true,
      isAuthoritative: outcome.isAuthoritative,
      isTruncated: false,
      recursionAvailable: true,
      rcode: outcome.rcode,
      answers: this.inTurn(outcome.answers),
      authority: outcome.authority,
      additional: outcome.additional,
      edns,
    };
    if (transport === 'tcp') return encodeMessage(reply);
    const accepted = query.edns === undefined ? UDP_BYTES_DEFAULT : Math.max(UDP_BYTES_DEFAULT, query.edns.udpBytesMax);
    return encodeMessage(reply, Math.min(accepted, UDP_BYTES_MAX));
  }

  private async resolve(query: DnsMessage): Promise<Outcome> {
    const [question] = query.questions;
    if (query.edns !== undefined && query.edns.version !== 0) return failure(RCODE.BADVERS);
    if (query.opcode !== 0) return failure(RCODE.NOTIMP);
    if (question === undefined || query.questions.length !== 1) return failure(RCODE.FORMERR);
    if (question.class !== DNS_CLASS_IN) return failure(RCODE.REFUSED);
    try {
      return await this.resolveQuestion(question);
    } catch (error) {
      this.options.log.debug('DNS question was not answered', { name: question.name, type: question.type, error: String(error) });
      return failure(RCODE.SERVFAIL);
    }
  }

  private async resolveQuestion(question: DnsQuestion): Promise<Outcome> {
    const { domain, upstream } = this.options;
    if (this.view === undefined) {
      // "Does not exist" would be remembered by clients; before the first view nothing is known.
      if (isClusterName(domain, question.name) || this.isOwnAddress(question)) return failure(RCODE.SERVFAIL);
    } else {
      const reply = answer(this.view, question);
      if (reply !== 'forward') return this.follow(question, reply);
      if (this.isOwnAddress(question)) return { ...failure(RCODE.NXDOMAIN), isAuthoritative: true };
    }
    const { answers, authority, additional, rcode } = await upstream.resolve(question);
    return { rcode: knownRcode(rcode), answers, authority, additional, isAuthoritative: false };
  }

  /** An alias that leads outside: the alias and what upstream knows about its target, in one answer. */
  private async follow(question: DnsQuestion, reply: DnsReply): Promise<Outcome> {
    if (reply.follow === undefined) return { ...reply, isAuthoritative: true };
    const { upstream, log } = this.options;
    const further = await upstream.resolve({ ...question, name: reply.follow }).catch((error: unknown) => {
      log.debug('target of an alias was not resolved', { name: reply.follow, error: String(error) });
      return undefined;
    });
    // The alias itself is ours to tell, whether or not anybody knows its target.
    if (further === undefined || further.rcode === RCODE.SERVFAIL) return { ...reply, isAuthoritative: true };
    const answers = [...reply.answers, ...further.answers];
    return { rcode: knownRcode(further.rcode), answers, authority: further.authority, additional: [], isAuthoritative: true };
  }

  private isOwnAddress(question: DnsQuestion): boolean {
    const address = reverseAddress(question.name.toLowerCase());
    return address !== undefined && this.options.ownCidrs.some((cidr) => cidrContains(parseCidr(cidr), address));
  }

  /** Many clients take the first address: each answer begins with the next one. Aliases stay in front. */
  private inTurn(records: readonly DnsRecord[]): readonly DnsRecord[] {
    const spread = records.filter(({ data }) => data.kind === 'A' || (data.kind === 'other' && data.type === DNS_TYPE.AAAA));
    if (spread.length < 2) return records;
    this.turn = (this.turn + 1) % 65_536;
    const start = this.turn % spread.length;
    return [...records.filter((record) => !spread.includes(record)), ...spread.slice(start), ...spread.slice(0, start)];
  }
}

function failure(rcode: DnsReply['rcode']): Outcome {
  return { rcode, answers: [], authority: [], additional: [], isAuthoritative: false };
}

function knownRcode(rcode: number): DnsReply['rcode'] {
  return Object.values(RCODE).find((known) => known === rcode) ?? RCODE.SERVFAIL;
}

/** The id is all that can be trusted of a broken question. */
function formatError(bytes: Uint8Array): Uint8Array | undefined {
  const [high, low, flags] = bytes;
  if (bytes.length < 12 || high === undefined || low === undefined || flags === undefined || (flags & 0x80) !== 0) return undefined;
  return Uint8Array.from([high, low, 0x80, RCODE.FORMERR, 0, 0, 0, 0, 0, 0, 0, 0]);
}
