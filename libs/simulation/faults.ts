/** What goes wrong, how often, by one seed. Every probability is 0 unless asked for. */
import { StatusError } from '../api/index.js';
import type { Clock, Random } from '../kit/index.js';
import type { ObjectClient } from '../reconciling/index.js';

export interface FaultPlan {
  /** A write is refused as if somebody else had been faster. */
  readonly conflictProbability: number;
  /** A write happens, but the caller hears that the server failed. */
  readonly lostAnswerProbability: number;
  /** Every call takes up to this long, so that plans of different controllers interleave. */
  readonly callDelayMsMax: number;
}

export const NO_FAULTS: FaultPlan = { conflictProbability: 0, lostAnswerProbability: 0, callDelayMsMax: 0 };

/** A client that fails as planned. */
export function faultyClient(
  client: ObjectClient,
  plan: FaultPlan,
  ports: { readonly clock: Clock; readonly random: Random },
): ObjectClient {
  const { clock, random } = ports;
  const through =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (plan.callDelayMsMax > 0) await clock.sleep(1 + Math.floor(random.next() * plan.callDelayMsMax));
      if (random.next() < plan.conflictProbability) throw new StatusError('Conflict', 'simulated conflict');
      const answer = await call(...args);
      if (random.next() < plan.lostAnswerProbability) throw new StatusError('InternalError', 'simulated loss of the answer');
      return answer;
    };
  return {
    create: through((...args: Parameters<ObjectClient['create']>) => client.create(...args)),
    update: through((...args: Parameters<ObjectClient['update']>) => client.update(...args)),
    updateStatus: through((...args: Parameters<ObjectClient['updateStatus']>) => client.updateStatus(...args)),
    finalize: through((...args: Parameters<ObjectClient['finalize']>) => client.finalize(...args)),
    delete: through((...args: Parameters<ObjectClient['delete']>) => client.delete(...args)),
    bind: through((...args: Parameters<ObjectClient['bind']>) => client.bind(...args)),
  };
}
