/** Translates a ContainerSpec into an OCI config.json. Pure: everything about the host comes in `BundleFacts`. */
import type { ContainerSpec } from '../../../agent/index.js';
import type { SeccompProfile } from '../../../api/index.js';
import { containerLimits, CPU_PERIOD_US, oomScoreAdjustment } from '../../cgroups/limits.js';
import { containerCapabilities } from './capabilities.js';
import { planMounts } from './mounts.js';
import type { OciConfig, OciDevice, OciNamespace, OciSeccomp, OciUser } from './oci.js';
import { defaultSeccomp } from './seccomp.js';
import type { Processor } from './seccomp.js';

export interface BundleFacts {
  readonly user: OciUser & { readonly home: string };
  readonly hostname: string;
  readonly cgroupPath: string;
  /** Namespaces to join by path; absent ones are the host's (hostNetwork, hostIPC, hostPID) unless made fresh. */
  readonly namespaces: {
    readonly network?: string | undefined;
    readonly ipc?: string | undefined;
    readonly uts?: string | undefined;
    /** Only with shareProcessNamespace, or of the container that an ephemeral one looks into. */
    readonly pid?: string | undefined;
  };
  readonly podFiles: ReadonlyMap<string, string>;
  readonly shmPath?: string | undefined;
  readonly terminationLogPath: string;
  readonly heldCapabilities: ReadonlySet<string>;
  readonly ownOomScoreAdj: number;
  readonly memoryCapacityBytes: number;
  /** Devices of the host, for privileged containers. */
  readonly hostDevices: readonly OciDevice[];
  /** Text of a seccomp profile of type Localhost. */
  readonly localSeccomp?: OciSeccomp | undefined;
  readonly cgroupVersion: 1 | 2;
  /** Whether the kernel counts swap (v1: memory.memsw files). */
  readonly hasSwapAccounting: boolean;
  readonly processor: Processor;
}

/** Kernel interfaces that leak host facts or reach beyond the container (Docker's list). */
const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function ociConfig(spec: ContainerSpec, facts: BundleFacts): OciConfig {
  const security = spec.container.securityContext;
  const isPrivileged = security?.privileged === true;
  const readOnlyRoot = security?.readOnlyRootFilesystem === true;
  const capabilities = containerCapabilities(security, facts.heldCapabilities);
  const unmasked = isPrivileged || security?.procMount === 'Unmasked';
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs', readonly: readOnlyRoot },
    process: {
      terminal: spec.container.tty === true,
      user: { uid: facts.user.uid, gid: facts.user.gid, additionalGids: facts.user.additionalGids },
      args: spec.args,
      env: environment(spec, facts),
      cwd: spec.workingDir === '' ? '/' : spec.workingDir,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: security?.allowPrivilegeEscalation === false && !isPrivileged,
      oomScoreAdj: oomScore(spec, facts),
    },
    mounts: planMounts(mountPlan(spec, facts)),
    linux: {
      namespaces: namespaces(spec, facts),
      devices: isPrivileged ? facts.hostDevices : [],
      cgroupsPath: facts.cgroupPath,
      resources: resources(spec, facts),
      maskedPaths: unmasked ? [] : MASKED_PATHS,
      readonlyPaths: unmasked ? [] : READONLY_PATHS,
      rootfsPropagation: rootPropagation(spec),
      seccomp: isPrivileged ? undefined : seccomp(spec, facts, capabilities),
    },
  };
}

/** The pod's variables win; PATH, HOME, HOSTNAME and TERM are filled in where it is silent. */
function environment(spec: ContainerSpec, facts: BundleFacts): readonly string[] {
  const values = new Map([
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', facts.hostname],
    ['HOME', facts.user.home],
  ]);
  if (spec.container.tty === true) values.set('TERM', 'xterm');
  for (const { name, value } of spec.env) values.set(name, value);
  return [...values].map(([name, value]) => `${name}=${value}`);
}

/** Without CAP_SYS_RESOURCE a process cannot make its children less likely victims than itself: the score is left as it is. */
function oomScore(spec: ContainerSpec, facts: BundleFacts): number | undefined {
  const score = oomScoreAdjustment(spec.pod, spec.container, facts.memoryCapacityBytes);
  const isSettable = facts.heldCapabilities.has('CAP_SYS_RESOURCE') || score >= facts.ownOomScoreAdj;
  return isSettable ? score : undefined;
}

function mountPlan(spec: ContainerSpec, facts: BundleFacts): Parameters<typeof planMounts>[0] {
  return {
    layerCount: spec.image.layers.length,
    isPrivileged: spec.container.securityContext?.privileged === true,
    isHostIpc: spec.pod.spec?.hostIPC === true,
    isHostPid: spec.pod.spec?.hostPID === true,
    shmPath: facts.shmPath,
    readOnlyRoot: spec.container.securityContext?.readOnlyRootFilesystem === true,
    podFiles: facts.podFiles,
    terminationLog: { hostPath: facts.terminationLogPath, containerPath: spec.container.terminationMessagePath ?? '/dev/termination-log' },
    volumes: spec.mounts,
  };
}

function namespaces(spec: ContainerSpec, facts: BundleFacts): readonly OciNamespace[] {
  const { network, ipc, uts, pid } = facts.namespaces;
  const list: OciNamespace[] = [{ type: 'mount' }];
  if (network !== undefined) list.push({ type: 'network', path: network });
  if (ipc !== undefined) list.push({ type: 'ipc', path: ipc });
  if (uts !== undefined) list.push({ type: 'uts', path: uts });
  if (pid !== undefined) list.push({ type: 'pid', path: pid });
  else if (spec.pod.spec?.hostPID !== true) list.push({ type: 'pid' });
  if (facts.cgroupVersion === 2 && spec.container.securityContext?.privileged !== true) list.push({ type: 'cgroup' });
  return list;
}

function resources(spec: ContainerSpec, facts: BundleFacts): OciConfig['linux']['resources'] {
  const isPrivileged = spec.container.securityContext?.privileged === true;
  const limits = containerLimits(spec.container);
  return {
    devices: [{ allow: isPrivileged, access: 'rwm' }],
    cpu: { shares: limits.cpuShares, quota: limits.cpuQuotaUs, period: limits.cpuQuotaUs === undefined ? undefined : CPU_PERIOD_US },
    // Memory plus swap at the same limit: no swap, as Kubernetes' default NoSwap.
    memory: { limit: limits.memoryBytes, swap: facts.hasSwapAccounting ? limits.memoryBytes : undefined },
  };
}

function rootPropagation(spec: ContainerSpec): string | undefined {
  const modes = spec.mounts.map((mount) => mount.propagation);
  if (modes.includes('rshared')) return 'rshared';
  return modes.includes('rslave') ? 'rslave' : undefined;
}

function seccomp(spec: ContainerSpec, facts: BundleFacts, capabilities: readonly string[]): OciSeccomp | undefined {
  const type = seccompProfile(spec)?.type;
  if (type === 'Unconfined') return undefined;
  return type === 'Localhost' ? facts.localSeccomp : defaultSeccomp(capabilities, facts.processor);
}

/** The container's own profile, else the pod's. */
export function seccompProfile(spec: ContainerSpec): SeccompProfile | undefined {
  return spec.container.securityContext?.seccompProfile ?? spec.pod.spec?.securityContext?.seccompProfile;
}
