/** Brings together a session that the API asked for and the stream that the agent then dials. */
import type { Clock, IdSource } from '../kit/index.js';
import { StatusError } from '../api/light.js';
import type { GatewayMessage, TunnelChannel, TunnelRequest } from './messages.js';

/** How long an agent may take to dial after it was asked. */
export const TUNNEL_OPEN_TIMEOUT_MS = 10_000;

interface Waiting {
  readonly node: string;
  resolve(channel: TunnelChannel): void;
}

export class TunnelBroker {
  readonly #waiting = new Map<string, Waiting>();

  constructor(
    private readonly options: {
      readonly clock: Clock;
      readonly ids: IdSource;
      /** False when the node has no line. */
      readonly send: (node: string, message: GatewayMessage) => boolean;
    },
  ) {}

  /** Throws StatusError ServiceUnavailable when the node is away or does not dial in time. */
  open(node: string, request: TunnelRequest): Promise<TunnelChannel> {
    const tunnelId = this.options.ids.uid();
    return new Promise((resolve, reject) => {
      const timeout = this.options.clock.schedule(TUNNEL_OPEN_TIMEOUT_MS, () => {
        this.#waiting.delete(tunnelId);
        reject(unavailable(node, `did not answer within ${TUNNEL_OPEN_TIMEOUT_MS / 1000} s`));
      });
      this.#waiting.set(tunnelId, {
        node,
        resolve: (channel) => {
          timeout[Symbol.dispose]();
          resolve(channel);
        },
      });
      if (this.options.send(node, { type: 'open-tunnel', tunnelId, request })) return;
      timeout[Symbol.dispose]();
      this.#waiting.delete(tunnelId);
      reject(unavailable(node, 'is not connected'));
    });
  }

  /** The agent of `node` dialled. False: nobody waits for this tunnel on this node; the caller closes it. */
  accept(node: string, tunnelId: string, channel: TunnelChannel): boolean {
    const waiting = this.#waiting.get(tunnelId);
    if (waiting?.node !== node) return false;
    this.#waiting.delete(tunnelId);
    waiting.resolve(channel);
    return true;
  }
}

function unavailable(node: string, what: string): StatusError {
  return new StatusError('ServiceUnavailable', `node "${node}" ${what}; see "kubectl get nodes"`);
}
