/** Makes the folder of a container: OCI bundle, links to image layers, writable layer. Removing it again is `removeFolder`. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { ContainerSpec } from '../../agent/index.js';
import type { CgroupTree } from '../cgroups/cgroup-tree.js';
import { v1Directory } from '../cgroups/hierarchy.js';
import { readTextSync } from '../process/files.js';
import { unmountBelow } from '../process/mounts.js';
import { resolveUser } from './bundle/accounts.js';
import { heldCapabilities } from './bundle/capabilities.js';
import { ociConfig, seccompProfile } from './bundle/config.js';
import type { BundleFacts } from './bundle/config.js';
import { findInImage, readFromImage } from './bundle/image-files.js';
import { runs32Bit } from './bundle/runs-32-bit.js';
import type { OciDevice, OciSeccomp } from './bundle/oci.js';
import type { ContainerPaths, PodPaths } from './paths.js';
import type { SandboxRecord } from './sandbox-record.js';
import { bindSubPath } from './sub-path.js';

export interface FolderInput {
  readonly spec: ContainerSpec;
  readonly container: ContainerPaths;
  readonly pod: PodPaths;
  readonly sandbox: SandboxRecord;
  readonly cgroups: CgroupTree;
  readonly cgroupPath: string;
  /** Path of the process namespace of the container that this one was made to look into. */
  readonly targetPidNamespace?: string | undefined;
  /** Where profiles of type Localhost are read from. */
  readonly seccompDirectory: string;
}

/** Writes everything that runc needs. Throws where a user is unknown, a subPath leads out, or a seccomp profile is missing. */
export async function makeFolder(input: FolderInput): Promise<void> {
  const { container, spec } = input;
  for (const directory of [container.rootfs, container.links, container.upper, container.work, container.persist]) {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  }
  for (const [index, layer] of spec.image.layers.entries()) symlinkSync(layer, join(container.links, String(index)));
  makeImageVolumes(spec, container);
  writeFileSync(container.terminationLog, '');
  chmodSync(container.terminationLog, 0o666); // whoever the container runs as may write it, whatever our umask
  const mounts = await Promise.all(
    spec.mounts.map(async (mount, index) =>
      mount.subPath === undefined || mount.subPath === ''
        ? mount
        : { ...mount, hostPath: await bindSubPath(mount.hostPath, mount.subPath, prepareTarget(container, index)) },
    ),
  );
  const config = ociConfig({ ...spec, mounts }, bundleFacts(input));
  writeFileSync(container.config, JSON.stringify(config), { mode: 0o600 });
}

/** Idempotent. */
export async function removeFolder(container: ContainerPaths): Promise<void> {
  await unmountBelow(container.root);
  await rm(container.root, { recursive: true, force: true });
}

function prepareTarget(container: ContainerPaths, index: number): string {
  mkdirSync(container.subPaths, { recursive: true, mode: 0o700 });
  return join(container.subPaths, String(index));
}

/** A path that the image declares as VOLUME exists in the container, even where no layer has it. Others are writable as they are. */
function makeImageVolumes(spec: ContainerSpec, container: ContainerPaths): void {
  for (const path of spec.image.config.volumes) {
    const isNested = path.split('/').filter(Boolean).length > 1;
    const parent = join('/', path, '..');
    if (findInImage(spec.image.layers, path) !== undefined) continue;
    // A made-up parent in the upper layer would hide the mode and owner of the image's.
    if (isNested && findInImage(spec.image.layers, parent) !== undefined) continue;
    mkdirSync(join(container.upper, join('/', path)), { recursive: true, mode: 0o755 });
  }
}

function bundleFacts(input: FolderInput): BundleFacts {
  const { spec, pod, sandbox, cgroups } = input;
  const status = readFileSync('/proc/self/status', 'utf8');
  const memory = v1Directory(cgroups.hierarchy, 'memory', '');
  const layers = spec.image.layers;
  const security = spec.pod.spec?.securityContext;
  const accounts = { passwd: readFromImage(layers, '/etc/passwd'), group: readFromImage(layers, '/etc/group') };
  return {
    user: resolveUser(spec.user, accounts, security?.supplementalGroupsPolicy !== 'Strict'),
    hostname: sandbox.hostname,
    cgroupPath: input.cgroupPath,
    namespaces: {
      network: sandbox.hostNetwork ? undefined : pod.net,
      uts: sandbox.hostNetwork ? undefined : pod.uts,
      ipc: sandbox.hostIpc ? undefined : pod.ipc,
      pid: sandbox.pidHolder === undefined ? input.targetPidNamespace : pod.pid,
    },
    podFiles: new Map([
      ['/etc/hosts', pod.hosts],
      ['/etc/hostname', pod.hostname],
      ['/etc/resolv.conf', pod.resolvConf],
    ]),
    shmPath: sandbox.hostIpc ? undefined : pod.shm,
    terminationLogPath: input.container.terminationLog,
    heldCapabilities: heldCapabilities(status),
    ownOomScoreAdj: Number(readTextSync('/proc/self/oom_score_adj') ?? 0),
    memoryCapacityBytes: totalmem(),
    hostDevices: spec.container.securityContext?.privileged === true ? hostDevices('/dev') : [],
    localSeccomp: localSeccomp(input),
    cgroupVersion: cgroups.hierarchy.version,
    hasSwapAccounting: memory === undefined || readTextSync(`${memory}/memory.memsw.limit_in_bytes`) !== undefined,
    processor: { architecture: process.arch, runs32Bit: runs32Bit(layers, spec.args[0] ?? '') },
  };
}

function localSeccomp(input: FolderInput): OciSeccomp | undefined {
  const profile = seccompProfile(input.spec);
  if (profile?.type !== 'Localhost') return undefined;
  const path = join(input.seccompDirectory, join('/', profile.localhostProfile ?? ''));
  const text = readTextSync(path);
  if (text === undefined) throw new Error(`cannot load seccomp profile "${path}": no such file on this node`);
  return JSON.parse(text) as OciSeccomp;
}

/** Devices that runc makes itself, or that belong to one terminal or mount namespace. */
const OWN_DEVICES = new Set([
  'pts',
  'shm',
  'mqueue',
  'fd',
  'console',
  'ptmx',
  'core',
  'stdin',
  'stdout',
  'stderr',
  'null',
  'zero',
  'full',
  'random',
  'urandom',
  'tty',
]);

function hostDevices(directory: string): readonly OciDevice[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (directory === '/dev' && OWN_DEVICES.has(entry.name)) return [];
    if (entry.isDirectory()) return hostDevices(path);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    const { rdev, mode, uid, gid } = statSync(path);
    return [
      { path, type: entry.isBlockDevice() ? 'b' : 'c', major: major(rdev), minor: minor(rdev), fileMode: mode & 0o7777, uid, gid } as const,
    ];
  });
}

/** glibc's layout of dev_t. */
function major(rdev: number): number {
  const bits = BigInt(rdev);
  return Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xffff_f000n));
}

function minor(rdev: number): number {
  const bits = BigInt(rdev);
  return Number((bits & 0xffn) | ((bits >> 12n) & 0xffff_ff00n));
}
