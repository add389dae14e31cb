import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { neverCancelled } from '../../kit/index.js';
import type { PullProgress } from '../../agent/index.js';
import { AgentImageStore, ClusterImageStore } from './index.js';
import { temporaryFolder, writeLayout, type TestImage } from './testing.js';

/** A registry in a few lines, that a test can make lie, break off, or ask for tokens. */
class TinyRegistry implements AsyncDisposable {
  readonly requests: string[] = [];
  private constructor(
    private readonly server: Server,
    readonly host: string,
  ) {}

  static async serve(
    image: TestImage,
    misbehave: (path: string, request: IncomingMessage, response: ServerResponse) => boolean = () => false,
  ): Promise<TinyRegistry> {
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      registry.requests.push(path);
      if (misbehave(path, request, response)) return;
      const blob = /blobs\/sha256:(\w+)$/.exec(path)?.[1];
      if (blob === undefined) return void response.end(image.manifest);
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      void readFile(join(image.folder, 'blobs', 'sha256', blob)).then((bytes) => {
        response.statusCode = from > 0 ? 206 : 200;
        response.end(bytes.subarray(from));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const registry = new TinyRegistry(server, `127.0.0.1:${(server.address() as AddressInfo).port}`);
    return registry;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

const folders: (AsyncDisposable & { readonly path: string })[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await folder[Symbol.asyncDispose]();
});
async function folder(): Promise<string> {
  const made = await temporaryFolder();
  folders.push(made);
  return made.path;
}

const hello = [[{ name: 'hello', content: 'x'.repeat(500_000) + Math.random() }]];
const ignore = (): void => undefined;

describe('pulling', () => {
  test('brings an image with its configuration, and finds it afterwards without any network', async () => {
    const image = await writeLayout(await folder(), hello, { config: { Cmd: ['/hello'], Env: ['A=1'], User: '7', StopSignal: 'SIGINT' } });
    await using registry = await TinyRegistry.serve(image);
    const store = new AgentImageStore({ root: await folder() });
    const seen: PullProgress[] = [];
    const reference = `${registry.host}/app:1`;
    expect(await store.find(reference)).toBeUndefined();
    const pulled = await store.pull(reference, [], (progress) => seen.push(progress), neverCancelled);
    expect(pulled).toMatchObject({
      reference,
      repoDigest: `${registry.host}/app@${image.digest}`,
      config: { cmd: ['/hello'], entrypoint: [], env: ['A=1'], user: '7', stopSignal: 'SIGINT', workingDir: '', volumes: [] },
    });
    expect((await stat(join(pulled.layers[0] ?? '', 'hello'))).size).toBeGreaterThan(500_000);
    expect(seen.at(-1)).toMatchObject({ layersTotal: 1, layersDone: 1 });
    expect(seen.at(-1)?.bytesDone).toBe(seen.at(-1)?.bytesTotal);
    await registry[Symbol.asyncDispose]();
    expect(await store.find(reference)).toEqual(pulled);
    expect(await store.list()).toEqual([{ names: [pulled.repoDigest, reference], sizeBytes: pulled.sizeBytes }]);
  });

  test('continues a transfer that broke off', async () => {
    const image = await writeLayout(await folder(), [
      [{ name: 'noise', content: Array.from({ length: 200_000 }, () => Math.random().toString(36)).join('') }],
    ]);
    let broken = 0;
    await using registry = await TinyRegistry.serve(image, (path, request, response) => {
      if (!path.endsWith(image.layers[0]?.digest ?? '-') || request.headers.range !== undefined || broken > 0) return false;
      broken += 1;
      void readFile(join(image.folder, 'blobs', 'sha256', path.slice(-64))).then((bytes) => {
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 700_000), () => setTimeout(() => response.destroy(), 50));
      });
      return true;
    });
    const store = new AgentImageStore({ root: await folder() });
    await store.pull(`${registry.host}/app`, [], ignore, neverCancelled);
    expect(broken).toBe(1);
  });

  test('refuses a blob that is not what its digest says, and a manifest that is not the one asked for', async () => {
    const image = await writeLayout(await folder(), hello);
    const size = (await stat(join(image.folder, 'blobs', 'sha256', image.layers[0]?.digest.slice(7) ?? ''))).size;
    await using registry = await TinyRegistry.serve(image, (path, _request, response) => {
      if (!path.endsWith(image.layers[0]?.digest ?? '-')) return false;
      response.end(Buffer.alloc(size));
      return true;
    });
    const root = await folder();
    const store = new AgentImageStore({ root });
    await expect(store.pull(`${registry.host}/app`, [], ignore, neverCancelled)).rejects.toThrow('failed to verify layer');
    await expect(store.pull(`${registry.host}/app@sha256:${'0'.repeat(64)}`, [], ignore, neverCancelled)).rejects.toThrow(
      'instead of sha256:000',
    );
    expect(await readdir(join(root, 'layers')).catch(() => [])).toEqual([]);
    expect(await store.list()).toEqual([]);
  });

  test('refuses content that claims to be the layer of another image', async () => {
    const image = await writeLayout(await folder(), hello, { diffIds: [`sha256:${'b'.repeat(64)}`] });
    await using registry = await TinyRegistry.serve(image);
    const root = await folder();
    await expect(new AgentImageStore({ root }).pull(`${registry.host}/app`, [], ignore, neverCancelled)).rejects.toThrow(
      "the image's configuration says",
    );
    expect(await readdir(join(root, 'layers')).catch(() => [])).toEqual([]);
    expect(await readdir(join(root, 'unpacking'))).toEqual([]);
  });

  test('refuses layers that lead out of their folder', async () => {
    const outside = await folder();
    const escapes = [
      [{ name: '../../../escaped', content: 'x' }],
      [
        { name: 'way', type: 'symlink' as const, linkname: outside },
        { name: 'way/escaped', content: 'x' },
      ],
    ];
    for (const files of escapes) {
      const image = await writeLayout(await folder(), [files]);
      await using registry = await TinyRegistry.serve(image);
      const root = await folder();
      await expect(new AgentImageStore({ root }).pull(`${registry.host}/app`, [], ignore, neverCancelled)).rejects.toThrow(
        'cannot be unpacked',
      );
      expect(await readdir(outside)).toEqual([]);
    }
  });

  test('a layer whose packing is damaged is refused', async () => {
    const work = await folder();
    const { unpackLayer } = await import('./layer-store.js');
    await writeFile(join(work, 'damaged'), Buffer.concat([gzipSync('x'.repeat(100_000)).subarray(0, 60), Buffer.alloc(100)]));
    await mkdir(join(work, 'into'));
    await expect(unpackLayer(join(work, 'damaged'), join(work, 'into'))).rejects.toThrow();
  });

  test('gets a token with the pull secret where the registry asks for one', async () => {
    const image = await writeLayout(await folder(), hello);
    await using registry = await TinyRegistry.serve(image, (path, request, response) => {
      const { authorization } = request.headers;
      if (path.startsWith('/token')) {
        const known = authorization === `Basic ${Buffer.from('me:pw').toString('base64')}`;
        response.statusCode = known ? 200 : 401;
        response.end(JSON.stringify({ token: known && path.includes('scope=repository%3Aapp%3Apull') ? 'good' : 'bad' }));
        return true;
      }
      if (authorization === 'Bearer good') return false;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token",service="tiny"` });
      response.end();
      return true;
    });
    const store = new AgentImageStore({ root: await folder() });
    const credentials = [
      { username: 'other', password: 'no' },
      { username: 'me', password: 'pw' },
    ];
    await store.pull(`${registry.host}/app`, credentials, ignore, neverCancelled);
    await expect(store.pull(`${registry.host}/app:2`, [], ignore, neverCancelled)).rejects.toMatchObject({
      reason: 'ErrImagePull',
      message: expect.stringContaining('pull access denied'),
    });
  });

  test('says ErrImagePull when nobody answers', async () => {
    const store = new AgentImageStore({ root: await folder() });
    await expect(store.pull('127.0.0.1:1/app', [], ignore, neverCancelled)).rejects.toMatchObject({
      reason: 'ErrImagePull',
      message: expect.stringContaining('failed to pull image "127.0.0.1:1/app:latest": failed to reach registry 127.0.0.1:1'),
    });
  });

  test('a cancelled pull ends at once and leaves nothing half done', async () => {
    const image = await writeLayout(await folder(), hello);
    const abort = new AbortController();
    await using registry = await TinyRegistry.serve(image, (path, _request, response) => {
      if (!path.endsWith(image.layers[0]?.digest ?? '-')) return false;
      response.write('begin');
      setTimeout(() => abort.abort(), 20);
      return true;
    });
    const root = await folder();
    await expect(new AgentImageStore({ root }).pull(`${registry.host}/app`, [], ignore, abort.signal)).rejects.toThrow();
    expect(await readdir(join(root, 'content', 'incoming'))).toEqual([]);
    expect(await readdir(join(root, 'locks'))).toEqual([]);
  });

  test('asks the control plane first, and two agents with one folder unpack once', async () => {
    const image = await writeLayout(await folder(), hello);
    const cluster = new ClusterImageStore(await folder());
    await cluster.importArchive(image.folder, 'app:1');
    const fetched: string[] = [];
    const counting = {
      resolveImage: (reference: string) => cluster.resolveImage(reference),
      fetchBlob: (digest: string) => {
        fetched.push(digest);
        return cluster.fetchBlob(digest);
      },
    };
    const root = await folder();
    const stores = [1, 2].map(() => new AgentImageStore({ root, cluster: counting }));
    const pulled = await Promise.all(stores.map((store) => store.pull('app:1', [], ignore, neverCancelled)));
    expect(pulled[0]).toEqual(pulled[1]);
    expect(pulled[0]?.repoDigest).toBe(`docker.io/library/app@${image.digest}`);
    expect(fetched.filter((digest) => digest === image.layers[0]?.digest)).toHaveLength(1);
  });
});

describe("the cluster's image store", () => {
  test('holds a root file system as an image, lists it, and forgets it', async () => {
    const { tarOf } = await import('./testing.js');
    const [root, work] = [await folder(), await folder()];
    await writeFile(join(work, 'rootfs.tar'), await tarOf([{ name: 'etc/os-release', content: 'ID=test' }]));
    const cluster = new ClusterImageStore(root);
    const held = await cluster.importRootfsTar(join(work, 'rootfs.tar'), 'base', { Cmd: ['/bin/sh'] });
    expect(held.reference).toBe('docker.io/library/base:latest');
    expect(await cluster.list()).toEqual([held]);
    const agent = new AgentImageStore({ root: await folder(), cluster });
    const image = await agent.pull('base', [], ignore, neverCancelled);
    expect(image.config.cmd).toEqual(['/bin/sh']);
    expect(await readFile(join(image.layers[0] ?? '', 'etc/os-release'), 'utf8')).toBe('ID=test');
    expect(await cluster.remove('base:latest')).toBe(true);
    expect(await cluster.resolve('base')).toBeUndefined();
  });

  test('refuses what is not an image archive, with a sentence', async () => {
    const work = await folder();
    await writeFile(join(work, 'x.tar'), 'no tar');
    const cluster = new ClusterImageStore(await folder());
    await expect(cluster.importArchive(join(work, 'x.tar'), 'x')).rejects.toThrow('is not an image archive');
    await expect(cluster.importArchive(join(work, 'none.tar'), 'x')).rejects.toThrow('no such file');
    await expect(cluster.importArchive(work, 'x')).rejects.toThrow('neither index.json (OCI) nor manifest.json');
  });
});
