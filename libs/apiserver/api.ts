/** Puts the pipeline together from its ports. */
import type { Clock, IdSource, Logger } from '../kit/index.js';
import type { Store, WatchCache } from '../storage/index.js';
import { createAuthorizer } from './authz/authorizer.js';
import type { Api } from './pipeline.js';
import type { HealthCheck, NodeStreams, StaticTokens, TokenSigner, UsageSource } from './ports.js';
import { WriteMark, type ApiSettings } from './registry/context.js';

export interface ApiDependencies {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  readonly settings: ApiSettings;
  readonly tokens: TokenSigner;
  readonly staticTokens: StaticTokens;
  readonly nodes: NodeStreams;
  readonly usage: UsageSource;
  readonly health: readonly HealthCheck[];
}

export function createApi(dependencies: ApiDependencies): Api {
  const { store, cache, clock, ids, log, settings } = dependencies;
  return {
    context: { store, cache, clock, ids, log, settings, written: new WriteMark() },
    authorizer: createAuthorizer(cache),
    tokens: dependencies.tokens,
    staticTokens: dependencies.staticTokens,
    nodes: dependencies.nodes,
    usage: dependencies.usage,
    health: dependencies.health,
  };
}
