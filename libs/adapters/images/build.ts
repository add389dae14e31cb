/** Builds images from Dockerfiles with buildah (containers by runc) into the cluster's image store. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { ClusterImageStore, HeldImage } from './cluster-image-store.js';
import { baseImages } from './dockerfile.js';
import { decodeManifest } from './manifest.js';
import { endOrphans } from './orphans.js';
import { parseReference } from './reference.js';
import { runProgram, type ProgramOptions } from './run-program.js';

export interface ImageBuilderOptions {
  /** buildah's storage and working files: layers stay as the build cache. */
  readonly root: string;
  readonly images: ClusterImageStore;
  /** Default: overlay where it works, else vfs. */
  readonly storageDriver?: 'overlay' | 'vfs';
  /** OCI runtime for RUN; default `runc`. */
  readonly runtime?: string;
  /** Steps run in cgroups below this one, so that they are found when the builder was killed. Default: where runc puts them. */
  readonly cgroup?: string;
}

export interface BuildRequest {
  readonly contextDir: string;
  /** Relative to the context, or absolute; default `Dockerfile`. */
  readonly dockerfile?: string | undefined;
  readonly reference: string;
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  /** Stage to build; default the last. */
  readonly target?: string | undefined;
  /** Network of RUN; default `host`. */
  readonly network?: 'host' | 'none' | undefined;
  readonly noCache?: boolean | undefined;
}

/** Progress, line by line, as buildah tells it. */
export type BuildProgress = (line: string) => void;

export class ImageBuilder {
  private driver: Promise<string> | undefined;
  private ready: Promise<void> | undefined;
  private building = 0;

  constructor(private readonly options: ImageBuilderOptions) {}

