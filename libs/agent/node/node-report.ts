/** The node's own status. Conditions carry no times: the gateway knows when they changed. */
import { formatMillis, volumeInUseName } from '../../api/light.js';
import type { NodeCondition, NodeStatus } from '../../api/index.js';
import type { NodeReport } from '../../gateway/index.js';
import type { HostFacts } from './host-facts.js';

export const AGENT_VERSION = 'v1.36.0+berth.0.1.0';
const RUNTIME_VERSION = 'runc://1.1.5';
const PODS_DEFAULT = 250;
/** Kubernetes' eviction thresholds: memory.available<100Mi, nodefs.available<10%. */
const MEMORY_FREE_MIN_BYTES = 100 * 1024 * 1024;
const DISK_FREE_MIN_SHARE = 0.1;
const PIDS_FREE_MIN_SHARE = 0.05;
/** Kubernetes: nodeStatusMaxImages. */
const IMAGES_REPORTED_MAX = 50;

export interface NodeSettings {
  readonly nodeName: string;
  readonly nodeAddress: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Instead of the machine's, for hosts that share one. */
  readonly capacity?: { readonly cpu?: number; readonly memoryBytes?: number; readonly pods?: number } | undefined;
}

export interface NodeReportInput {
  readonly settings: NodeSettings;
  readonly facts: HostFacts;
  readonly images: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[];
  /** Handles of the persistent folders here. */
  readonly folders?: readonly string[] | undefined;
  /** Why the node cannot run pods; `undefined` = it can. */
  readonly notReady?: string | undefined;
}

export function nodeReport({ settings, facts, images, folders = [], notReady }: NodeReportInput): NodeReport {
  const capacity = nodeCapacity(settings, facts);
  const largest = [...images].sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, IMAGES_REPORTED_MAX);
  const status: NodeStatus = {
    addresses: [
      { type: 'InternalIP', address: settings.nodeAddress },
      { type: 'Hostname', address: settings.nodeName },
    ],
    capacity,
    allocatable: capacity,
    conditions: nodeConditions(facts, notReady),
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootId,
      containerRuntimeVersion: RUNTIME_VERSION,
      kernelVersion: facts.kernelVersion,
      kubeProxyVersion: AGENT_VERSION,
      kubeletVersion: AGENT_VERSION,
      machineID: facts.machineId,
      operatingSystem: 'linux',
      osImage: facts.osImage,
      systemUUID: facts.systemUuid,
    },
    images: largest.map(({ names, sizeBytes }) => ({ names, sizeBytes })),
    daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
    ...(folders.length === 0 ? {} : { volumesInUse: folders.map(volumeInUseName) }),
  };
  return { statusJson: JSON.stringify(status), labels: nodeLabels(settings, facts) };
}

export function nodeCapacity(settings: NodeSettings, facts: HostFacts): Readonly<Record<string, string>> {
  const own = settings.capacity;
  return {
    cpu: formatMillis(Math.round((own?.cpu ?? facts.cpuCores) * 1000)),
    'ephemeral-storage': `${Math.floor(facts.diskBytes / 1024)}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${Math.floor((own?.memoryBytes ?? facts.memoryBytes) / 1024)}Ki`,
    pods: String(own?.pods ?? PODS_DEFAULT),
  };
}

function nodeLabels(settings: NodeSettings, facts: HostFacts): Readonly<Record<string, string>> {
  return {
    'beta.kubernetes.io/arch': facts.architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': facts.architecture,
    'kubernetes.io/hostname': settings.nodeName,
    'kubernetes.io/os': 'linux',
    ...settings.labels,
  };
}

/** Reasons and messages as kubelet gives them. */
function nodeConditions(facts: HostFacts, notReady: string | undefined): readonly NodeCondition[] {
  const memory = facts.memoryAvailableBytes < MEMORY_FREE_MIN_BYTES;
  const disk = facts.diskAvailableBytes < facts.diskBytes * DISK_FREE_MIN_SHARE;
  const pids = facts.pidsMax - facts.pidsUsed < facts.pidsMax * PIDS_FREE_MIN_SHARE;
  return [
    pressure('MemoryPressure', memory, 'KubeletHasInsufficientMemory', 'KubeletHasSufficientMemory', 'memory available'),
    pressure('DiskPressure', disk, 'KubeletHasDiskPressure', 'KubeletHasNoDiskPressure', 'disk pressure'),
    pressure('PIDPressure', pids, 'KubeletHasInsufficientPID', 'KubeletHasSufficientPID', 'PID available'),
    notReady === undefined
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: notReady },
  ];
}

// oxlint-disable-next-line eslint/max-params -- one row of a table
function pressure(type: string, isPressed: boolean, bad: string, good: string, what: string): NodeCondition {
  const amount = what === 'disk pressure' ? (isPressed ? 'has' : 'has no') : isPressed ? 'has insufficient' : 'has sufficient';
  return { type, status: isPressed ? 'True' : 'False', reason: isPressed ? bad : good, message: `kubelet ${amount} ${what}` };
}
