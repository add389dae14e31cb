/**
 * Cluster DNS as a pure function: the records of the Kubernetes DNS specification
 * (https://github.com/kubernetes/dns/blob/master/docs/specification.md), version 1.1.0.
 */
import { endpointLabel } from '../compile-dns.js';
import type { DnsEndpoint, DnsPort, DnsService, DnsView } from '../dns-view.js';
import { parseIpv4 } from '../ipv4.js';
import { DNS_CLASS_IN, DNS_TYPE, RCODE } from './message.js';
import type { DnsData, DnsQuestion, DnsRecord, Rcode } from './message.js';

/** Seconds that clients may keep an answer: short, because endpoints come and go. */
export const DNS_TTL_SECONDS = 5;
const SPECIFICATION_VERSION = '1.1.0';
/** ExternalName Services may point at each other; a longer chain is a mistake. */
const ALIASES_MAX = 8;

export interface DnsReply {
  readonly rcode: Rcode;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  /** The last alias leads outside of the cluster: its records of the asked type belong to the answer. */
  readonly follow?: string | undefined;
}

/** `forward` when the name is not the cluster's business. Names are compared without case. */
export function answer(view: DnsView, question: DnsQuestion): DnsReply | 'forward' {
  const name = question.name.toLowerCase();
  const address = reverseAddress(name);
  if (address !== undefined) {
    const names = view.reverse.get(address);
    if (names === undefined) return 'forward';
    return reply(
      view,
      question,
      names.map((target) => record(question.name, { kind: 'PTR', target })),
    );
  }
  if (name !== view.domain && !name.endsWith(`.${view.domain}`)) return 'forward';
  return answerInZone(view, question, name);
}

/** True for names that must never leave the cluster, whether or not anything is known about them. */
export function isClusterName(domain: string, name: string): boolean {
  const lower = name.toLowerCase();
  return lower === domain || lower.endsWith(`.${domain}`);
}

/** `1.0.96.10.in-addr.arpa` -> `10.96.0.1` */
export function reverseAddress(name: string): string | undefined {
  const match = /^(\d+\.\d+\.\d+\.\d+)\.in-addr\.arpa$/.exec(name);
  const address = match?.[1]?.split('.').reverse().join('.');
  return address !== undefined && parseIpv4(address) !== undefined ? address : undefined;
}

/** What stands at a name of the zone: `undefined` = the name does not exist; empty = it exists without own records. */
interface Node {
  readonly records: readonly DnsData[];
  readonly additional?: readonly DnsRecord[];
  readonly alias?: string;
}

function answerInZone(view: DnsView, question: DnsQuestion, name: string): DnsReply {
  const answers: DnsRecord[] = [];
  let owner = question.name;
  let current = name;
  for (let aliases = 0; aliases <= ALIASES_MAX; aliases += 1) {
    const node = lookUp(view, current);
    if (node === undefined) return answers.length > 0 ? { ...reply(view, question, answers), rcode: RCODE.NXDOMAIN } : nameError(view);
    if (node.alias === undefined) {
      const wanted = node.records.filter((data) => question.type === DNS_TYPE.ANY || matches(data, question.type));
      return reply(view, question, [...answers, ...wanted.map((data) => record(owner, data))], node.additional);
    }
    answers.push(record(owner, { kind: 'CNAME', target: node.alias }));
    if (question.type === DNS_TYPE.CNAME) return reply(view, question, answers);
    if (!isClusterName(view.domain, node.alias)) return { ...reply(view, question, answers), follow: node.alias };
    owner = node.alias;
    current = node.alias;
  }
  return { ...reply(view, question, []), rcode: RCODE.SERVFAIL };
}

function matches(data: DnsData, type: number): boolean {
  return data.kind === 'other' ? data.type === type : DNS_TYPE[data.kind] === type;
}

function lookUp(view: DnsView, name: string): Node | undefined {
  const empty = { records: [] };
  if (name === view.domain) return { records: [soa(view).data, { kind: 'NS', target: `ns.dns.${view.domain}` }] };
  const labels = name.slice(0, -view.domain.length - 1).split('.');
  const kind = labels.at(-1);
  const namespace = labels.at(-2);
  if (labels.length === 1 && kind === 'dns-version') return { records: [text(SPECIFICATION_VERSION)] };
  if (kind !== 'svc' && kind !== 'pod') return undefined;
  if (namespace === undefined) return empty;
  if (labels.length === 2) return view.namespaces.has(namespace) ? empty : undefined;
  if (kind === 'pod') return labels.length === 3 ? lookUpPod(labels[0] ?? '') : undefined;
  const serviceName = `${labels.at(-3)}.${namespace}`;
  const service = view.services.get(serviceName);
  if (service === undefined) return undefined;
  return lookUpService(service, labels.slice(0, -3), `${serviceName}.svc.${view.domain}`);
}

