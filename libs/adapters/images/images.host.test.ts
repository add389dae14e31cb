import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { access, chmod, copyFile, lstat, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { neverCancelled } from '../../kit/index.js';
import { AgentImageStore, ClusterImageStore, ImageBuilder } from './index.js';
import { startThrowawayRegistry, temporaryFolder, writeLayout, type TestFile, type ThrowawayRegistry } from './testing.js';

const run = promisify(execFile);
const ignore = (): void => undefined;
const folders: (AsyncDisposable & { readonly path: string })[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await folder[Symbol.asyncDispose]();
});
async function folder(): Promise<string> {
  const made = await temporaryFolder();
  folders.push(made);
  return made.path;
}

/** Two layers, of which the upper deletes a file, empties a folder and changes a file of the lower. */
const lower: TestFile[] = [
  { name: 'bin/', type: 'directory', mode: 0o755 },
  { name: 'bin/tool', content: 'lower', mode: 0o4755, uid: 7, gid: 8 },
  { name: 'bin/gone', content: 'x' },
  { name: 'emptied/', type: 'directory', mode: 0o750, uid: 5 },
  { name: 'emptied/old', content: 'x' },
  { name: 'tool', type: 'symlink', linkname: '/bin/tool' },
];
const upper: TestFile[] = [
  { name: 'bin/', type: 'directory', mode: 0o755 },
  { name: 'bin/.wh.gone', content: '' },
  { name: 'emptied/', type: 'directory', mode: 0o750, uid: 5 },
  { name: 'emptied/.wh..wh..opq', content: '' },
  { name: 'emptied/new', content: 'y' },
];

describe('pulling from a real registry', () => {
  let registry: ThrowawayRegistry;
  beforeAll(async () => {
    registry = await startThrowawayRegistry({ isPrivate: true });
    await using work = await temporaryFolder();
    const image = await writeLayout(work.path, [lower, upper], { config: { Entrypoint: ['/bin/tool'] } });
    const target = `docker://${registry.host}/team/app:1`;
    await run('skopeo', [
      'copy',
      '--insecure-policy',
      '--dest-tls-verify=false',
      '--dest-creds=berth:secret',
      `oci:${image.folder}:test`,
      target,
    ]);
  }, 30_000);
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
  });
  const pull = (store: AgentImageStore, name: string, password?: string) =>
    store.pull(`${registry.host}/${name}`, password === undefined ? [] : [{ username: 'berth', password }], ignore, neverCancelled);

  test('layers keep owners and modes, and deletions work in overlayfs', async () => {
    const image = await pull(new AgentImageStore({ root: await folder() }), 'team/app:1', 'secret');
    expect(image.config.entrypoint).toEqual(['/bin/tool']);
    const mount = join(await folder(), 'mount');
    await mkdir(mount);
    await run('mount', ['-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${image.layers.join(':')}`, mount]);
    try {
      expect((await readdir(join(mount, 'bin'))).toSorted()).toEqual(['tool']);
      expect(await readdir(join(mount, 'emptied'))).toEqual(['new']);
      const tool = await lstat(join(mount, 'bin/tool'));
      expect([tool.mode & 0o7777, tool.uid, tool.gid]).toEqual([0o4755, 7, 8]);
      const emptied = await lstat(join(mount, 'emptied'));
      expect([emptied.mode & 0o7777, emptied.uid]).toEqual([0o750, 5]);
      expect((await lstat(join(mount, 'tool'))).isSymbolicLink()).toBe(true);
    } finally {
      await run('umount', [mount]);
    }
  });

  test('failures say what a user can do about them', async () => {
    const store = new AgentImageStore({ root: await folder() });
    await expect(pull(store, 'team/app:1')).rejects.toThrow(
      `pull access denied for ${registry.host}/team/app, repository does not exist or may require authorization: unauthorized: no credentials were given`,
    );
    await expect(pull(store, 'team/app:1', 'wrong')).rejects.toThrow('the credentials of user "berth" were refused');
    await expect(pull(store, 'team/app:2', 'secret')).rejects.toMatchObject({
      reason: 'ErrImagePull',
      message: `failed to pull image "${registry.host}/team/app:2": ${registry.host}/team/app:2: not found`,
    });
  });

  test('two stores with one folder pull at once and unpack each layer once', async () => {
    const root = await folder();
    const stores = [1, 2, 3].map(() => new AgentImageStore({ root }));
    const images = await Promise.all(stores.map((store) => pull(store, 'team/app:1', 'secret')));
    expect(new Set(images.map((image) => JSON.stringify(image))).size).toBe(1);
    expect(await readdir(join(root, 'layers'))).toHaveLength(2);
    expect(await readdir(join(root, 'unpacking'))).toEqual([]);
    expect(await readdir(join(root, 'locks'))).toEqual([]);
    expect(await readdir(join(root, 'content', 'incoming'))).toEqual([]);
  });
});

describe('archives', () => {
  test.each(['docker-archive', 'oci-archive'])('%s is imported into the cluster and reaches a host', async (kind) => {
    const image = await writeLayout(await folder(), [lower, upper], { config: { Cmd: ['run'] } });
    const archive = join(await folder(), 'image.tar');
    await run('skopeo', ['copy', '--insecure-policy', `oci:${image.folder}:test`, `${kind}:${archive}:example.com/team/app:1`]);
    const cluster = new ClusterImageStore(await folder());
    await cluster.importArchive(archive, 'example.com/team/app:1');
    const pulled = await new AgentImageStore({ root: await folder(), cluster }).pull('example.com/team/app:1', [], ignore, neverCancelled);
    expect(pulled.config.cmd).toEqual(['run']);
    expect(pulled.layers).toHaveLength(2);
    expect(await readFile(join(pulled.layers[1] ?? '', 'bin/tool'), 'utf8')).toBe('lower');
  });
});

