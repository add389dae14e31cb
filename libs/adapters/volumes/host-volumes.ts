/** VolumeStore on this host. Files on disk are below `<dataDir>/volumes/<podUid>`, what must stay in memory below `<runDir>/volumes/<podUid>`. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { VolumeError } from '../../agent/index.js';
import type { PodUid, VolumeSources, VolumeStore } from '../../agent/index.js';
import { localVolumeHandle, podClaims, quantityValue } from '../../api/light.js';
import type { EmptyDirVolumeSource, Pod, Stored, Volume } from '../../api/index.js';
import type { Clock } from '../../kit/index.js';
import { messageOf } from '../process/files.js';
import { mountsBelow, unmountBelow } from '../process/mounts.js';
import { runCommand } from '../process/run-command.js';
import { writeAtomically } from './atomic-directory.js';
import { diskUsage } from './disk-usage.js';
import { prepareHostPath } from './host-path.js';
import { PersistentFolders } from './persistent-folders.js';
import { volumePayload } from './sources.js';
import { TokenCache } from './token-cache.js';

export interface HostVolumesOptions {
  readonly dataDir: string;
  readonly runDir: string;
  readonly clock: Clock;
  /** What a container without limits may use; default the machine's. */
  readonly node?: { readonly cpuMillis: number; readonly memoryBytes: number } | undefined;
}

/** Sources of persistent volumes that need drivers which this node does not have. */
const VOLUME_TYPES: ReadonlySet<string> = new Set(['csi', 'nfs', 'iscsi', 'fc', 'rbd', 'cephfs', 'flexVolume', 'azureFile', 'glusterfs']);
const TMPFS_MAGIC = 0x0102_1994;

export class HostVolumes implements VolumeStore {
  readonly #options: HostVolumesOptions;
  readonly #tokens = new TokenCache();
  readonly #folders: PersistentFolders;
  #memoryReady: Promise<void> | undefined;

  constructor(options: HostVolumesOptions) {
    this.#options = options;
    this.#folders = new PersistentFolders(join(options.dataDir, 'persistent'));
  }

