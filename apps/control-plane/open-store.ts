/** The store that the configuration names. */
import { MemoryStore, type Store } from '../../libs/storage/index.js';
import type { Clock, Logger } from '../../libs/kit/index.js';
import type { ControlPlaneConfig } from './config.js';

export async function openStore(config: ControlPlaneConfig, clock: Clock, log: Logger): Promise<Store & AsyncDisposable> {
  if (config.store.kind === 'memory') {
    log.warn('state is kept in memory only and ends with this process');
    return Object.assign(new MemoryStore(clock), { [Symbol.asyncDispose]: () => Promise.resolve() });
  }
  throw new Error('the etcd store is not wired yet');
}
