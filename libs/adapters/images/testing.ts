/** For tests: images made of a few files, and a throwaway registry (Debian's docker-registry) on loopback. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { BlobStore } from './blob-store.js';
import { MEDIA_TYPES, digestOf } from './manifest.js';

export type TestFile = Partial<Header> & { readonly name: string; readonly content?: string };

/** A tar of the given members. */
export async function tarOf(files: readonly TestFile[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of files) tar.entry(header, content ?? '');
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) chunks.push(chunk as Uint8Array); // a pack gives bytes
  return Buffer.concat(chunks);
}

export interface TestImage {
  /** An OCI layout in this folder, under the name `test`. */
  readonly folder: string;
  readonly digest: string;
  readonly manifest: string;
  readonly layers: readonly { readonly digest: string; readonly diffId: string }[];
}

/** Writes an OCI layout; each layer is a list of members. `diffIds` lets a test lie. */
export async function writeLayout(
  folder: string,
  layers: readonly (readonly TestFile[])[],
  options: { readonly config?: object; readonly diffIds?: readonly string[] } = {},
): Promise<TestImage> {
  const blobs = new BlobStore(folder);
  const packed: { digest: string; size: number; mediaType: string; diffId: string }[] = [];
  for (const files of layers) {
    const tar = await tarOf(files);
    packed.push({ mediaType: MEDIA_TYPES.ociLayerGzip, ...(await blobs.putBytes(gzipSync(tar))), diffId: digestOf(tar) });
  }
  const diffIds = options.diffIds ?? packed.map((layer) => layer.diffId);
  const configText = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: options.config ?? {},
    rootfs: { type: 'layers', diff_ids: diffIds },
  });
  const config = { mediaType: MEDIA_TYPES.ociConfig, ...(await blobs.putBytes(configText)) };
  const descriptors = packed.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: descriptors });
  const { digest, size } = await blobs.putBytes(manifest);
  const annotations = { 'org.opencontainers.image.ref.name': 'test' };
  const entries = [{ mediaType: MEDIA_TYPES.ociManifest, digest, size, annotations }];
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: entries }));
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return { folder, digest, manifest, layers: packed };
}

export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'berth-images-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** bcrypt of `secret`, as `htpasswd -B` writes it. */
const BERTH_SECRET = 'berth:$2y$05$h16Q9ZZxUVhJKr7oBeDSseYO.Xt6pOoEYgTNcBIJODFW9XGuiAtg6';

export interface ThrowawayRegistry extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string;
}

/** With basic authentication of user `berth`, password `secret`, when `isPrivate`. */
export async function startThrowawayRegistry(options: { readonly isPrivate: boolean }): Promise<ThrowawayRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  await mkdir(join(folder, 'data'));
  await writeFile(join(folder, 'htpasswd'), BERTH_SECRET);
  const auth = options.isPrivate ? { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } } : {};
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host },
    ...auth,
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config)); // JSON is YAML
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  for (let tries = 0; tries < 200 && !(await answers(`http://${host}/v2/`)); tries += 1) await sleep(25);
  return {
    host,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has an address object
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
