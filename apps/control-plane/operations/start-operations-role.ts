/** Wires operations: BullMQ on Redis, and a handler for each type of work. */
import { openJobQueue } from '../../../libs/adapters/redis/index.js';
import { createEvictor, createObjectClient, type HealthCheck } from '../../../libs/apiserver/index.js';
import { drainHandler, startOperations, type OperationHandlers } from '../../../libs/operations/index.js';
import { componentUser, type ControlPlaneParts } from '../parts.js';

export interface OperationsRole extends AsyncDisposable {
  readonly health: HealthCheck;
}

/** `handlers`: further types of work, beside those of libs/operations. */
export function startOperationsRole(parts: ControlPlaneParts, url: string, handlers: OperationHandlers): OperationsRole {
  const { config, cache, clock, context } = parts;
  const log = parts.log.child({ part: 'operations' });
  const user = componentUser('berth-operations');
  const client = createObjectClient({ context }, user);
  const queue = openJobQueue({ url, name: `berth-${config.clusterName}`, log });
  const evict = createEvictor({ context }, user);
  const running = startOperations({
    cache,
    client,
    clock,
    log,
    queue,
    handlers: { DrainNode: drainHandler({ cache, client, clock, evict }), ...handlers },
  });
  return {
    health: { name: 'redis', critical: false, check: () => queue.problem() },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
