/** Pods connected by the reference CNI plugins (Debian: containernetworking-plugins), with Berth's Services and DNS on top. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { leftovers } from '../local-hosts/index.js';
import { TestCluster } from './testing/test-cluster.js';
import type { TestPod } from './testing/test-cluster.js';

let cluster: TestCluster;
let server: TestPod;
let client: TestPod;

const conflist = (subnet: string, dir: string) =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'test',
    plugins: [
      {
        type: 'bridge',
        bridge: 'bt-cni0',
        isGateway: true,
        ipam: { type: 'host-local', subnet, dataDir: `${dir}/ipam`, routes: [{ dst: '0.0.0.0/0' }] },
      },
    ],
  });

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'bt-net-cni', block: 3, nodes: 1, cni: conflist });
  server = await cluster.addPod(1, 'server');
  client = await cluster.addPod(1, 'client');
  await cluster.serve(server, `require('net').createServer((s) => s.end('hello')).listen(8080, () => console.log('up'))`);
}, 30_000);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  expect(await leftovers({ cluster: 'bt-net-cni', bridge: cluster.bridge, paths: [cluster.dir] })).toEqual([]);
});

test('plugins give addresses, and Services lead to them', async () => {
  expect([server.ip, client.ip]).toEqual(['10.103.1.2', '10.103.1.3']);
  const backends = [{ address: server.ip, port: 8080 }];
  await cluster.agents[0]!.call('setServices', {
    frontends: [
      {
        kind: 'address',
        address: cluster.service(1),
        port: 80,
        protocol: 'TCP',
        service: 'a/b:c',
        backends,
        local: false,
        whenEmpty: 'reject',
      },
    ],
  });
  for (const place of [client, 'n1']) {
    const program = `require('net').connect(80, '${cluster.service(1)}').on('data', (d) => console.log(String(d))).on('error', (e) => console.log(e.code))`;
    expect(await cluster.evaluate(place, program)).toBe('hello\n');
  }
});

test('a pod keeps its address over an agent restart and gives it back when it is detached', async () => {
  await cluster.agents[0]![Symbol.asyncDispose]();
  cluster.agents[0] = await cluster.startAgent(1);
  const again = { podUid: client.uid, netnsPath: client.netnsPath, hostname: client.uid, ports: [] };
  expect((await cluster.agents[0].call('attach', again)).result).toMatchObject({ ip: client.ip });
  await cluster.removePod(client);
  expect((await cluster.agents[0].call('attached', undefined)).result).toEqual(['server']);
});

test('what a plugin says about its failure reaches the caller', async () => {
  const nowhere = { podUid: 'nowhere', netnsPath: '/run/netns/bt-net-missing', hostname: 'x', ports: [] };
  await expect(cluster.agents[0]!.call('attach', nowhere)).rejects.toThrow(/bt-net-missing/);
});