/** `10-244-1-2.default.pod`: the address is in the name. */
function lookUpPod(label: string): Node | undefined {
  const address = /^\d+-\d+-\d+-\d+$/.test(label) ? label.replaceAll('-', '.') : '';
  return parseIpv4(address) === undefined ? undefined : { records: [{ kind: 'A', address }] };
}

function lookUpService(service: DnsService, below: readonly string[], fullName: string): Node | undefined {
  if (service.externalName !== undefined) return below.length === 0 ? { records: [], alias: service.externalName } : undefined;
  const addresses = [...service.clusterIps, ...service.headless.map((endpoint) => endpoint.address)];
  // "If there are no ready endpoints for the headless Service, the answer should be NXDOMAIN" (specification, 2.4.1).
  if (addresses.length === 0) return undefined;
  const [first = '', second] = below;
  if (below.length === 0) {
    const ports = servicePorts(service, fullName, () => true);
    return { ...ports, records: [...addresses.map((address): DnsData => ({ kind: 'A', address })), ...ports.records] };
  }
  if (below.length === 1) return first.startsWith('_') ? lookUpProtocol(service, first) : lookUpEndpoint(service, first);
  if (below.length === 2 && second !== undefined) {
    const found = servicePorts(service, fullName, (port) => `_${port.name}` === first && `_${port.protocol.toLowerCase()}` === second);
    return found.records.length === 0 ? undefined : found;
  }
  return undefined;
}

function lookUpProtocol(service: DnsService, label: string): Node | undefined {
  const isKnown = service.ports.some((port) => port.name !== '' && `_${port.protocol.toLowerCase()}` === label);
  return isKnown ? { records: [] } : undefined;
}

function lookUpEndpoint(service: DnsService, label: string): Node | undefined {
  const found = service.headless.filter((endpoint) => endpointLabel(endpoint) === label);
  return found.length === 0 ? undefined : { records: found.map(({ address }) => ({ kind: 'A', address })) };
}

/** SRV records: of the Service itself, or one for each endpoint of a headless one. */
function servicePorts(service: DnsService, fullName: string, isWanted: (port: DnsPort) => boolean): Node {
  if (service.clusterIps.length > 0) {
    const records = service.ports.filter(isWanted).map((port) => srv(port.port, fullName));
    return { records, additional: service.clusterIps.map((address) => record(fullName, { kind: 'A', address })) };
  }
  const found = service.headless.flatMap((endpoint) => endpoint.ports.filter(isWanted).map((port) => ({ endpoint, port })));
  const target = (endpoint: DnsEndpoint) => `${endpointLabel(endpoint)}.${fullName}`;
  return {
    records: found.map(({ endpoint, port }) => srv(port.port, target(endpoint))),
    additional: [...new Set(found.map(({ endpoint }) => endpoint))].map((endpoint) =>
      record(target(endpoint), { kind: 'A', address: endpoint.address }),
    ),
  };
}

function srv(port: number, target: string): DnsData {
  return { kind: 'SRV', priority: 0, weight: 100, port, target };
}

function text(value: string): DnsData {
  const bytes = Uint8Array.from([value.length, ...Array.from(value, (char) => char.charCodeAt(0))]);
  return { kind: 'other', type: DNS_TYPE.TXT, bytes };
}

function reply(view: DnsView, question: DnsQuestion, answers: readonly DnsRecord[], additional: readonly DnsRecord[] = []): DnsReply {
  const hasAnswer = answers.length > 0;
  const goesAlong = hasAnswer && question.type === DNS_TYPE.SRV ? additional : [];
  return { rcode: RCODE.NOERROR, answers, authority: hasAnswer ? [] : [soa(view)], additional: goesAlong };
}

function nameError(view: DnsView): DnsReply {
  return { rcode: RCODE.NXDOMAIN, answers: [], authority: [soa(view)], additional: [] };
}

/** Its TTL is how long clients may remember that a name does not exist (RFC 2308). */
function soa(view: DnsView): DnsRecord {
  const data: DnsData = {
    kind: 'SOA',
    primary: `ns.dns.${view.domain}`,
    mailbox: `hostmaster.${view.domain}`,
    numbers: [1, 7_200, 1_800, 86_400, DNS_TTL_SECONDS],
  };
  return record(view.domain, data);
}

function record(name: string, data: DnsData): DnsRecord {
  return { name, class: DNS_CLASS_IN, ttl: DNS_TTL_SECONDS, data };
}
