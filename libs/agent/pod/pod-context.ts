/** What every part of a pod's worker works with: the ports, and what is known about the host. */
import type { Clock, Logger } from '../../kit/index.js';
import type { Pod, PodStatus, Stored } from '../../api/index.js';
import type { PodNetwork } from '../../networking/index.js';
import type { AssignedState } from '../assigned-state.js';
import type { ContainerRuntime, ImageStore, Prober, VolumeSources, VolumeStore } from '../ports.js';
import type { DnsSettings } from './pod-files.js';
import type { NodeCapacity } from './references.js';

export interface NodeContext {
  readonly hostIp: string;
  readonly dns: DnsSettings;
  readonly capacity: NodeCapacity;
  /** The host's own /etc/hosts, for pods on the host network. */
  readonly hostsFile: string;
}

export interface PodEvent {
  readonly pod: Stored<Pod>;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly container?: string | undefined;
}

export interface PodReporter {
  /** The newest status; called only when it differs from the one before. */
  status(pod: Stored<Pod>, status: PodStatus, released: boolean): void;
  event(event: PodEvent): void;
  /** Nothing of the pod is left on the host and it is no longer assigned. */
  gone(podUid: string): void;
}

export interface PodContext {
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork;
  readonly images: ImageStore;
  readonly volumes: VolumeStore;
  readonly volumeSources: VolumeSources;
  readonly prober: Prober;
  readonly clock: Clock;
  readonly log: Logger;
  readonly state: AssignedState;
  readonly reporter: PodReporter;
  node(): NodeContext;
}

/** `web-0_default(uid)`, as Kubernetes' messages name a pod. */
export function podLabel(pod: Stored<Pod>): string {
  return `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})`;
}
