/** The data path on two real hosts (network namespaces): what a packet meets. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { leftovers } from '../local-hosts/index.js';
import { compileDns } from '../../networking/index.js';
import type { ServiceFrontend } from '../../networking/index.js';
import { aService } from '../../networking/testing/builders.js';
import { TestCluster } from './testing/test-cluster.js';
import type { TestPod } from './testing/test-cluster.js';

let cluster: TestCluster;
let a1: TestPod;
let b1: TestPod;
let a2: TestPod;

/** Answers every connection with its own name and the client's address. */
const echo = (name: string) =>
  `require('net').createServer((s) => { s.on('error', () => {}); s.end('${name} ' + s.remoteAddress.replace('::ffff:', '')); }).listen(8080, () => console.log('up'));`;

/** Prints what the server says, or the error's code. */
const get = (address: string, port: number, times = 1) => `
  const net = require('net');
  const one = () => new Promise((done) => { let text = ''; const s = net.connect(${port}, '${address}');
    s.setTimeout(1500, () => { done('TIMEOUT'); s.destroy(); }); s.on('data', (d) => (text += d)); s.on('end', () => done(text)); s.on('error', (e) => done(e.code)); });
  (async () => { const all = []; for (let i = 0; i < ${times}; i++) all.push(await one()); console.log(JSON.stringify(all)); })();`;

async function ask(from: TestPod | string | undefined, address: string, port: number, times = 1): Promise<readonly string[]> {
  return JSON.parse(await cluster.evaluate(from, get(address, port, times))) as readonly string[];
}

function frontend(change: Partial<ServiceFrontend>): ServiceFrontend {
  return {
    kind: 'address',
    port: 80,
    protocol: 'TCP',
    service: 'default/web:http',
    backends: [],
    local: false,
    whenEmpty: 'reject',
    ...change,
  };
}

async function program(...frontends: readonly ServiceFrontend[]): Promise<void> {
  await Promise.all(cluster.agents.map((agent) => agent.call('setServices', { frontends })));
}

beforeAll(async () => {
  cluster = await TestCluster.start({ name: 'bt-net-path', block: 1, nodes: 2 });
  [a1, b1, a2] = await Promise.all([cluster.addPod(1, 'a1'), cluster.addPod(1, 'b1'), cluster.addPod(2, 'a2')]);
  await Promise.all([a1, b1, a2].map((pod) => cluster.serve(pod, echo(pod.uid))));
}, 30_000);

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  expect(await leftovers({ cluster: 'bt-net-path', bridge: cluster.bridge, paths: [cluster.dir] })).toEqual([]);
}, 30_000);

describe('pods', () => {
  test('reach each other on one host and across hosts, with their own addresses', async () => {
    expect(await ask(a1, b1.ip, 8080)).toEqual([`b1 ${a1.ip}`]);
    expect(await ask(a1, a2.ip, 8080)).toEqual([`a2 ${a1.ip}`]);
    expect(await ask(a2, b1.ip, 8080)).toEqual([`b1 ${a2.ip}`]);
  });

  test('are reached from every host and from the machine', async () => {
    expect(await ask('n1', a2.ip, 8080)).toEqual([expect.stringMatching(/^a2 /)]);
    expect(await ask('n2', a2.ip, 8080)).toEqual([expect.stringMatching(/^a2 /)]);
    expect(await ask(undefined, a2.ip, 8080)).toEqual([expect.stringMatching(/^a2 /)]);
  });

  test('reach other hosts under the address of their own', async () => {
    await cluster.serve('n2', echo('host-2'));
    expect(await ask(a1, cluster.address(2), 8080)).toEqual([`host-2 ${cluster.address(1)}`]);
  });

  test('send large answers across hosts whole: packets fit into the tunnel', async () => {
    await cluster.serve(
      a2,
      `require('net').createServer((s) => { s.on('error', () => {}); s.end(Buffer.alloc(8 << 20)); }).listen(8081, () => console.log('up'));`,
    );
    const count = `let n = 0; require('net').connect(8081, '${a2.ip}').on('data', (d) => (n += d.length)).on('close', () => console.log(n)).on('error', (e) => console.log(e.code)).setTimeout(4000, function () { this.destroy(); });`;
    for (const from of [a1, 'n1', undefined]) expect((await cluster.evaluate(from, count)).trim()).toBe(String(8 << 20));
  }, 15_000);

  test('keep their address when they are attached again, also by the next agent', async () => {
    const attachment = { podUid: 'a1', netnsPath: a1.netnsPath, hostname: 'a1', ports: [] };
    expect((await cluster.agents[0]!.call('attach', attachment)).result).toEqual({ ip: a1.ip, ips: [a1.ip] });
    await cluster.agents[0]![Symbol.asyncDispose]();
    cluster.agents[0] = await cluster.startAgent(1);
    expect((await cluster.agents[0].call('attached', undefined)).result).toEqual(expect.arrayContaining(['a1', 'b1']));
    expect((await cluster.agents[0].call('attach', attachment)).result).toEqual({ ip: a1.ip, ips: [a1.ip] });
    expect(await ask(a2, a1.ip, 8080)).toEqual([`a1 ${a2.ip}`]);
  }, 15_000);

  test('are reached by their host port until they are detached', async () => {
    const pod = await cluster.addPod(1, 'c1', [{ hostPort: 9090, containerPort: 8080 }]);
    const server = await cluster.serve(pod, echo('c1'));
    expect(await ask(undefined, cluster.address(1), 9090)).toEqual([`c1 10.89.1.1`]);
    expect(await ask('n1', cluster.address(1), 9090)).toEqual([expect.stringMatching(/^c1 /)]);
    expect(await ask(a2, cluster.address(1), 9090)).toEqual([expect.stringMatching(/^c1 /)]);
    server.kill('SIGKILL');
    await cluster.removePod(pod);
    expect(await ask(undefined, cluster.address(1), 9090)).toEqual(['ECONNREFUSED']);
  });
});

