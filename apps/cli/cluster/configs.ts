/** From a cluster's layout to the configuration files and command lines of its daemons. Pure. */
import { join } from 'node:path';
import { controlPlaneDefaults, type ControlPlaneConfig } from '../../control-plane/config.js';
import type { NodeAgentConfig } from '../../node-agent/config.js';
import type { DaemonSpec } from './daemons.js';
import type { ClusterLayout, HostLayout } from './layout.js';

/** `capacity`: what each host reports, since all share one machine. */
export interface HostCapacity {
  readonly cpu: number;
  readonly memoryBytes: number;
}

export function controlPlaneConfig(layout: ClusterLayout): ControlPlaneConfig {
  return {
    ...controlPlaneDefaults,
    clusterName: layout.name,
    dataDir: layout.dataDir,
    store: { kind: 'etcd', endpoints: layout.etcd.length > 0 ? layout.etcd : [`http://127.0.0.1:${layout.etcdPort}`] },
    redis: { url: layout.redis === '' ? `redis://127.0.0.1:${layout.redisPort}` : layout.redis },
    api: { host: '0.0.0.0', port: layout.apiPort },
    gateway: { host: '0.0.0.0', port: layout.gatewayPort },
    advertiseAddress: layout.bridgeAddress,
    extraSans: ['localhost', '127.0.0.1', layout.serviceCidr.replace(/\.\d+\/\d+$/, '.1')],
    network: {
      ...controlPlaneDefaults.network,
      clusterCidr: layout.clusterCidr,
      serviceCidr: layout.serviceCidr,
      dnsAddress: layout.dnsAddress,
    },
  };
}

export function agentConfig(
  layout: ClusterLayout,
  host: HostLayout,
  options: { readonly joinToken: string; readonly capacity: HostCapacity },
): NodeAgentConfig {
  return {
    clusterName: layout.name,
    nodeName: host.name,
    nodeAddress: host.address,
    gateway: `${layout.bridgeAddress}:${layout.gatewayPort}`,
    joinToken: options.joinToken,
    dataDir: host.dataDir,
    runDir: host.runDir,
    imageDir: layout.imageDir,
    cgroupRoot: host.cgroupRoot,
    labels: {},
    capacity: { ...options.capacity, pods: 250 },
    insecureRegistries: [],
    // Without a way out, asking the machine's resolvers would only cost their time-outs.
    ...(layout.outside ? {} : { dnsUpstreams: [] }),
    log: { level: 'info', format: 'json' },
  };
}

export function etcdDaemon(layout: ClusterLayout): DaemonSpec {
  const client = `http://127.0.0.1:${layout.etcdPort}`;
  const peer = `http://127.0.0.1:${layout.etcdPort + 1}`;
  return {
    name: 'etcd',
    command: 'etcd',
    args: [
      ['--name', 'berth'],
      ['--data-dir', join(layout.dataDir, 'etcd')],
      ['--listen-client-urls', client],
      ['--advertise-client-urls', client],
      ['--listen-peer-urls', peer],
      ['--initial-advertise-peer-urls', peer],
      ['--initial-cluster', `berth=${peer}`],
      ['--max-txn-ops', '1024'],
      ['--max-request-bytes', '16777216'],
      ['--snapshot-count', '5000'],
      ['--log-level', 'warn'],
    ].flat(),
  };
}

export function redisDaemon(layout: ClusterLayout): DaemonSpec {
  return {
    name: 'redis',
    command: 'redis-server',
    args: [
      ['--port', String(layout.redisPort)],
      ['--bind', '127.0.0.1'],
      ['--dir', join(layout.dataDir, 'redis')],
      ['--appendonly', 'yes'],
      ['--maxmemory-policy', 'noeviction'],
    ].flat(),
  };
}

/** `distDir`: the compiled tree. */
export function controlPlaneDaemon(layout: ClusterLayout, distDir: string): DaemonSpec {
  return {
    name: 'control-plane',
    command: process.execPath,
    args: ['--enable-source-maps', join(distDir, 'apps/control-plane/main.js'), '--config', layout.controlPlaneConfig],
  };
}

export function agentDaemon(host: HostLayout, distDir: string): DaemonSpec {
  return {
    name: host.name,
    command: process.execPath,
    args: ['--enable-source-maps', join(distDir, 'apps/node-agent/main.js'), '--config', host.configFile],
    netns: `/run/netns/${host.netns}`,
  };
}
