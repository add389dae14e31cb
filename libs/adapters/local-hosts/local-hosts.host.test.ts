/** Hosts on one machine: made twice without harm, removed without a trace, and what remains is found. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../commands/index.js';
import { LocalHosts, leftovers } from './index.js';

const options = {
  cluster: 'bt-net-hosts',
  bridge: 'bt-net-hosts-0',
  bridgeAddress: '10.89.5.1/24',
  clusterCidr: '10.105.0.0/16',
  serviceCidr: '10.155.0.0/16',
  dnsAddress: '10.155.0.10',
  clusterDomain: 'cluster.local',
};
const hosts = new LocalHosts({ ...options, outside: true });
let dir = '';

async function remaining(): Promise<readonly string[]> {
  return (await leftovers({ ...options, paths: [dir] })).map(({ kind, name }) => `${kind} ${name}`);
}

const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
let forwarding = '';
beforeAll(async () => {
  forwarding = await readFile(FORWARDING, 'utf8');
});
afterAll(() => writeFile(FORWARDING, forwarding));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bt-net-hosts-'));
});
afterEach(async () => {
  await hosts.destroyHost('a');
  await hosts.destroyHost('b');
  await hosts.destroyBridge();
  await rm(dir, { recursive: true, force: true });
});

test('hosts reach each other and the machine, also when they are made a second time', async () => {
  await hosts.createHost({ name: 'a', address: '10.89.5.11' });
  await hosts.createHost({ name: 'b', address: '10.89.5.12' });
  await hosts.createHost({ name: 'a', address: '10.89.5.11' });
  const child = hosts.runInHost('a', ['ip', '-4', '-o', 'addr', 'show', 'dev', 'eth0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout!, 'data')) as [Buffer];
  expect(text.toString()).toContain('10.89.5.11/24');
  for (const [from, to] of [
    ['a', '10.89.5.12'],
    ['b', '10.89.5.1'],
  ] as const) {
    await runCommand(['ip', 'netns', 'exec', `bt-net-hosts-${from}`, 'ip', 'route', 'get', to]);
    const program = `const s = require('net').connect(9, '${to}'); s.on('error', (e) => console.log(e.code))`;
    expect(await runCommand(['ip', 'netns', 'exec', `bt-net-hosts-${from}`, process.execPath, '-e', program])).toBe('ECONNREFUSED\n');
  }
});

test('the resolver file names cluster DNS, and the machine has routes to pods and Services', async () => {
  await hosts.createHost({ name: 'a', address: '10.89.5.11' });
  const file = await runCommand(['ip', 'netns', 'exec', 'bt-net-hosts-a', 'cat', '/etc/resolv.conf']);
  expect(file).toBe('nameserver 10.155.0.10\nsearch svc.cluster.local cluster.local\noptions ndots:5\n');
  expect(await runCommand(['ip', 'route', 'get', '10.155.0.1'])).toContain('via 10.89.5.11 dev bt-net-hosts-0');
  expect(await runCommand(['ip', 'route', 'get', '10.105.2.3'])).toContain('via 10.89.5.11 dev bt-net-hosts-0');
});

test('everything that exists is listed as left over, and after removal nothing is', async () => {
  expect(await remaining()).toEqual([]);
  await hosts.createHost({ name: 'a', address: '10.89.5.11' });
  await mkdir(join(dir, 'mount'));
  await runCommand(['mount', '-t', 'tmpfs', 'tmpfs', join(dir, 'mount')]);
  const process = hosts.runInHost('a', ['sleep', '60']);
  await once(process, 'spawn');
  const found = await remaining();
  await runCommand(['umount', join(dir, 'mount')]);
  process.kill('SIGKILL');
  await once(process, 'exit');
  expect(new Set(found.map((text) => text.split(' ')[0]))).toEqual(
    new Set(['link', 'netns', 'nft-table', 'route', 'mount', 'process', 'resolver-file']),
  );
  await hosts.destroyHost('a');
  await hosts.destroyBridge();
  expect(await remaining()).toEqual([]);
  await hosts.destroyHost('a');
  await hosts.destroyBridge();
});
