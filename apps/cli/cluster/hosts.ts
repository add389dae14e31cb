/** The local hosts of a layout. */
import { LocalHosts } from '../../../libs/adapters/local-hosts/index.js';
import { controlPlaneDefaults } from '../../control-plane/config.js';
import type { ClusterLayout } from './layout.js';

export function localHosts(layout: ClusterLayout): LocalHosts {
  return new LocalHosts({
    cluster: layout.name,
    bridge: layout.bridge,
    bridgeAddress: `${layout.bridgeAddress}/24`,
    clusterCidr: layout.clusterCidr,
    serviceCidr: layout.serviceCidr,
    dnsAddress: layout.dnsAddress,
    outside: layout.outside,
    clusterDomain: controlPlaneDefaults.network.clusterDomain,
  });
}
