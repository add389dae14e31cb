/** Puts the pipeline together from its ports. */
import type { Clock, IdSource, Logger } from '../kit/index.js';
import type { Store, WatchCache } from '../storage/index.js';
import { createAuthorizer } from './authz/authorizer.js';
import { RequestCounts } from './metrics/process-metrics.js';
import type { Api } from './pipeline.js';
import type { HealthCheck, NodeStreams, PodHttp, StaticTokens, TokenSigner, UsageSource } from './ports.js';
import { WriteMark, type ApiContext, type ApiSettings } from './registry/context.js';

/** What the registry needs: enough for clients inside the process. */
export interface ContextDependencies {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  readonly settings: ApiSettings;
}

export interface ApiDependencies {
  readonly context: ApiContext;
  readonly tokens: TokenSigner;
  readonly staticTokens: StaticTokens;
  readonly nodes: NodeStreams;
  readonly podHttp?: PodHttp | undefined;
  readonly usage: UsageSource;
  readonly health: readonly HealthCheck[];
}

/** One context a process: its writes are what its reads wait for. */
export function createApiContext(dependencies: ContextDependencies): ApiContext {
  return { ...dependencies, written: new WriteMark() };
}

export function createApi(dependencies: ApiDependencies): Api {
  return { ...dependencies, authorizer: createAuthorizer(dependencies.context.cache), requests: new RequestCounts() };
}
