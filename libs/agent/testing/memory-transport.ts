/** Connects an agent to a gateway without a wire; the line can be cut. For tests and the simulator. */
import type { Clock } from '../../kit/index.js';
import type { AgentLine, AgentMessage, Gateway, GatewayMessage, PodTokenRequest, TunnelChannel } from '../../gateway/index.js';
import type { GatewayStream, GatewayTransport } from '../link/transport.js';

export class MemoryTransport implements GatewayTransport {
  /** Absent: the control plane is away. */
  gateway: Gateway | undefined;
  #cut: (() => void) | undefined;

  constructor(
    private readonly node: string,
    private readonly clock: Clock,
    gateway?: Gateway,
  ) {
    this.gateway = gateway;
  }

  open(listener: { message(message: GatewayMessage): void; closed(reason: string): void }): GatewayStream {
    const { gateway, node, clock } = this;
    let isOpen = gateway !== undefined;
    const soon = (task: () => void): void => void clock.schedule(0, task);
    const close = (reason: string): void => {
      if (!isOpen) return;
      isOpen = false;
      soon(() => listener.closed(reason));
      gateway?.disconnect(node, line);
    };
    const line: AgentLine = {
      send: (message) => soon(() => void (isOpen && listener.message(message))),
      close,
    };
    this.#cut = () => close('the line was cut');
    if (gateway === undefined) soon(() => listener.closed('nobody answers'));
    else gateway.connect(node, line);
    return {
      send: (message: AgentMessage) => soon(() => void (isOpen && gateway?.receive(node, line, message))),
      close: () => close('closed by the agent'),
    };
  }

  tunnel(_tunnelId: string): TunnelChannel {
    throw new Error('no sessions over the memory transport');
  }

  async issueToken(request: PodTokenRequest): Promise<{ readonly token: string; readonly expiresAtMs: number }> {
    return { token: `token of ${request.serviceAccount}`, expiresAtMs: this.clock.now() + request.expiresInSeconds * 1000 };
  }

  /** Both ends lose the line; the agent tries again on its own. */
  cut(): void {
    this.#cut?.();
  }
}
