/** Keeps the host's data path at what the assignment says: services, DNS, peers. The newest state wins; one change at a time. */
import type { Clock, Logger } from '../kit/index.js';
import { compileDns, compileServices } from '../networking/index.js';
import type { HostNetwork, PeerHost } from '../networking/index.js';
import type { Node } from '../api/index.js';
import type { AssignedState } from './assigned-state.js';

const RETRY_MS = 1_000;

export class NetworkSync implements Disposable {
  #wanted = { services: true, peers: true };
  #isRunning = false;
  #isOpen = false;
  #isDisposed = false;
  #retry: Disposable | undefined;

  constructor(
    private readonly options: {
      readonly network: HostNetwork;
      readonly state: AssignedState;
      readonly nodeName: string;
      readonly clock: Clock;
      readonly log: Logger;
    },
  ) {}

  /** The host network has been started: from now on changes are applied. */
  open(): void {
    this.#isOpen = true;
    this.changed({ services: true, peers: true });
  }

  changed(what: { readonly services: boolean; readonly peers: boolean }): void {
    this.#wanted = { services: this.#wanted.services || what.services, peers: this.#wanted.peers || what.peers };
    if (!this.#isOpen || this.#isRunning || this.#isDisposed) return;
    this.#isRunning = true;
    void this.#run();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#retry?.[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    while (!this.#isDisposed && (this.#wanted.services || this.#wanted.peers)) {
      const todo = this.#wanted;
      this.#wanted = { services: false, peers: false };
      try {
        if (todo.peers) await this.options.network.setPeers(peersOf(this.options.state.nodes(), this.options.nodeName));
        if (todo.services) await this.#setServices();
      } catch (error) {
        this.options.log.warn('host network not updated, will be tried again', { error });
        this.#retry = this.options.clock.schedule(RETRY_MS, () => this.changed(todo));
        break;
      }
    }
    this.#isRunning = false;
  }

  async #setServices(): Promise<void> {
    const { state, network, nodeName } = this.options;
    const [services, slices] = [state.services(), state.endpointSlices()];
    network.setDns(compileDns(services, slices, { domain: state.welcome?.clusterDomain ?? 'cluster.local' }));
    await network.setServices(compileServices(services, slices, { nodeName }));
  }
}

/** Every other node that has an address and a pod network. */
export function peersOf(nodes: readonly Node[], self: string): readonly PeerHost[] {
  return nodes.flatMap((node) => {
    const name = node.metadata?.name ?? '';
    const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    const podCidr = node.spec?.podCIDR;
    return name === self || address === undefined || podCidr === undefined ? [] : [{ node: name, address, podCidr }];
  });
}
