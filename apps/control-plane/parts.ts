/** What every role of the process shares. */
import type { ClusterImageStore } from '../../libs/adapters/images/index.js';
import type { Pki } from '../../libs/adapters/x509/index.js';
import type { ApiContext, TokenSigner, UserInfo } from '../../libs/apiserver/index.js';
import type { Clock, IdSource, Logger } from '../../libs/kit/index.js';
import type { Store, WatchCache } from '../../libs/storage/index.js';
import type { ControlPlaneConfig } from './config.js';

/** What the roles are built from. */
export interface ControlPlaneParts {
  readonly config: ControlPlaneConfig;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  readonly store: Store;
  readonly cache: WatchCache;
  readonly pki: Pki;
  readonly tokens: TokenSigner;
  /** Built and imported images. */
  readonly images: ClusterImageStore;
  /** The registry behind every in-process client. */
  readonly context: ApiContext;
  /** Names this process in elections. */
  readonly candidate: string;
}

/** The name under which a part of the control plane writes; it is what audit and events show. */
export function componentUser(component: string): UserInfo {
  return { name: `system:${component}`, groups: ['system:masters'] };
}