describe('builds', () => {
  const busybox = '/bin/busybox';
  const dockerfile = `
FROM base:1 AS maker
RUN echo made > /made && chown 3:4 /made
FROM base:1
ARG GREETING=hello
COPY --from=maker /made /made
COPY greeting /greeting
RUN rm /remove-me
ENV GREETING=$GREETING
CMD ["/bin/sh", "-c", "cat /greeting"]
`;

  /** A cluster store that holds `base:1`, which has a shell. Debian's busybox-static is one file. */
  async function clusterWithBase(): Promise<ClusterImageStore> {
    const cluster = new ClusterImageStore(await folder());
    const rootfs = await folder();
    await mkdir(join(rootfs, 'bin'));
    for (const name of ['sh', 'echo', 'chown', 'rm', 'sleep', 'cat']) {
      await copyFile(busybox, join(rootfs, 'bin', name));
      await chmod(join(rootfs, 'bin', name), 0o755);
    }
    await writeFile(join(rootfs, 'remove-me'), 'x');
    const tar = join(await folder(), 'rootfs.tar');
    await run('tar', ['-c', '-C', rootfs, '-f', tar, '.']);
    await cluster.importRootfsTar(tar, 'base:1', { Env: ['PATH=/bin'] });
    return cluster;
  }

  async function context(text: string): Promise<string> {
    const path = await folder();
    await writeFile(join(path, 'Dockerfile'), text);
    await writeFile(join(path, 'greeting'), 'hi');
    return path;
  }

  test('a Dockerfile with stages on an image of the cluster becomes an image of the cluster', async () => {
    await access(busybox);
    const cluster = await clusterWithBase();
    const builder = new ImageBuilder({ root: await folder(), images: cluster });
    const lines: string[] = [];
    const contextDir = await context(dockerfile);
    const request = { contextDir, reference: 'shop/web:1', buildArgs: { GREETING: 'moin' } };
    const built = await builder.build(request, (line) => lines.push(line));
    expect(built.reference).toBe('docker.io/shop/web:1');
    expect(lines.some((line) => line.includes('RUN echo made'))).toBe(true);
    const image = await new AgentImageStore({ root: await folder(), cluster }).pull('shop/web:1', [], ignore, neverCancelled);
    expect(image.config).toMatchObject({ cmd: ['/bin/sh', '-c', 'cat /greeting'] });
    expect(image.config.env).toContain('GREETING=moin');
    const made = await Promise.all(image.layers.map((layer) => lstat(join(layer, 'made')).catch(() => undefined)));
    expect(made.filter((file) => file !== undefined).map((file) => [file.uid, file.gid])).toEqual([[3, 4]]);
    const removed = await Promise.all(image.layers.map((layer) => lstat(join(layer, 'remove-me')).catch(() => undefined)));
    expect(removed.find((file) => file !== undefined)?.isCharacterDevice()).toBe(true);
    const again: string[] = [];
    expect((await builder.build(request, (line) => again.push(line))).digest).toBe(built.digest);
    expect(again.join('\n')).toContain('Using cache');
  }, 60_000);

  test('a failing step is told with its output', async () => {
    const builder = new ImageBuilder({ root: await folder(), images: await clusterWithBase() });
    const contextDir = await context('FROM base:1\nRUN echo oh no >&2; exit 3\n');
    await expect(builder.build({ contextDir, reference: 'x' }, ignore)).rejects.toThrow(/oh no.*exit status 3/s);
    await expect(builder.build({ contextDir: '/nonexistent', reference: 'x' }, ignore)).rejects.toThrow(
      'cannot read /nonexistent/Dockerfile',
    );
  }, 60_000);

  test('a cancelled build leaves no process', async () => {
    const builder = new ImageBuilder({ root: await folder(), images: await clusterWithBase() });
    const abort = new AbortController();
    const seconds = 3_000_000 + (process.pid % 100_000);
    const contextDir = await context(`FROM base:1\nRUN sleep ${seconds}\n`);
    const building = builder.build({ contextDir, reference: 'x' }, ignore, abort.signal);
    const ended = expect(building).rejects.toThrow('aborted');
    await until(async () => (await running(`sleep\0${seconds}`)) > 0);
    abort.abort();
    await ended;
    await until(async () => (await running(String(seconds))) === 0);
  }, 60_000);

  test('a builder ends what a killed one left running', async () => {
    const root = await folder();
    const images = await clusterWithBase();
    const cgroup = `/berth-build-test-${process.pid}`;
    const seconds = 4_000_000 + (process.pid % 100_000);
    const contextDir = await context(`FROM base:1\nRUN sleep ${seconds}\n`);
    const abandoned = new ImageBuilder({ root, images, cgroup }).build({ contextDir, reference: 'x' }, ignore);
    const ended = expect(abandoned).rejects.toThrow('SIGKILL');
    await until(async () => (await running(`sleep\0${seconds}`)) > 0);
    await new ImageBuilder({ root, images, cgroup }).build({ contextDir: await context('FROM base:1\n'), reference: 'y' }, ignore);
    expect(await running(String(seconds))).toBe(0);
    await ended;
  }, 60_000);
});

/** How many processes have `text` in their command line. */
async function running(text: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(text)).length;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline && !(await condition());)
    await new Promise((resolve) => setTimeout(resolve, 20));
}
