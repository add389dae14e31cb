import { expect, test } from '@jest/globals';
import { planPeers } from './tunnel.js';

const device = { name: 'btx-1', gateway: '10.244.1.1' };
const peer = { node: 'node-2', address: '10.88.0.12', podCidr: '10.244.2.0/24' };
const nothing = { routes: [], neighbours: [], forwarding: [] };

test('each peer gets a forwarding entry, a neighbour and a route, derived from its address alone', () => {
  expect(planPeers(device, [peer], nothing)).toEqual({
    bridge: ['fdb replace 02:bf:0a:58:00:0c dev btx-1 dst 10.88.0.12 self permanent'],
    ip: [
      'neigh replace 10.244.2.0 lladdr 02:bf:0a:58:00:0c dev btx-1 nud permanent',
      'route replace 10.244.2.0/24 via 10.244.2.0 dev btx-1 onlink src 10.244.1.1',
    ],
  });
});

test('what the kernel holds of hosts that are gone or have moved is removed', () => {
  const present = {
    routes: [{ dst: '10.244.3.0/24', gateway: '10.244.3.0' }, { dst: '10.244.2.0/24', gateway: '10.244.2.0' }, { dst: '10.244.1.0' }],
    neighbours: [{ dst: '10.244.3.0' }, { dst: '10.244.2.0' }],
    forwarding: [
      { mac: '02:bf:0a:58:00:0d', dst: '10.88.0.13' },
      { mac: '33:33:00:00:00:01' },
      { mac: '02:bf:0a:58:00:0c', dst: '10.88.0.12' },
    ],
  };
  const plan = planPeers(device, [peer], present);
  expect(plan.ip.filter((line) => line.includes(' del '))).toEqual(['route del 10.244.3.0/24 dev btx-1', 'neigh del 10.244.3.0 dev btx-1']);
  expect(plan.bridge.filter((line) => line.includes(' del '))).toEqual(['fdb del 02:bf:0a:58:00:0d dev btx-1 dst 10.88.0.13']);
});
