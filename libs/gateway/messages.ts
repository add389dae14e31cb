/**
 * What agents and the gateway say to each other, in TypeScript: `proto/agent.proto` as the pure code on both ends sees it
 * (bytes of JSON are texts, enums are words). `libs/adapters/grpc` translates to and from the wire.
 */

/** Kinds that an agent may see; `node` objects are reduced to addresses and pod CIDRs. */
export type ResourceKind =
  | 'pod'
  | 'config-map'
  | 'secret'
  | 'service'
  | 'endpoint-slice'
  | 'node'
  | 'service-account'
  | 'volume-claim'
  | 'volume';

export interface ResourceKey {
  readonly kind: ResourceKind;
  /** `namespace/name`, or `name` for nodes and volumes. */
  readonly key: string;
}

export interface AssignedResource extends ResourceKey {
  readonly resourceVersion: string;
  /** The object's JSON text. */
  readonly json: string;
}

export interface Assignment {
  readonly version: number;
  /** True: the complete state, whatever is not in it is gone. */
  readonly full: boolean;
  readonly upserts: readonly AssignedResource[];
  /** May name resources that the agent never had. */
  readonly removals: readonly ResourceKey[];
}

export interface Welcome {
  readonly assignmentEpoch: string;
  readonly podCidr: string;
  readonly clusterDomain: string;
  readonly dnsAddress: string;
  readonly serviceCidr: string;
  readonly clusterCidr: string;
}

export type TunnelRequest =
  | {
      readonly verb: 'logs';
      readonly podUid: string;
      readonly container: string;
      readonly follow: boolean;
      readonly previous: boolean;
      readonly timestamps: boolean;
      /** 0 = from the beginning. */
      readonly sinceMs: number;
      /** -1 = all. */
      readonly tailLines: number;
      /** 0 = no limit. */
      readonly limitBytes: number;
    }
  | {
      readonly verb: 'exec';
      readonly podUid: string;
      readonly container: string;
      readonly command: readonly string[];
      readonly stdin: boolean;
      readonly stdout: boolean;
      readonly stderr: boolean;
      readonly tty: boolean;
    }
  | {
      readonly verb: 'attach';
      readonly podUid: string;
      readonly container: string;
      readonly stdin: boolean;
      readonly stdout: boolean;
      readonly stderr: boolean;
      readonly tty: boolean;
    }
  | { readonly verb: 'connect'; readonly podUid: string; readonly port: number };

export type GatewayMessage =
  | { readonly type: 'welcome'; readonly welcome: Welcome }
  | { readonly type: 'assignment'; readonly assignment: Assignment }
  | { readonly type: 'open-tunnel'; readonly tunnelId: string; readonly request: TunnelRequest };

export interface Hello {
  readonly nodeName: string;
  readonly agentVersion: string;
  readonly bootId: string;
  /** Version of the assignment that the agent keeps; 0 = none. */
  readonly assignmentVersion: number;
  readonly assignmentEpoch: string;
  readonly nodeStatus: NodeReport;
}

export interface NodeReport {
  /** JSON text of a v1.NodeStatus; conditions carry no times, the gateway fills them in. */
  readonly statusJson: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PodReport {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** JSON text of a v1.PodStatus. */
  readonly statusJson: string;
  /** Deletion was asked, every container is gone and its resources are released: the object may go. */
  readonly released: boolean;
}

export interface UsageReport {
  readonly atMs: number;
  readonly windowMs: number;
  readonly nodeCpuCores: number;
  readonly nodeMemoryBytes: number;
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly containers: readonly { readonly name: string; readonly cpuCores: number; readonly memoryBytes: number }[];
  }[];
}

export interface PodEventReport {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** `spec.containers{web}`, or empty for the pod as a whole. */
  readonly fieldPath: string;
  readonly atMs: number;
}

export type AgentMessage =
  | { readonly type: 'hello'; readonly hello: Hello }
  /** `error` empty = applied. */
  | { readonly type: 'ack'; readonly version: number; readonly error: string }
  | { readonly type: 'pod-statuses'; readonly statuses: readonly PodReport[] }
  | { readonly type: 'node-status'; readonly nodeStatus: NodeReport }
  | { readonly type: 'usage'; readonly usage: UsageReport }
  | { readonly type: 'events'; readonly events: readonly PodEventReport[] };

/** One frame of a logs, exec, attach or port-forward session. */
export type TunnelFrame =
  | { readonly type: 'open'; readonly tunnelId: string }
  | { readonly type: 'stdin'; readonly data: Uint8Array }
  | { readonly type: 'stdout'; readonly data: Uint8Array }
  | { readonly type: 'stderr'; readonly data: Uint8Array }
  | { readonly type: 'resize'; readonly columns: number; readonly rows: number }
  | { readonly type: 'stdin-closed' }
  /** `error` not empty: it could not run. */
  | { readonly type: 'exit'; readonly code: number; readonly error: string };

/** Both ends of a tunnel: frames in, frames out. Disposing it ends the stream at both ends. */
export interface TunnelChannel extends Disposable {
  /** Resolves when the transport has taken the frame (back pressure); rejects when the tunnel is closed. */
  send(frame: TunnelFrame): Promise<void>;
  /** Ends when the other end is done; may be read once. */
  readonly frames: AsyncIterable<TunnelFrame>;
}
