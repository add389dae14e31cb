/** Persistent folders of this host: those of deleted volumes go, and the control plane hears which there are. */
import { localVolumeHandle, podClaims } from '../api/light.js';
import type { Logger } from '../kit/index.js';
import type { AssignedState } from './assigned-state.js';
import type { NodeMonitor } from './node/node-monitor.js';
import type { VolumeStore } from './ports.js';

export interface FolderKeeperOptions {
  readonly volumes: VolumeStore;
  readonly state: AssignedState;
  readonly monitor: NodeMonitor;
  readonly log: Logger;
}

export class FolderKeeper {
  #isAtWork = false;
  #again = false;

  constructor(private readonly options: FolderKeeperOptions) {}

  /** Only a volume that is known and marked as deleted loses its folder: one that is merely unknown may be of an older truth. */
  changed(): void {
    this.#again = true;
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    void this.#work();
  }

  /** The volume store for pod workers: a folder that a pod was the first to need is reported at once. */
  watching(): VolumeStore {
    const { volumes, monitor } = this.options;
    return {
      prepare: async (pod, sources, facts) => {
        const paths = await volumes.prepare(pod, sources, facts);
        if (podClaims(pod).length > 0) await monitor.foldersChanged();
        return paths;
      },
      remove: (podUid) => volumes.remove(podUid),
      usedBytes: (podUid, volume) => volumes.usedBytes(podUid, volume),
      folders: () => volumes.folders(),
      removeFolder: (handle) => volumes.removeFolder(handle),
    };
  }

  async #work(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#removeDeleted();
      }
    } catch (error) {
      this.options.log.warn('folder of a deleted volume not removed', { error });
    } finally {
      this.#isAtWork = false;
    }
  }

  async #removeDeleted(): Promise<void> {
    const { volumes, state, monitor, log } = this.options;
    const deleted = state.volumes().filter(({ metadata }) => metadata?.deletionTimestamp !== undefined);
    if (deleted.length === 0) return;
    const present = new Set(await volumes.folders());
    for (const handle of deleted.map(localVolumeHandle)) {
      if (handle === undefined || !present.has(handle)) continue;
      await volumes.removeFolder(handle);
      log.info('volume removed', { volume: handle });
    }
    await monitor.foldersChanged();
  }
}
