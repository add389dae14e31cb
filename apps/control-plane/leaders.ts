/** Controllers and scheduler: every replica campaigns, the winner works, and loses its pen with its leadership. */
import { builtinControllers } from '../../libs/controllers/index.js';
import { createObjectClient, type UsageSource } from '../../libs/apiserver/index.js';
import { fencedClient, leadWhile, startControllers, type ObjectClient } from '../../libs/reconciling/index.js';
import { SystemRandom } from '../../libs/adapters/system/index.js';
import { startScheduler } from '../../libs/scheduler/index.js';
import type { Leadership } from '../../libs/storage/index.js';
import { componentUser, type ControlPlaneParts } from './parts.js';

/** Campaigns for the controllers until disposed. */
export function leadControllers(parts: ControlPlaneParts, usage: UsageSource): AsyncDisposable {
  const { config, store, cache, clock, ids, log, pki } = parts;
  return lead(parts, 'controllers', (leadership) =>
    startControllers({
      cache,
      clock,
      ids,
      newest: () => store.revision(),
      log: log.child({ part: 'controllers' }),
      client: clientOf(parts, 'kube-controller-manager', leadership),
      controllers: builtinControllers({
        clusterCa: pki.caPem,
        clusterCidr: config.network.clusterCidr,
        usage,
        nodeHealth: { graceMs: config.nodeLoss.leaseGraceSeconds * 1000 },
      }),
    }),
  );
}

/** Campaigns for the scheduler until disposed. */
export function leadScheduler(parts: ControlPlaneParts): AsyncDisposable {
  const { cache, clock, log } = parts;
  return lead(parts, 'scheduler', (leadership) =>
    startScheduler({
      cache,
      clock,
      random: new SystemRandom(),
      log: log.child({ part: 'scheduler' }),
      client: clientOf(parts, 'kube-scheduler', leadership),
    }),
  );
}

function clientOf({ context }: ControlPlaneParts, component: string, leadership: Leadership): ObjectClient {
  return fencedClient(createObjectClient({ context }, componentUser(component)), leadership);
}

function lead(parts: ControlPlaneParts, name: string, start: (leadership: Leadership) => AsyncDisposable): AsyncDisposable {
  const { store, clock, log, candidate } = parts;
  const stopping = new AbortController();
  const leading = leadWhile({ store, name, candidate, log, clock, start }, stopping.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await leading;
    },
  };
}
