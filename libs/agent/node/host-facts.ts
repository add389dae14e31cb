/** What the agent must know about its machine; read anew for each node status. */
export interface HostFacts {
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
  readonly diskBytes: number;
  readonly diskAvailableBytes: number;
  readonly pidsMax: number;
  readonly pidsUsed: number;
  /** As in image platforms: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly osImage: string;
  readonly kernelVersion: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  /** The host's resolver and hosts file, for pods that use them. */
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly hostsFile: string;
}

export interface HostFactsReader {
  read(): Promise<HostFacts>;
}
