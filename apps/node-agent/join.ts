/** The node's identity at start: kept from before, or made with the join token as soon as the control plane answers. */
import { createHash, X509Certificate } from 'node:crypto';
import { enroll, loadIdentity } from '../../libs/adapters/grpc/index.js';
import type { NodeIdentity } from '../../libs/adapters/grpc/index.js';
import { parseJoinToken } from '../../libs/gateway/index.js';
import { backoffMs } from '../../libs/kit/index.js';
import type { CancelSignal, Clock, Logger } from '../../libs/kit/index.js';
import type { NodeAgentConfig } from './config.js';

const RETRY = { initialMs: 200, maxMs: 3_000 } as const;

/** Waits while the control plane is away. Throws where only an operator can help: no token, a refused one, another cluster's. */
export async function joinCluster(
  config: NodeAgentConfig,
  parts: { readonly clock: Clock; readonly log: Logger; readonly signal: CancelSignal },
): Promise<NodeIdentity> {
  const { clock, log, signal } = parts;
  const kept = await loadIdentity(config.dataDir, config.nodeName, clock.now());
  if (kept !== undefined && isOfTokensCluster(kept, config.joinToken)) return kept;
  const { joinToken } = config;
  if (joinToken === undefined) {
    throw new Error(
      `node "${config.nodeName}" has no certificate in ${config.dataDir}/pki and no joinToken in its configuration; make one with "berth token create"`,
    );
  }
  parseJoinToken(joinToken);
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const { gateway, nodeName, dataDir } = config;
      const identity = await enroll({ gateway, joinToken, nodeName, dataDir });
      log.info('joined the cluster', { gateway: config.gateway });
      return identity;
    } catch (error) {
      if (!isAway(error)) throw error;
      if (attempt === 0) log.warn('control plane does not answer yet; joining when it does', { gateway: config.gateway, error });
      await clock.sleep(backoffMs(RETRY, attempt), signal);
    }
  }
  throw new Error('stopped before the node had joined');
}

/** A token names the CA that it belongs to; an identity of an earlier cluster is of no use there. */
function isOfTokensCluster(identity: NodeIdentity, joinToken: string | undefined): boolean {
  if (joinToken === undefined) return true;
  const hash = createHash('sha256').update(new X509Certificate(identity.caPem).raw).digest('hex');
  return parseJoinToken(joinToken).caSha256 === hash;
}

/** Node's socket errors and gRPC's UNAVAILABLE and DEADLINE_EXCEEDED. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  const isSocket = typeof code === 'string' && /^(ECONN|ENET|EHOST|ETIMEDOUT|EPIPE|EAI_)/.test(code);
  return isSocket || code === 14 || code === 4 || error.message.startsWith('no answer from the control plane');
}
