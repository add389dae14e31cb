import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileServices } from './index.js';
import { aService, aSlice } from './testing/builders.js';

const web = aService('web', { clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] });
const on1 = { nodeName: 'node-1' };

function backends(rules: ReturnType<typeof compileServices>): readonly string[] {
  return rules.frontends.flatMap((frontend) => frontend.backends.map(({ address, port }) => `${address}:${port}`));
}

describe('compileServices', () => {
  test('a cluster address leads to the ready endpoints of its slices, by port name', () => {
    const slice = aSlice('web', {
      ports: [
        { name: 'http', port: 8080 },
        { name: 'admin', port: 9000 },
      ],
      endpoints: [{ address: '10.244.2.3' }, { address: '10.244.1.2' }, { address: '10.244.1.9', ready: false }],
    });
    expect(compileServices([web], [slice], on1)).toEqual({
      frontends: [
        {
          kind: 'address',
          address: '10.96.0.20',
          port: 80,
          protocol: 'TCP',
          service: 'default/web:http',
          backends: [
            { address: '10.244.1.2', port: 8080 },
            { address: '10.244.2.3', port: 8080 },
          ],
          local: false,
          whenEmpty: 'reject',
        },
      ],
    });
  });

  test('endpoints that serve while they terminate are used only when none is ready', () => {
    const ending = { address: '10.244.1.2', ready: false, serving: true, terminating: true };
    const slice = (endpoints: Parameters<typeof aSlice>[1]['endpoints']) =>
      aSlice('web', { ports: [{ name: 'http', port: 8080 }], endpoints });
    expect(backends(compileServices([web], [slice([ending])], on1))).toEqual(['10.244.1.2:8080']);
    expect(backends(compileServices([web], [slice([ending, { address: '10.244.1.3' }])], on1))).toEqual(['10.244.1.3:8080']);
    expect(backends(compileServices([web], [slice([{ ...ending, serving: false }])], on1))).toEqual([]);
  });

  test('headless, ExternalName and address-less Services have no rules', () => {
    const ports = [{ port: 80 }];
    const services = [
      aService('a', { clusterIP: 'None', ports }),
      aService('b', { type: 'ExternalName', externalName: 'example.org' }),
      aService('c', { ports }),
    ];
    expect(compileServices(services, [], on1).frontends).toEqual([]);
  });

  test('outside addresses with the policy Local use this host, clients inside use all; without any here they are dropped', () => {
    const service = aService('web', {
      type: 'NodePort',
      clusterIP: '10.96.0.20',
      externalTrafficPolicy: 'Local',
      externalIPs: ['192.0.2.9'],
      ports: [{ name: 'http', port: 80, nodePort: 30080 }],
    });
    const slice = aSlice('web', { ports: [{ name: 'http', port: 8080 }], endpoints: [{ address: '10.244.2.3', node: 'node-2' }] });
    const remote = [{ address: '10.244.2.3', port: 8080 }];
    const here = compileServices([service], [slice], { nodeName: 'node-2' }).frontends;
    expect(here.map((f) => [f.kind, f.address, f.port, f.backends.length, f.local])).toEqual([
      ['address', '10.96.0.20', 80, 1, false],
      ['address', '192.0.2.9', 80, 1, true],
      ['node-port', undefined, 30080, 1, true],
    ]);
    const elsewhere = compileServices([service], [slice], on1).frontends[2];
    expect(elsewhere).toMatchObject({ backends: [], insideBackends: remote, local: true, whenEmpty: 'drop' });
  });

  test('internal policy Local keeps to this host, affinity has its timeout or three hours', () => {
    const spec = {
      clusterIP: '10.96.0.20',
      internalTrafficPolicy: 'Local',
      sessionAffinity: 'ClientIP',
      ports: [{ port: 53, protocol: 'UDP' }],
    };
    const slice = aSlice('dns', { ports: [{ port: 53, protocol: 'UDP' }], endpoints: [{ address: '10.244.2.3', node: 'node-2' }] });
    expect(compileServices([aService('dns', spec)], [slice], on1).frontends[0]).toMatchObject({
      protocol: 'UDP',
      backends: [],
      local: true,
      whenEmpty: 'drop',
      affinitySeconds: 10_800,
    });
    const short = aService('dns', { ...spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } });
    expect(compileServices([short], [slice], { nodeName: 'node-2' }).frontends[0]).toMatchObject({
      backends: [{ address: '10.244.2.3', port: 53 }],
      affinitySeconds: 5,
    });
  });

  test('the order of the inputs does not matter', () => {
    const services = [1, 2, 3, 4].map((n) =>
      aService(`s${n}`, { clusterIP: `10.96.0.${n}`, externalIPs: ['192.0.2.9'], ports: [{ port: 80 }] }),
    );
    const slices = [1, 2, 3, 4].map((n) => aSlice(`s${n}`, { ports: [{ port: 8080 }], endpoints: [{ address: `10.244.1.${n}` }] }));
    const expected = compileServices(services, slices, on1);
    fc.assert(
      fc.property(fc.shuffledSubarray(services, { minLength: 4 }), fc.shuffledSubarray(slices, { minLength: 4 }), (a, b) => {
        expect(compileServices(a, b, on1)).toEqual(expected);
      }),
    );
  });
});
