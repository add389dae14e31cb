import { mkdtempSync, readFileSync, readlinkSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { VolumeSources } from '../../agent/index.js';
import { localVolumeSpec } from '../../api/index.js';
import type { Pod, PodSpec, Stored, Volume } from '../../api/index.js';
import { FakeClock } from '../../kit/testing/index.js';
import { mountsBelow } from '../process/mounts.js';
import { HostVolumes } from './index.js';

let root: string;
let clock: FakeClock;
let volumes: HostVolumes;
let configMaps: Record<string, Record<string, string>>;
let tokens: number;

beforeEach(() => {
  root = mkdtempSync('/tmp/berth-volumes-');
  clock = new FakeClock();
  configMaps = { app: { 'a.conf': 'one', 'b.conf': 'two' } };
  tokens = 0;
  volumes = new HostVolumes({ dataDir: join(root, 'data'), runDir: join(root, 'run'), clock });
});

afterEach(async () => {
  await volumes.remove('u1');
  expect(mountsBelow(root)).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});

const sources: VolumeSources = {
  configMap: (_namespace, name) => (configMaps[name] === undefined ? undefined : { data: configMaps[name], binaryData: {} }),
  secret: (_namespace, name) => (name === 'key' ? { data: { password: Buffer.from('s3cret').toString('base64') } } : undefined),
  claimed: (_namespace, claim) => (claim === 'data' ? { spec: localVolumeSpec('pvc-1', 'node-1') } : undefined),
  token: async () => ({ token: `token-${++tokens}`, expiresAtMs: clock.now() + 3_600_000 }),
  clusterCa: 'PEM',
};

function pod(list: readonly Volume[], spec: Partial<PodSpec> = {}): Stored<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-0',
      namespace: 'shop',
      uid: 'u1',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { b: '2', a: 'x"y' },
    },
    spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1500m', memory: '64Mi' } } }], volumes: list, ...spec },
  };
}

async function pathOf(volume: Volume, spec: Partial<PodSpec> = {}): Promise<string> {
  const paths = await volumes.prepare(pod([volume], spec), sources);
  return paths.get(volume.name) ?? '';
}

const text = (...parts: string[]): string => readFileSync(join(...parts), 'utf8');
const mode = (...parts: string[]): number => statSync(join(...parts)).mode & 0o7777;

describe('a configMap volume', () => {
  test('shows each key as a file, through the ..data link', async () => {
    const path = await pathOf({ name: 'v', configMap: { name: 'app' } });
    expect(text(path, 'a.conf')).toBe('one');
    expect(readlinkSync(join(path, 'a.conf'))).toBe('..data/a.conf');
    expect(mode(path, 'a.conf')).toBe(0o644);
  });

  test('changes by one swap of ..data, and drops what is gone', async () => {
    const volume: Volume = { name: 'v', configMap: { name: 'app' } };
    const path = await pathOf(volume);
    const before = readlinkSync(join(path, '..data'));
    await pathOf(volume);
    expect(readlinkSync(join(path, '..data'))).toBe(before);
    configMaps['app'] = { 'a.conf': 'new' };
    await pathOf(volume);
    expect(text(path, 'a.conf')).toBe('new');
    expect(readdirSync(path).filter((name) => !name.startsWith('..'))).toEqual(['a.conf']);
    expect(readdirSync(path)).toHaveLength(3);
  });

  test('shows chosen items under their own paths and modes', async () => {
    const path = await pathOf({
      name: 'v',
      configMap: { name: 'app', defaultMode: 0o400, items: [{ key: 'a.conf', path: 'etc/x.conf', mode: 0o755 }] },
    });
    expect(text(path, 'etc/x.conf')).toBe('one');
    expect(mode(path, 'etc/x.conf')).toBe(0o755);
  });

  test('that is missing fails with the words of Kubernetes, unless it is optional', async () => {
    await expect(pathOf({ name: 'v', configMap: { name: 'x' } })).rejects.toThrow(
      'MountVolume.SetUp failed for volume "v" : configmap "x" not found',
    );
    await expect(pathOf({ name: 'v', configMap: { name: 'app', items: [{ key: 'y', path: 'y' }] } })).rejects.toThrow(
      'references non-existent config key: y',
    );
    expect(readdirSync(await pathOf({ name: 'v', configMap: { name: 'x', optional: true } })).filter((n) => !n.startsWith('..'))).toEqual(
      [],
    );
  });
});