describe('Services', () => {
  const all = () => [a1, b1, a2].map((pod) => ({ address: pod.ip, port: 8080 }));

  test('spread the connections of pods, hosts and the machine over every backend', async () => {
    await program(frontend({ address: cluster.service(1), backends: all() }));
    for (const from of [a1, a2, 'n1', 'n2', undefined]) {
      const answers = await ask(from, cluster.service(1), 80, 40);
      expect(new Set(answers.map((text) => text.split(' ')[0]))).toEqual(new Set(['a1', 'b1', 'a2']));
    }
  }, 20_000);

  test('keep the address of pod clients, and a pod reaches itself', async () => {
    await program(
      frontend({ address: cluster.service(1), backends: [all()[2]!] }),
      frontend({ address: cluster.service(2), backends: [all()[0]!] }),
    );
    expect(await ask(a1, cluster.service(1), 80)).toEqual([`a2 ${a1.ip}`]);
    expect(await ask(a1, cluster.service(2), 80)).toEqual([expect.stringMatching(/^a1 /)]);
  });

  test('answer on the node port of every host, from everywhere', async () => {
    await program(frontend({ kind: 'node-port', port: 30080, backends: [all()[2]!] }));
    for (const from of [undefined, 'n1', 'n2', a1, a2]) {
      for (const node of [1, 2]) expect(await ask(from, cluster.address(node), 30080)).toEqual([expect.stringMatching(/^a2 /)]);
    }
  }, 20_000);

  test('keep the outside client for the policy Local, and drop it where no backend is', async () => {
    const local = frontend({ kind: 'node-port', port: 30080, local: true, whenEmpty: 'drop', insideBackends: [all()[2]!] });
    await cluster.agents[0]!.call('setServices', { frontends: [local] });
    await cluster.agents[1]!.call('setServices', { frontends: [{ ...local, backends: [all()[2]!] }] });
    expect(await ask(undefined, cluster.address(2), 30080)).toEqual(['a2 10.89.1.1']);
    expect(await ask(undefined, cluster.address(1), 30080)).toEqual(['TIMEOUT']);
    expect(await ask(a1, cluster.address(1), 30080)).toEqual([`a2 ${a1.ip}`]);
    expect(await ask('n1', cluster.address(1), 30080)).toEqual([expect.stringMatching(/^a2 /)]);
  }, 20_000);

  test('refuse at once without backends, and on ports and addresses that no Service has', async () => {
    await program(frontend({ address: cluster.service(1) }), frontend({ kind: 'node-port', port: 30080 }));
    for (const from of [a1, 'n1', undefined]) {
      expect(await ask(from, cluster.service(1), 80)).toEqual(['ECONNREFUSED']);
      expect(await ask(from, cluster.service(1), 81)).toEqual(['ECONNREFUSED']);
      expect(await ask(from, cluster.service(9), 80)).toEqual(['ECONNREFUSED']);
      expect(await ask(from, cluster.address(1), 30080)).toEqual(['ECONNREFUSED']);
    }
  }, 20_000);

  test('lead one client to one backend with affinity, until that backend is gone', async () => {
    const affine = frontend({ address: cluster.service(1), backends: all(), affinitySeconds: 60 });
    await program(affine);
    const first = await ask(a1, cluster.service(1), 80, 20);
    expect(new Set(first).size).toBe(1);
    const chosen = first[0]!.split(' ')[0];
    await program({
      ...affine,
      backends: [a1, b1, a2].filter((pod) => pod.uid !== chosen).map((pod) => ({ address: pod.ip, port: 8080 })),
    });
    const second = await ask(a1, cluster.service(1), 80, 20);
    expect(new Set(second).size).toBe(1);
    expect(second[0]).not.toBe(first[0]);
  }, 15_000);

  test('over UDP leave a removed backend at once, though the client goes on from the same port', async () => {
    const echoUdp = (name: string) =>
      `const s = require('dgram').createSocket('udp4'); s.on('message', (_m, c) => s.send('${name}', c.port, c.address)); s.bind(5300, () => console.log('up'));`;
    await Promise.all([cluster.serve(b1, echoUdp('b1')), cluster.serve(a2, echoUdp('a2'))]);
    const udp = (...pods: readonly TestPod[]) =>
      frontend({ address: cluster.service(3), port: 53, protocol: 'UDP', backends: pods.map((pod) => ({ address: pod.ip, port: 5300 })) });
    await program();
    const client = cluster.evaluate(
      a1,
      `const s = require('dgram').createSocket('udp4'); const seen = []; let timer;
       s.on('message', (m) => { if (seen.at(-1) !== String(m)) seen.push(String(m)); if (seen.length === 2) { clearInterval(timer); s.close(); console.log(seen.join()); } });
       s.on('error', () => {}); s.bind(4444, () => { timer = setInterval(() => s.send('x', 53, '${cluster.service(3)}'), 10); });
       setTimeout(() => { console.log('TIMEOUT ' + seen); process.exit(); }, 5000).unref();`,
    );
    for (const pod of [b1, a2]) {
      await program(udp(pod));
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect((await client).trim()).toBe('b1,a2');
  }, 15_000);

  test('lose no connection while their backends change under load', async () => {
    const versions = [all(), all().slice(0, 2), all().slice(1), [all()[2]!]];
    await program(frontend({ address: cluster.service(1), backends: all() }));
    let running = true;
    const load = Promise.all([a1, a2, 'n1'].map((from) => ask(from, cluster.service(1), 80, 600))).finally(() => (running = false));
    let changes = 0;
    while (running) {
      await program(frontend({ address: cluster.service(1), backends: versions[changes % versions.length]! }));
      changes += 1;
    }
    const answers = (await load).flat();
    expect(answers.filter((text) => !/^(a1|b1|a2) /.test(text))).toEqual([]);
    expect(changes).toBeGreaterThan(5);
  }, 30_000);
});

describe('cluster DNS', () => {
  const resolve = (server: string, name: string) => `
    const { Resolver } = require('dns').promises; const r = new Resolver({ timeout: 1000, tries: 2 }); r.setServers(['${server}']);
    r.resolve4('${name}').then((a) => console.log(a.join()), (e) => console.log(e.code));`;

  test('answers pods and the machine on its address, and hosts by their short names', async () => {
    const view = compileDns([aService('web', { clusterIP: cluster.service(1) })], [], { domain: 'cluster.local' });
    await Promise.all(cluster.agents.map((agent) => agent.call('setDns', view)));
    for (const from of [a1, a2, undefined]) {
      const answered = await cluster.evaluate(from, resolve(cluster.dnsAddress, 'web.default.svc.cluster.local'));
      expect(answered.trim()).toBe(cluster.service(1));
    }
    const looked = await cluster.evaluate('n2', `require('dns').lookup('web.default', (e, a) => console.log(e ? e.code : a))`);
    expect(looked.trim()).toBe(cluster.service(1));
    expect((await cluster.evaluate(a1, resolve(cluster.dnsAddress, 'example.org'))).trim()).toBe('ESERVFAIL');
  });

  test('is answered by the host although a Service claims its address', async () => {
    await program(frontend({ address: cluster.dnsAddress, port: 53, protocol: 'UDP' }));
    const answered = await cluster.evaluate(a1, resolve(cluster.dnsAddress, 'web.default.svc.cluster.local'));
    expect(answered.trim()).toBe(cluster.service(1));
  });
});

test('removing the network leaves the host as it was', async () => {
  await Promise.all(cluster.agents.map((agent) => agent.call('remove', undefined)));
  for (const node of ['n1', 'n2']) {
    const left = await cluster.evaluate(
      node,
      `console.log(require('child_process').execSync('ip -br link; nft list tables; ip route').toString())`,
    );
    expect(left).not.toMatch(/bt[bx]?[-0-9a-f]|table/);
  }
});
