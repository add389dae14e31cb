import { describe, expect, test } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatJoinToken } from '../../../libs/gateway/join-token.js';
import { fakeIo } from '../testing/fake-io.js';
import { agentConfig, type JoinFlags } from '../verbs/join.js';
import { addressTowards, nodeNameOfHost } from './address.js';
import { checkHost } from './requirements.js';

const token = formatJoinToken({ address: '127.0.0.1:6444', caSha256: 'a'.repeat(64), id: 'abcdef', secret: '0123456789abcdef' });

function flags(dataDir: string, more: Partial<JoinFlags> = {}): JoinFlags {
  return {
    clusterName: 'berth',
    dataDir,
    runDir: '/run/x',
    label: [],
    dns: [],
    insecureRegistry: [],
    drainOnExit: false,
    logFormat: 'json',
    ...more,
  };
}

describe('a real host', () => {
  test('is told everything that it lacks, with the one command that helps', () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-path-'));
    writeFileSync(join(folder, 'one-of-ours'), '');
    chmodSync(join(folder, 'one-of-ours'), 0o755);
    const needs = [
      { command: 'one-of-ours', aptPackage: 'ours', why: 'is here' },
      { command: 'not-of-ours', aptPackage: 'theirs', why: 'is not' },
    ];
    expect(() => checkHost('join', { uid: 0, path: folder }, needs)).toThrow('not-of-ours: is not');
    expect(() => checkHost('join', { uid: 1000, path: folder }, needs.slice(0, 1))).toThrow('must run as root');
    expect(() => checkHost('join', { uid: 0, path: folder }, needs.slice(0, 1))).not.toThrow();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['Web_01.Example.org', 'web-01.example.org'],
    ['-x-', 'x'],
  ])('named %s is the Node %s', (name, expected) => {
    expect(nodeNameOfHost(name)).toBe(expected);
  });

  test('knows the address by which it leaves for another', async () => {
    expect(await addressTowards('127.0.0.1', 6444)).toBe('127.0.0.1');
  });

  test('reads where to join from its token, and flags win', async () => {
    const io = fakeIo();
    const config = await agentConfig(io, token, flags('/nowhere', { nodeName: 'n1', label: ['disk=ssd'] }));
    expect(config).toMatchObject({
      gateway: '127.0.0.1:6444',
      nodeName: 'n1',
      nodeAddress: '127.0.0.1',
      joinToken: token,
      cgroupRoot: 'berth/berth/n1',
      labels: { disk: 'ssd' },
    });
    expect(io.errors()).toContain('over loopback');
    const other = await agentConfig(io, token, flags('/nowhere', { nodeName: 'n1', gateway: '10.1.2.3:7', nodeAddress: '10.9.9.9' }));
    expect(other).toMatchObject({ gateway: '10.1.2.3:7', nodeAddress: '10.9.9.9' });
  });

  test.each([
    [{ nodeName: 'Not_A_Name' }, 'lower-case letters'],
    [{ label: ['x'] }, 'name=value is needed'],
    [{ gateway: 'nohost' }, 'host:port is needed'],
    [{ logFormat: 'xml' }, 'text or json'],
  ])('refuses %j', async (more, message) => {
    await expect(agentConfig(fakeIo(), token, flags('/nowhere', more))).rejects.toThrow(message);
  });
});
