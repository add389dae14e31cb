/** A throw-away host for tests: folders, a busybox image of one layer, pods, and a check that nothing is left. Needs root, runc, conmon, busybox-static. */
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerSpec, ResolvedImage } from '../../../agent/index.js';
import type { Container, Pod, PodSpec, Stored } from '../../../api/index.js';
import type { Logger } from '../../../kit/index.js';
import { detectHierarchy, directoriesOf } from '../../cgroups/index.js';
import { mountsBelow } from '../../process/mounts.js';
import { openRuncRuntime } from '../runc-runtime.js';
import type { RuncRuntime, RuncRuntimeOptions } from '../runc-runtime.js';

const APPLETS = [
  'sh',
  'cat',
  'ls',
  'sleep',
  'echo',
  'id',
  'stty',
  'mount',
  'grep',
  'head',
  'dd',
  'nc',
  'hostname',
  'tail',
  'env',
  'touch',
  'unshare',
  'ps',
  'true',
  'ip',
  'mkdir',
  'kill',
  'seq',
  'chmod',
  'readlink',
  'wc',
];

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

export class TestHost {
  readonly root = mkdtempSync('/tmp/berth-runtime-');
  readonly dataDir = join(this.root, 'data');
  readonly runDir = join(this.root, 'run');
  readonly cgroupRoot = `berth-test-${this.root.split('-').at(-1)}`;
  readonly image: ResolvedImage;

  constructor() {
    const layer = join(this.root, 'layer');
    for (const name of ['bin', 'etc', 'tmp', 'home']) mkdirSync(join(layer, name), { recursive: true });
    copyFileSync('/bin/busybox', join(layer, 'bin', 'busybox'));
    for (const name of APPLETS) symlinkSync('busybox', join(layer, 'bin', name));
    writeFileSync(join(layer, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\nweb:x:101:102:web:/home/web:/bin/sh\n');
    writeFileSync(join(layer, 'etc', 'group'), 'root:x:0:\nweb:x:102:\nlogs:x:103:web\n');
    this.image = {
      reference: 'test/busybox:1',
      id: 'sha256:00',
      sizeBytes: 1,
      layers: [layer],
      config: { entrypoint: [], cmd: [], env: [], workingDir: '/', user: '', volumes: [] },
    };
  }

  open(overrides: Partial<RuncRuntimeOptions> = {}): Promise<RuncRuntime> {
    return openRuncRuntime({ dataDir: this.dataDir, runDir: this.runDir, cgroupRoot: this.cgroupRoot, log: silent, ...overrides });
  }

  pod(spec: Partial<PodSpec> & { readonly containers: readonly Container[] }): Stored<Pod> {
    const uid = randomUUID();
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'test', namespace: 'default', uid, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec,
    };
  }

  /** One container that runs a shell script. */
  shell(script: string, container: Partial<Container> = {}, pod: Partial<PodSpec> = {}): ContainerSpec {
    const definition: Container = { name: 'main', image: this.image.reference, ...container };
    return this.spec(this.pod({ ...pod, containers: [definition] }), definition, ['/bin/sh', '-c', script]);
  }

  spec(pod: Stored<Pod>, container: Container, args: readonly string[], attempt = 0): ContainerSpec {
    const { runAsUser, runAsGroup } = container.securityContext ?? {};
    return {
      id: `${pod.metadata.uid}_${container.name}_${attempt}`,
      pod,
      container,
      attempt,
      image: this.image,
      specHash: 'h',
      args,
      env: [],
      workingDir: '/',
      user: { uid: runAsUser, gid: runAsGroup, supplementalGroups: [] },
      mounts: [],
    };
  }

  /** What this host holds of the kernel: empty after everything was removed. */
  leftovers(): {
    readonly mounts: readonly string[];
    readonly cgroups: readonly string[];
    readonly processes: readonly string[];
    readonly files: readonly string[];
  } {
    const hierarchy = detectHierarchy(readFileSync('/proc/self/mountinfo', 'utf8'));
    const cgroups = directoriesOf(hierarchy, `/${this.cgroupRoot}`).flatMap((path) => podFolders(path));
    const files = ['data/containers', 'data/logs', 'run/pods', 'run/exits', 'run/runc', 'run/sockets'].flatMap((path) =>
      list(join(this.root, path)),
    );
    return { mounts: mountsBelow(this.root), cgroups, processes: this.#processes(), files };
  }

  /** Removes folders and cgroups. Call after the pods are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    const runtime = await this.open();
    for (const uid of await runtime.sandboxes()) await runtime.removeSandbox(uid);
    await runtime.cgroups.remove(`/${this.cgroupRoot}`);
    runtime[Symbol.dispose]();
    rmSync(this.root, { recursive: true, force: true });
  }

  #processes(): readonly string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const command = readOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
        const isOurs = command.includes(this.root) || readOr(`/proc/${pid}/cgroup`).includes(this.cgroupRoot);
        return isOurs && Number(pid) !== process.pid ? [`${pid} ${command}`] : [];
      });
  }
}

function podFolders(path: string): readonly string[] {
  return [path, `${path}/burstable`, `${path}/besteffort`].flatMap(list).filter((name) => name.startsWith('pod'));
}

function list(path: string): readonly string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
