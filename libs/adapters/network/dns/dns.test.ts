/** The DNS server on loopback, with a second one as its upstream. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { Resolver as SystemResolver } from 'node:dns/promises';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Logger } from '../../../kit/index.js';
import { RCODE, compileDns, decodeMessage, encodeMessage } from '../../../networking/index.js';
import type { DnsMessage } from '../../../networking/index.js';
import { aService, aSlice } from '../../../networking/testing/builders.js';
import { Resolver } from './resolver.js';
import { DnsServer } from './server.js';
import { Upstream } from './upstream.js';

const log: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => log };
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

async function listen(handle: (bytes: Uint8Array, transport: 'udp' | 'tcp') => Promise<Uint8Array | undefined>): Promise<DnsServer> {
  const server = await DnsServer.listen({ address: '127.0.0.1', port: 0, handle, log });
  opened.push(server);
  return server;
}

/** Answers every A question with the length of its name, and counts. */
async function anUpstream(options: { readonly truncateUdp?: boolean } = {}) {
  const asked: string[] = [];
  const server = await listen((bytes, transport) => {
    const query = decodeMessage(bytes);
    const name = query.questions[0]?.name ?? '';
    asked.push(`${transport} ${name}`);
    const isTruncated = options.truncateUdp === true && transport === 'udp';
    const answers = isTruncated ? [] : [{ name, class: 1, ttl: 60, data: { kind: 'A' as const, address: `192.0.2.${name.length}` } }];
    return Promise.resolve(encodeMessage({ ...query, isResponse: true, isTruncated, answers }));
  });
  return { asked, server: { address: '127.0.0.1', port: server.port } };
}

const manyPods = Array.from({ length: 200 }, (_, index) => ({ address: `10.244.1.${index + 2}` }));
const view = compileDns(
  [
    aService('kubernetes', { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] }),
    aService('many', { clusterIP: 'None' }),
    aService('outside', { type: 'ExternalName', externalName: 'db.example.org' }),
  ],
  [aSlice('many', { ports: [{ port: 1 }], endpoints: manyPods })],
  { domain: 'cluster.local' },
);

async function serve(upstreams: readonly { address: string; port: number }[], nowMs: () => number = () => 0) {
  const resolver = new Resolver({
    domain: 'cluster.local',
    ownCidrs: ['10.244.0.0/16', '10.96.0.0/16'],
    upstream: new Upstream(upstreams, nowMs),
    log,
  });
  resolver.set(view);
  const server = await listen((bytes, transport) => resolver.handle(bytes, transport));
  const client = new SystemResolver({ timeout: 4_000, tries: 1 });
  client.setServers([`127.0.0.1:${server.port}`]);
  return { server, client, resolver };
}

function aQuery(change: Partial<DnsMessage> = {}): DnsMessage {
  return {
    id: 7,
    isResponse: false,
    opcode: 0,
    isAuthoritative: false,
    isTruncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    rcode: 0,
    questions: [{ name: 'many.default.svc.cluster.local', type: 1, class: 1 }],
    answers: [],
    authority: [],
    additional: [],
    ...change,
  };
}

async function exchange(port: number, bytes: Uint8Array): Promise<DnsMessage> {
  const socket = createSocket('udp4');
  socket.send(bytes, port, '127.0.0.1');
  const [reply] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  expect(reply.length).toBeLessThanOrEqual(1_232);
  return decodeMessage(reply);
}

