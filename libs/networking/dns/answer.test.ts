/** The sentences are those of the Kubernetes DNS specification 1.1.0. */
import { describe, expect, test } from '@jest/globals';
import { DNS_TYPE, RCODE, answer, compileDns } from '../index.js';
import type { DnsReply } from '../index.js';
import { aService, aSlice } from '../testing/builders.js';

const view = compileDns(
  [
    aService('kubernetes', { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'], ports: [{ name: 'https', port: 443, protocol: 'TCP' }] }),
    aService('db', { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] }, 'shop'),
    aService('empty', { clusterIP: 'None' }, 'shop'),
    aService('outside', { type: 'ExternalName', externalName: 'db.example.org.' }, 'shop'),
    aService('inside', { type: 'ExternalName', externalName: 'kubernetes.default.svc.cluster.local' }, 'shop'),
    aService('loop', { type: 'ExternalName', externalName: 'loop.shop.svc.cluster.local' }, 'shop'),
  ],
  [
    aSlice('db', {
      namespace: 'shop',
      ports: [{ name: 'sql', port: 6432 }],
      endpoints: [{ address: '10.244.2.3' }, { address: '10.244.1.2', hostname: 'db-0' }, { address: '10.244.1.9', ready: false }],
    }),
  ],
  { domain: 'cluster.local' },
);

function ask(name: string, type: keyof typeof DNS_TYPE = 'A'): DnsReply | 'forward' {
  return answer(view, { name, type: DNS_TYPE[type], class: 1 });
}
function found(name: string, type: keyof typeof DNS_TYPE = 'A'): unknown {
  const result = ask(name, type);
  return result === 'forward' ? result : result.answers.map(({ data }) => data);
}
function status(name: string, type: keyof typeof DNS_TYPE = 'A'): unknown {
  const result = ask(name, type);
  if (result === 'forward') return result;
  return [result.rcode, result.answers.length, result.authority[0]?.data.kind];
}

describe('cluster DNS', () => {
  test('a Service with an address has it as its A record, in any case of letters, for 5 seconds', () => {
    expect(found('kubernetes.default.svc.cluster.local')).toEqual([{ kind: 'A', address: '10.96.0.1' }]);
    const result = ask('KubeRnetes.default.SVC.cluster.local');
    expect(result).toMatchObject({ answers: [{ name: 'KubeRnetes.default.SVC.cluster.local', ttl: 5 }] });
  });

  test('an A record for each ready endpoint of the headless Service', () => {
    expect(found('db.shop.svc.cluster.local')).toEqual([
      { kind: 'A', address: '10.244.1.2' },
      { kind: 'A', address: '10.244.2.3' },
    ]);
    expect(found('db-0.db.shop.svc.cluster.local')).toEqual([{ kind: 'A', address: '10.244.1.2' }]);
    expect(found('10-244-2-3.db.shop.svc.cluster.local')).toEqual([{ kind: 'A', address: '10.244.2.3' }]);
  });

  test('SRV names each named port: of the Service, or of each endpoint with the port of the pod', () => {
    expect(ask('_https._tcp.kubernetes.default.svc.cluster.local', 'SRV')).toMatchObject({
      answers: [{ data: { kind: 'SRV', port: 443, target: 'kubernetes.default.svc.cluster.local' } }],
      additional: [{ name: 'kubernetes.default.svc.cluster.local', data: { address: '10.96.0.1' } }],
    });
    expect(found('_sql._tcp.db.shop.svc.cluster.local', 'SRV')).toEqual([
      { kind: 'SRV', priority: 0, weight: 100, port: 6432, target: 'db-0.db.shop.svc.cluster.local' },
      { kind: 'SRV', priority: 0, weight: 100, port: 6432, target: '10-244-2-3.db.shop.svc.cluster.local' },
    ]);
    expect(status('_http._tcp.db.shop.svc.cluster.local', 'SRV')).toEqual([RCODE.NXDOMAIN, 0, 'SOA']);
  });

  test('ExternalName is an alias; inside of the cluster it is followed, outside the shell follows it', () => {
    expect(ask('outside.shop.svc.cluster.local')).toMatchObject({
      answers: [{ data: { kind: 'CNAME', target: 'db.example.org' } }],
      follow: 'db.example.org',
    });
    expect(ask('inside.shop.svc.cluster.local')).toMatchObject({
      answers: [
        { name: 'inside.shop.svc.cluster.local', data: { kind: 'CNAME' } },
        { name: 'kubernetes.default.svc.cluster.local', data: { kind: 'A', address: '10.96.0.1' } },
      ],
    });
    expect(status('loop.shop.svc.cluster.local')).toEqual([RCODE.SERVFAIL, 0, 'SOA']);
  });

  test('PTR leads back to Services and to endpoints of headless Services', () => {
    expect(found('1.0.96.10.in-addr.arpa', 'PTR')).toEqual([{ kind: 'PTR', target: 'kubernetes.default.svc.cluster.local' }]);
    expect(found('2.1.244.10.in-addr.arpa', 'PTR')).toEqual([{ kind: 'PTR', target: 'db-0.db.shop.svc.cluster.local' }]);
    expect(ask('9.9.9.9.in-addr.arpa', 'PTR')).toBe('forward');
  });

  test('a pod name carries its address; anything else there does not exist', () => {
    expect(found('10-244-1-2.any.pod.cluster.local')).toEqual([{ kind: 'A', address: '10.244.1.2' }]);
    expect(status('10-244-1-999.any.pod.cluster.local')).toEqual([RCODE.NXDOMAIN, 0, 'SOA']);
  });

  test('names that exist without such a record get an empty answer, so that clients do not give up on the name', () => {
    for (const name of [
      'kubernetes.default.svc.cluster.local',
      'default.svc.cluster.local',
      'svc.cluster.local',
      'cluster.local',
      '_tcp.db.shop.svc.cluster.local',
    ]) {
      expect(status(name, 'AAAA')).toEqual([RCODE.NOERROR, 0, 'SOA']);
    }
  });

  test('what does not exist is NXDOMAIN and never forwarded; what is not ours is forwarded', () => {
    for (const name of [
      'web.default.svc.cluster.local',
      'empty.shop.svc.cluster.local',
      'nowhere.svc.cluster.local',
      'example.org.cluster.local',
      'a.b.c.kubernetes.default.svc.cluster.local',
    ]) {
      expect(status(name)).toEqual([RCODE.NXDOMAIN, 0, 'SOA']);
    }
    expect(ask('example.org')).toBe('forward');
    expect(ask('notcluster.local')).toBe('forward');
  });

  test('the version of the specification is published', () => {
    expect(found('dns-version.cluster.local', 'TXT')).toMatchObject([{ kind: 'other', type: 16 }]);
  });
});
