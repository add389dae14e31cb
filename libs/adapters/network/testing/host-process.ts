/** What an agent is to the network, as a process of its own: tests start it inside a host and call it over IPC. */
import type { Logger } from '../../../kit/index.js';
import type { DnsView, HostNetwork, PeerHost, PodAttachment, ServiceRules } from '../../../networking/index.js';
import { LinuxHostNetwork } from '../host-network.js';

export type HostCall =
  | { readonly call: 'start'; readonly with: Parameters<HostNetwork['start']>[0] }
  | { readonly call: 'setPeers'; readonly with: readonly PeerHost[] }
  | { readonly call: 'setServices'; readonly with: ServiceRules }
  | { readonly call: 'setDns'; readonly with: DnsView }
  | { readonly call: 'attach'; readonly with: PodAttachment }
  | { readonly call: 'detach'; readonly with: string }
  | { readonly call: 'attached'; readonly with: undefined }
  | { readonly call: 'remove'; readonly with: undefined };

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error, child: () => silent };

const [, , cluster = 'bt-net', cniDir] = process.argv;
const cni =
  cniDir === undefined
    ? undefined
    : { configDir: `${cniDir}/net.d`, binDirs: ['/opt/cni/bin', '/usr/lib/cni'], stateDir: `${cniDir}/state` };
const network = new LinuxHostNetwork({ cluster, log: silent, upstreams: [], ...(cni === undefined ? {} : { cni }) });

async function answer(message: HostCall): Promise<unknown> {
  switch (message.call) {
    case 'start':
      return network.start(message.with);
    case 'setPeers':
      return network.setPeers(message.with);
    case 'setServices':
      return network.setServices(message.with);
    case 'setDns':
      return network.setDns(message.with);
    case 'attach':
      return network.pods.attach(message.with);
    case 'detach':
      return network.pods.detach(message.with);
    case 'attached':
      return network.pods.attached();
    case 'remove':
      return network.remove();
  }
}

process.on('message', (message: HostCall & { readonly id: number }) => {
  const began = performance.now();
  answer(message).then(
    (result) => process.send?.({ id: message.id, result, tookMs: performance.now() - began }),
    (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