  /** Call again to bring changed ConfigMaps, Secrets and tokens that near their end into running containers. */
  async prepare(pod: Stored<Pod>, sources: VolumeSources): Promise<ReadonlyMap<Volume['name'], string>> {
    const paths = new Map<string, string>();
    for (const volume of pod.spec?.volumes ?? []) paths.set(volume.name, await this.#prepareNamed(volume, pod, sources));
    return paths;
  }

  async remove(podUid: PodUid): Promise<void> {
    this.#tokens.forget(`${podUid}/`);
    for (const root of [this.#diskRoot(podUid), this.#memoryRoot(podUid)]) {
      await unmountBelow(root);
      await rm(root, { recursive: true, force: true });
    }
    await this.#releaseMemory();
  }

  async usedBytes(podUid: PodUid, volume: string): Promise<number> {
    const directory = join(this.#diskRoot(podUid), volume);
    return existsSync(directory) ? diskUsage(directory) : 0;
  }

  folders(): Promise<readonly string[]> {
    return this.#folders.list();
  }

  removeFolder(handle: string): Promise<void> {
    return this.#folders.remove(handle);
  }

  async #prepareNamed(volume: Volume, pod: Stored<Pod>, sources: VolumeSources): Promise<string> {
    try {
      return await this.#prepareOne(volume, pod, sources);
    } catch (error) {
      throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`);
    }
  }

  async #prepareOne(volume: Volume, pod: Stored<Pod>, sources: VolumeSources): Promise<string> {
    if (volume.hostPath !== undefined) return prepareHostPath(volume.hostPath);
    if (volume.emptyDir !== undefined) return this.#prepareEmptyDir(volume.name, volume.emptyDir, pod);
    const claim = podClaims(pod).find((each) => each.volume === volume.name);
    if (claim !== undefined) return this.#prepareClaimed(claim.claimName, pod, sources);
    const { uid } = pod.metadata;
    const nowMs = this.#options.clock.now();
    const payload = await volumePayload(volume, {
      pod,
      sources,
      node: this.#options.node ?? { cpuMillis: cpus().length * 1000, memoryBytes: totalmem() },
      token: (audience, seconds) =>
        this.#tokens.get(`${uid}/${volume.name}/${audience ?? ''}/${seconds}`, nowMs, () => sources.token(pod, audience, seconds)),
    });
    if (payload === undefined) throw new VolumeError(`volume type is not supported by this node: ${typeOf(volume)}`);
    const isSecret = volume.secret !== undefined || volume.projected !== undefined;
    if (isSecret) await this.#ensureMemory();
    const directory = join(isSecret ? this.#memoryRoot(uid) : this.#diskRoot(uid), volume.name);
    mkdirSync(directory, { recursive: true });
    const fsGroup = pod.spec?.securityContext?.fsGroup;
    setDirectoryAccess(directory, 0o755, fsGroup, 0o2550);
    writeAtomically({ directory, payload, fsGroup, nowMs });
    return directory;
  }

  #prepareClaimed(claimName: string, pod: Stored<Pod>, sources: VolumeSources): string {
    const volume = sources.claimed(pod.metadata.namespace ?? '', claimName);
    if (volume === undefined) throw new VolumeError(`persistentvolumeclaim "${claimName}" is not bound`);
    const handle = localVolumeHandle(volume);
    if (handle !== undefined) return this.#folders.prepare(handle, pod.spec?.securityContext?.fsGroup);
    if (volume.spec?.hostPath !== undefined) return prepareHostPath(volume.spec.hostPath);
    if (volume.spec?.local !== undefined) return prepareHostPath({ path: volume.spec.local.path, type: 'Directory' });
    const type = Object.keys(volume.spec ?? {}).find((key) => VOLUME_TYPES.has(key)) ?? 'none';
    throw new VolumeError(`persistent volume type is not supported by this node: ${type}`);
  }

  async #prepareEmptyDir(name: string, source: EmptyDirVolumeSource, pod: Stored<Pod>): Promise<string> {
    const { uid } = pod.metadata;
    const isMemory = source.medium === 'Memory';
    const directory = join(isMemory ? this.#memoryRoot(uid) : this.#diskRoot(uid), name);
    if (isMemory) await this.#ensureMemory();
    if (existsSync(directory) && (!isMemory || mountsBelow(directory).length > 0)) return directory;
    mkdirSync(directory, { recursive: true });
    if (isMemory) await mountTmpfs(directory, source.sizeLimit === undefined ? undefined : quantityValue(source.sizeLimit));
    setDirectoryAccess(directory, 0o777, pod.spec?.securityContext?.fsGroup, 0o2770);
    return directory;
  }

  #diskRoot(podUid: PodUid): string {
    return join(this.#options.dataDir, 'volumes', podUid);
  }

  #memoryRoot(podUid: PodUid): string {
    return join(this.#memory, podUid);
  }

  get #memory(): string {
    return join(this.#options.runDir, 'volumes');
  }

  /** Secrets are never on disk: where `runDir` is not in memory (usually it is), one tmpfs for all pods is. */
  async #ensureMemory(): Promise<void> {
    if (existsSync(this.#memory) && statfsSync(this.#memory).type === TMPFS_MAGIC) return;
    this.#memoryReady ??= this.#mountMemory().finally(() => (this.#memoryReady = undefined));
    await this.#memoryReady;
  }

  async #mountMemory(): Promise<void> {
    mkdirSync(this.#memory, { recursive: true, mode: 0o711 });
    if (statfsSync(this.#memory).type !== TMPFS_MAGIC) await mountTmpfs(this.#memory, undefined, '0711');
  }

  /** The last pod's removal gives the tmpfs back. */
  async #releaseMemory(): Promise<void> {
    if (!existsSync(this.#memory) || readdirSync(this.#memory).length > 0) return;
    await unmountBelow(this.#memory);
    await rmdir(this.#memory).catch(() => undefined);
  }
}

async function mountTmpfs(directory: string, bytes: number | undefined, mode = '0777'): Promise<void> {
  const size = bytes === undefined ? '' : `,size=${bytes}`;
  await runCommand('mount', ['-n', '-t', 'tmpfs', '-o', `nosuid,nodev,mode=${mode}${size}`, 'tmpfs', directory]);
}

/** mkdir's mode is cut by the umask, so it is set again. */
function setDirectoryAccess(directory: string, mode: number, fsGroup: number | undefined, groupMode: number): void {
  if (fsGroup !== undefined) chownSync(directory, 0, fsGroup);
  chmodSync(directory, fsGroup === undefined ? mode : mode | groupMode);
}

function typeOf(volume: Volume): string {
  return Object.entries(volume).find(([key, value]) => key !== 'name' && value !== undefined)?.[0] ?? 'none';
}
