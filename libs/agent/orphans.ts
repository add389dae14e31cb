/** Leftovers of pods that are no longer assigned: found after a restart of the agent, removed once the control plane has spoken. */
import type { Logger } from '../kit/index.js';
import type { PodNetwork } from '../networking/index.js';
import type { ContainerRuntime, VolumeStore } from './ports.js';

/** Their descriptions are gone, and with them their grace periods. */
const ORPHAN_GRACE_MS = 5_000;

export interface OrphanContext {
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork;
  readonly volumes: VolumeStore;
  readonly log: Logger;
  isAssigned(podUid: string): boolean;
}

/** Never throws; what could not be removed is logged and found again by the next start. */
export async function removeOrphans(context: OrphanContext): Promise<void> {
  const { runtime, network, volumes, log } = context;
  try {
    const records = await runtime.list();
    const uids = new Set([...records.map(({ podUid }) => podUid), ...(await runtime.sandboxes()), ...(await network.attached())]);
    for (const uid of uids) {
      if (context.isAssigned(uid)) continue;
      const running = records.filter((record) => record.podUid === uid && record.state === 'running');
      await Promise.all(running.map(({ id }) => runtime.stop(id, { graceMs: ORPHAN_GRACE_MS })));
      await network.detach(uid);
      await runtime.removeSandbox(uid);
      await volumes.remove(uid);
      log.info('leftover pod removed', { podUid: uid });
    }
  } catch (error) {
    log.warn('leftover pods not all removed', { error });
  }
}