describe('the DNS server', () => {
  test('answers a real client: addresses, services, names of addresses', async () => {
    const { client } = await serve([]);
    expect(await client.resolve4('kubernetes.default.svc.cluster.local')).toEqual(['10.96.0.1']);
    expect(await client.resolveSrv('_https._tcp.kubernetes.default.svc.cluster.local')).toMatchObject([{ port: 443 }]);
    expect(await client.reverse('10.96.0.1')).toEqual(['kubernetes.default.svc.cluster.local']);
    await expect(client.resolve4('no.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(client.resolve6('kubernetes.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENODATA' });
  });

  test('marks what does not fit into UDP as truncated, and gives all of it over TCP', async () => {
    const { client, server } = await serve([]);
    expect(await client.resolve4('many.default.svc.cluster.local')).toHaveLength(200);
    const small = await exchange(server.port, encodeMessage(aQuery()));
    expect([small.isTruncated, small.answers.length]).toEqual([true, 29]);
    const large = await exchange(server.port, encodeMessage(aQuery({ edns: { udpBytesMax: 4_096, version: 0 } })));
    expect(large.answers.length).toBeGreaterThan(60);
    expect(large.edns).toEqual({ udpBytesMax: 1_232, version: 0 });
  });

  test('begins each answer with another address', async () => {
    const { client } = await serve([]);
    const first = new Set<string | undefined>();
    for (let index = 0; index < 5; index += 1) first.add((await client.resolve4('many.default.svc.cluster.local'))[0]);
    expect(first.size).toBe(5);
  });

  test('asks upstream for all other names, once for as long as the answer lives', async () => {
    let now = 0;
    const upstream = await anUpstream();
    const { client } = await serve([upstream.server], () => now);
    expect(await client.resolve4('example.org')).toEqual(['192.0.2.11']);
    now = 29_000;
    expect(await client.resolve4('Example.org', { ttl: true })).toEqual([{ address: '192.0.2.11', ttl: 31 }]);
    expect(upstream.asked).toHaveLength(1);
    now = 31_000;
    await client.resolve4('example.org');
    expect(upstream.asked).toHaveLength(2);
  });

  test('follows an alias that leads outside, and a truncated upstream answer over TCP', async () => {
    const upstream = await anUpstream({ truncateUdp: true });
    const { client } = await serve([upstream.server]);
    expect(await client.resolve4('outside.default.svc.cluster.local')).toEqual(['192.0.2.14']);
    expect(upstream.asked).toEqual(['udp db.example.org', 'tcp db.example.org']);
  });

  test('never asks upstream about names and addresses of the cluster', async () => {
    const upstream = await anUpstream();
    const { client } = await serve([upstream.server]);
    await expect(client.resolve4('no.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(client.resolve4('example.org.cluster.local')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(client.reverse('10.244.9.9')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(upstream.asked).toEqual([]);
  });

  test('says SERVFAIL when no upstream answers, at once when there is none', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    opened.push({ [Symbol.asyncDispose]: async () => void silent.close() });
    const { client } = await serve([{ address: '127.0.0.1', port: silent.address().port }]);
    await expect(client.resolve4('example.org')).rejects.toMatchObject({ code: 'ESERVFAIL' });
    const { client: alone } = await serve([]);
    await expect(alone.resolve4('example.org')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  });

  test('tells an alias that leads outside also when nobody knows its target', async () => {
    const { client } = await serve([]);
    expect(await client.resolveCname('outside.default.svc.cluster.local')).toEqual(['db.example.org']);
    expect(await client.resolve4('outside.default.svc.cluster.local')).toEqual([]);
  });

  test('goes on to the next upstream when one refuses', async () => {
    const upstream = await anUpstream();
    const { client } = await serve([{ address: '127.0.0.1', port: 1 }, upstream.server]);
    expect(await client.resolve4('example.org')).toEqual(['192.0.2.11']);
  });

  test('answers what is broken or unknown with the code that says so', async () => {
    const { server } = await serve([]);
    expect((await exchange(server.port, Uint8Array.from([0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 99]))).rcode).toBe(RCODE.FORMERR);
    expect((await exchange(server.port, encodeMessage(aQuery({ opcode: 2 })))).rcode).toBe(RCODE.NOTIMP);
    expect((await exchange(server.port, encodeMessage(aQuery({ edns: { udpBytesMax: 512, version: 1 } })))).rcode).toBe(RCODE.BADVERS);
    expect((await exchange(server.port, encodeMessage(aQuery({ questions: [] })))).rcode).toBe(RCODE.FORMERR);
  });

  test('does not say that a name is missing before it has seen the cluster', async () => {
    const resolver = new Resolver({ domain: 'cluster.local', ownCidrs: [], upstream: new Upstream([], () => 0), log });
    const reply = await resolver.handle(encodeMessage(aQuery()), 'tcp');
    expect(decodeMessage(reply ?? new Uint8Array()).rcode).toBe(RCODE.SERVFAIL);
  });
});
