/** The way to the gateway, as the agent's pure half sees it. Implemented by libs/adapters/grpc and by the simulator. */
import type { AgentMessage, GatewayMessage, PodTokenRequest, TunnelChannel } from '../../gateway/index.js';

export interface GatewayStream {
  /** Queues; a broken stream shows itself by `closed`, never by an exception here. */
  send(message: AgentMessage): void;
  close(): void;
}

export interface GatewayTransport {
  /** One attempt. `closed` is called exactly once, also when the gateway cannot be reached at all. */
  open(listener: { message(message: GatewayMessage): void; closed(reason: string): void }): GatewayStream;
  /** Dials a session that the gateway asked for. */
  tunnel(tunnelId: string): TunnelChannel;
  issueToken(request: PodTokenRequest): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
}