describe('a secret volume', () => {
  test('lies in memory and shows decoded values', async () => {
    const path = await pathOf({ name: 'v', secret: { secretName: 'key', defaultMode: 0o400 } });
    expect(text(path, 'password')).toBe('s3cret');
    expect(mode(path, 'password')).toBe(0o400);
    expect(statfsSync(path).type).toBe(0x0102_1994);
  });

  test('belongs to the fsGroup, which may read it', async () => {
    const path = await pathOf({ name: 'v', secret: { secretName: 'key', defaultMode: 0o400 } }, { securityContext: { fsGroup: 2000 } });
    expect(statSync(join(path, 'password')).gid).toBe(2000);
    expect(mode(path, 'password')).toBe(0o440);
  });

  test('that is missing fails with the words of Kubernetes', async () => {
    await expect(pathOf({ name: 'v', secret: { secretName: 'x' } })).rejects.toThrow('secret "x" not found');
  });
});

describe('an emptyDir', () => {
  test('keeps its content and may be written by anyone', async () => {
    const volume: Volume = { name: 'v', emptyDir: {} };
    const path = await pathOf(volume);
    writeFileSync(join(path, 'kept'), 'x');
    expect(text(await pathOf(volume), 'kept')).toBe('x');
    expect(mode(path)).toBe(0o777);
  });

  test('of medium Memory is a tmpfs that ends at its size limit', async () => {
    const path = await pathOf({ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } });
    expect(mountsBelow(path)).toEqual([path]);
    expect(() => writeFileSync(join(path, 'big'), Buffer.alloc(2 * 1024 * 1024))).toThrow('ENOSPC');
  });
});

describe('a projected volume', () => {
  const projected: Volume = {
    name: 'kube-api-access',
    projected: {
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  };

  test('joins its sources', async () => {
    const path = await pathOf(projected);
    expect([text(path, 'token'), text(path, 'ca.crt'), text(path, 'namespace')]).toEqual(['token-1', 'PEM', 'shop']);
  });

  test('renews its token at four fifths of its life, not before', async () => {
    const path = await pathOf(projected);
    await clock.advance(2_800_000);
    await pathOf(projected);
    expect(text(path, 'token')).toBe('token-1');
    await clock.advance(100_000);
    await pathOf(projected);
    expect(text(path, 'token')).toBe('token-2');
  });
});

describe('a downwardAPI volume', () => {
  test('writes labels quoted and sorted, and resources in units of the divisor', async () => {
    const path = await pathOf({
      name: 'v',
      downwardAPI: {
        items: [
          { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
          { path: 'cpu', resourceFieldRef: { containerName: 'c', resource: 'limits.cpu' } },
          { path: 'memory', resourceFieldRef: { containerName: 'c', resource: 'limits.memory', divisor: '1Mi' } },
        ],
      },
    });
    expect([text(path, 'labels'), text(path, 'cpu'), text(path, 'memory')]).toEqual(['a="x\\"y"\nb="2"', '2', '64']);
  });
});

describe('a hostPath volume', () => {
  test('is checked as its type says, and outlives the pod', async () => {
    const directory = join(root, 'host');
    await expect(pathOf({ name: 'v', hostPath: { path: directory, type: 'Directory' } })).rejects.toThrow(
      `hostPath type check failed: ${directory} is not a directory`,
    );
    expect(await pathOf({ name: 'v', hostPath: { path: directory, type: 'DirectoryOrCreate' } })).toBe(directory);
    await expect(pathOf({ name: 'v', hostPath: { path: directory, type: 'File' } })).rejects.toThrow('is not a file');
    await volumes.remove('u1');
    expect(statSync(directory).isDirectory()).toBe(true);
  });
});

describe('a claimed volume of class local', () => {
  test('outlives the pod with what is in it, and goes when it is removed', async () => {
    const path = await pathOf({ name: 'v', persistentVolumeClaim: { claimName: 'data' } });
    writeFileSync(join(path, 'row'), '1');
    await volumes.remove('u1');
    expect(await pathOf({ name: 'v', persistentVolumeClaim: { claimName: 'data' } })).toBe(path);
    expect(text(path, 'row')).toBe('1');
    expect(await volumes.folders()).toEqual(['pvc-1']);
    await volumes.removeFolder('pvc-1');
    expect(await volumes.folders()).toEqual([]);
  });

  test('is refused while its claim is not bound', async () => {
    await expect(pathOf({ name: 'v', persistentVolumeClaim: { claimName: 'other' } })).rejects.toThrow(
      'MountVolume.SetUp failed for volume "v" : persistentvolumeclaim "other" is not bound',
    );
  });
});