  /** Throws ProgramError with buildah's last lines; AbortError when cancelled, after every process of the build has been told to end. */
  async build(request: BuildRequest, onProgress: BuildProgress, signal?: AbortSignal): Promise<HeldImage> {
    const dockerfile = join(request.dockerfile?.startsWith('/') === true ? '/' : request.contextDir, request.dockerfile ?? 'Dockerfile');
    const text = await readFile(dockerfile, 'utf8').catch((error: unknown) => {
      throw new Error(`cannot read ${dockerfile}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    const { canonical } = parseReference(request.reference);
    this.ready ??= this.prepare().catch((error: unknown) => {
      this.ready = undefined;
      throw error;
    });
    await this.ready;
    this.building += 1;
    const work = await mkdtemp(join(this.options.root, 'work-'));
    try {
      for (const base of baseImages(text, request.buildArgs)) await this.provide(base, onProgress, signal);
      await this.buildah(await this.buildArguments(request, { dockerfile, canonical, work }), { onLine: onProgress, signal });
      const id = (await readFile(join(work, ID_FILE), 'utf8')).trim();
      // A docker-archive holds plain tars: compressing the base anew for every image on it would cost the most of a build.
      const archive = join(work, 'image.tar');
      await this.buildah(['push', ...this.policy(), '--quiet', id, `docker-archive:${archive}:${canonical}`], { signal });
      const held = await this.options.images.importArchive(archive, canonical, signal);
      onProgress(`Stored ${held.reference} (${held.digest})`);
      return held;
    } finally {
      await rm(work, { recursive: true, force: true });
      this.building -= 1;
      if (this.building === 0) await this.tidyUp();
    }
  }

  private async buildArguments(
    request: BuildRequest,
    files: { readonly dockerfile: string; readonly canonical: string; readonly work: string },
  ): Promise<string[]> {
    const { cgroup } = this.options;
    const buildArgs = Object.entries(request.buildArgs ?? {}).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
    return [
      'build',
      ...this.policy(),
      `--runtime=${this.options.runtime ?? 'runc'}`,
      '--isolation=oci',
      `--network=${request.network ?? 'host'}`,
      '--format=oci',
      `--iidfile=${join(files.work, ID_FILE)}`,
      `--tag=${files.canonical}`,
      `--file=${files.dockerfile}`,
      ...(request.noCache === true ? ['--no-cache'] : ['--layers']),
      ...(cgroup === undefined ? [] : ['--cgroup-parent', `${cgroup}/${basename(files.work)}`]),
      ...(request.target === undefined ? [] : ['--target', request.target]),
      ...buildArgs,
      request.contextDir,
    ];
  }

  /** Puts an image of the cluster's store where buildah finds it. Images that are not held there are buildah's to pull. */
  private async provide(reference: string, onProgress: BuildProgress, signal: AbortSignal | undefined): Promise<void> {
    const held = await this.options.images.resolve(reference);
    if (held === undefined) return;
    const { canonical } = parseReference(reference);
    const wanted = decodeManifest(Buffer.from(held.manifest).toString()).config.digest.slice('sha256:'.length);
    const present = await this.buildah(['images', '--quiet', '--no-trunc'], { signal });
    if (!present.includes(wanted)) {
      onProgress(`Using ${canonical} of the cluster's image store`);
      // buildah makes a name of the path, which has to be lower case: hence a link, and the real names below.
      await rm(join(this.options.root, LINK), { force: true });
      await symlink(resolve(this.options.images.root), join(this.options.root, LINK));
      await this.buildah(['pull', ...this.policy(), '--quiet', `oci:${LINK}:${canonical}`], { signal, cwd: this.options.root });
    }
    // Under its full name, and as it is written: buildah looks for short names under localhost/ first.
    await this.buildah(['tag', wanted, canonical], { signal });
    if (!reference.includes('@') && reference !== canonical) await this.buildah(['tag', wanted, reference], { signal });
  }

  /** Once, before the first build. */
  private async prepare(): Promise<void> {
    await mkdir(this.options.root, { recursive: true, mode: 0o700 });
    await writeFile(join(this.options.root, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
    await writeFile(join(this.options.root, 'registries.conf'), REGISTRIES);
    this.driver ??= this.chooseDriver();
    await this.driver;
    await endOrphans({ storage: join(this.options.root, 'storage'), cgroup: this.options.cgroup });
    await this.tidyUp(); // what a killed process left
  }

  /** Failed and cancelled builds leave working containers, and buildah leaves its storage mounted over itself. */
  private async tidyUp(): Promise<void> {
    await this.buildah(['rm', '--all'], {}).catch(() => undefined);
    await runProgram('umount', [join(this.options.root, 'storage', 'overlay')]).catch(() => undefined);
  }

  private async chooseDriver(): Promise<string> {
    if (this.options.storageDriver !== undefined) return this.options.storageDriver;
    const works = await runProgram('buildah', [...this.storage('overlay'), 'images', '--quiet'], { env: this.environment() }).then(
      () => true,
      () => false,
    );
    return works ? 'overlay' : 'vfs';
  }

  private async buildah(args: readonly string[], options: ProgramOptions): Promise<string> {
    const driver = (await this.driver) ?? 'vfs';
    return runProgram('buildah', [...this.storage(driver), ...args], { ...options, env: this.environment() });
  }

  private storage(driver: string): string[] {
    return ['--root', join(this.options.root, 'storage'), '--runroot', join(this.options.root, 'run'), '--storage-driver', driver];
  }

  private policy(): string[] {
    return ['--signature-policy', join(this.options.root, 'policy.json')];
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...process.env, CONTAINERS_REGISTRIES_CONF: join(this.options.root, 'registries.conf') };
  }
}

const LINK = 'cluster-images';
const ID_FILE = 'id';

/** Short names are Docker's; loopback registries may speak plain HTTP. */
const REGISTRIES = `unqualified-search-registries = ["docker.io"]
[[registry]]
location = "localhost"
insecure = true
[[registry]]
location = "127.0.0.1"
insecure = true
`;
