/** What the runtime and the network are asked for, for a pod as a whole. */
import type { Pod, Stored } from '../../api/index.js';
import type { PodAttachment } from '../../networking/index.js';
import type { SandboxSpec } from '../ports.js';
import { containersOf } from './pod-facts.js';
import type { NodeContext } from './pod-context.js';
import { hostsFile, podHostname, resolvConf } from './pod-files.js';

export function sandboxSpec(pod: Stored<Pod>, podIp: string | undefined, node: NodeContext): SandboxSpec {
  const { clusterDomain } = node.dns;
  const base = pod.spec?.hostNetwork === true ? node.hostsFile : undefined;
  return {
    pod,
    hostname: podHostname(pod, clusterDomain),
    hosts: hostsFile(pod, { podIp, clusterDomain, base }),
    resolvConf: resolvConf(pod, node.dns),
  };
}

export function attachment(pod: Stored<Pod>, netnsPath: string, node: NodeContext): PodAttachment {
  const ports = containersOf(pod).flatMap(({ spec }) =>
    (spec.ports ?? []).flatMap((port) =>
      port.hostPort === undefined || port.hostPort === 0
        ? []
        : [{ hostPort: port.hostPort, hostIp: port.hostIP ?? '', containerPort: port.containerPort, protocol: protocolOf(port.protocol) }],
    ),
  );
  return { podUid: pod.metadata.uid, netnsPath, hostname: podHostname(pod, node.dns.clusterDomain), ports };
}

function protocolOf(text: string | undefined): 'TCP' | 'UDP' | 'SCTP' {
  return text === 'UDP' || text === 'SCTP' ? text : 'TCP';
}
