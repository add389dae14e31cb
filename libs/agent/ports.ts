/**
 * The ports of the node agent, in the agent's words. The pod worker (pure steps over these ports) is in this lib; the
 * adapters are in `libs/adapters/{runc,cgroups,images,volumes,logs,exec,network}`; the simulator has fakes of them all.
 */
import type { CancelSignal } from '../kit/index.js';
import type { Container, ContainerStatus, PersistentVolume, Pod, Stored, Volume } from '../api/index.js';
import type { ExitStatus, LogOptions, RemoteConnection, RemoteProcess } from '../apiserver/index.js';

export type PodUid = string;
/** `<podUid>_<containerName>_<attempt>`: unique on the host, stable across agent restarts. */
export type ContainerId = string;

export interface SandboxSpec {
  readonly pod: Stored<Pod>;
  readonly hostname: string;
  /** Texts of /etc/hosts and /etc/resolv.conf are made by the agent before the first container. */
  readonly hosts: string;
  readonly resolvConf: string;
}

/** The pod's own namespaces (network, IPC, UTS) pinned by bind mounts, its folder, and its cgroup. No pause container. */
export interface Sandbox {
  readonly podUid: PodUid;
  /** Absent for hostNetwork. */
  readonly netnsPath?: string | undefined;
  /** Made by this call: what ran in an earlier one (before a reboot) is gone. */
  readonly isNew?: boolean | undefined;
}

/** Everything decided: environment resolved, volumes prepared, image present. The adapter only translates it to an OCI bundle. */
export interface ContainerSpec {
  readonly id: ContainerId;
  readonly pod: Stored<Pod>;
  readonly container: Container;
  readonly attempt: number;
  readonly image: ResolvedImage;
  /** Kept in the container's record; see ContainerRecord. */
  readonly specHash: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly workingDir: string;
  /** Shares the process namespace of this container of the same pod, while that runs. */
  readonly target?: ContainerId | undefined;
  readonly user: {
    readonly uid?: number | undefined;
    readonly gid?: number | undefined;
    readonly name?: string | undefined;
    readonly supplementalGroups: readonly number[];
  };
  readonly mounts: readonly {
    /** The volume's root as VolumeStore answered it. */
    readonly hostPath: string;
    /** Path inside the volume (`subPath`, or `subPathExpr` expanded). The adapter resolves it so that no symlink leads out of the volume. */
    readonly subPath?: string | undefined;
    readonly containerPath: string;
    readonly readOnly: boolean;
    readonly propagation: 'private' | 'rslave' | 'rshared';
  }[];
}

/** State of one container as the host knows it. It survives agent restarts: conmon writes the exit code to disk. */
export interface ContainerRecord {
  readonly id: ContainerId;
  readonly podUid: PodUid;
  readonly name: string;
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited';
  readonly pid?: number | undefined;
  readonly startedAtMs?: number | undefined;
  readonly finishedAtMs?: number | undefined;
  readonly exitCode?: number | undefined;
  readonly oomKilled?: boolean | undefined;
  /** It never ran: its program could not be started. */
  readonly startFailed?: boolean | undefined;
  /** Repo digest, or the image's own id where it has none: the status' imageID. */
  readonly imageId: string;
  /** Name and tag as resolved: the status' image. */
  readonly imageRef: string;
  /** Hash of the parts of the container's spec that need a new container when they change. */
  readonly specHash: string;
  /** Text of the termination message file, once exited. */
  readonly terminationMessage?: string | undefined;
}

export interface ContainerRuntime {
  ensureSandbox(spec: SandboxSpec): Promise<Sandbox>;
  /** Ends what runs, unpins the namespaces, removes cgroup and folder. Idempotent. */
  removeSandbox(podUid: PodUid): Promise<void>;
  sandboxes(): Promise<readonly PodUid[]>;
  /** Creates and starts. Throws ContainerStartError with the reason that kubectl shows (`RunContainerError`, `CreateContainerError`). */
  run(spec: ContainerSpec): Promise<ContainerRecord>;
  /** Limits of the running container, and of its pod, become those of the descriptions. Throws where the kernel cannot (memory below what is in use). */
  resize(id: ContainerId, pod: Stored<Pod>, container: Container): Promise<void>;
  /** Sends `signal` (default SIGTERM or the image's), SIGKILL after `graceMs`; resolves when the container has exited. */
  stop(id: ContainerId, options: { readonly graceMs: number; readonly signal?: string | undefined }): Promise<void>;
  remove(id: ContainerId): Promise<void>;
  list(): Promise<readonly ContainerRecord[]>;
  /** Fires at least once for each exit, also for those while the agent was away (then at start). */
  exits(signal: CancelSignal): AsyncIterable<ContainerRecord>;
  /** Runs to completion with captured output, for probes and hooks. `timeoutMs` kills it. */
  execSync(
    id: ContainerId,
    command: readonly string[],
    timeoutMs: number,
  ): Promise<{ readonly exit: ExitStatus; readonly timedOut: boolean; readonly output: string }>;
  exec(
    id: ContainerId,
    options: { readonly command: readonly string[]; readonly tty: boolean; readonly stdin: boolean },
  ): Promise<RemoteProcess>;
  attach(id: ContainerId, options: { readonly tty: boolean; readonly stdin: boolean }): Promise<RemoteProcess>;
  /** A TCP connection made inside the pod's network namespace to 127.0.0.1:port. */
  connect(podUid: PodUid, port: number): Promise<RemoteConnection>;
  /** CRI-format log files, read and followed across rotation; already filtered and formatted as `kubectl logs` prints. */
  logs(podUid: PodUid, container: string, options: LogOptions, signal: CancelSignal): AsyncIterable<Uint8Array>;
}

export class ContainerStartError extends Error {
  override readonly name = 'ContainerStartError';
  constructor(
    readonly reason: 'RunContainerError' | 'CreateContainerError' | 'CreateContainerConfigError',
    message: string,
  ) {
    super(message);
  }
}

/** An unpacked image on this host. */
export interface ResolvedImage {
  /** `docker.io/library/nginx:1.25` */
  readonly reference: string;
  /** Config digest: `sha256:...`, the status' imageID when there is no repo digest. */
  readonly id: string;
  readonly repoDigest?: string | undefined;
  readonly sizeBytes: number;
  /** Lower directories for overlayfs, top first. */
  readonly layers: readonly string[];
  readonly config: ImageConfig;
}
/** The parts of the OCI image configuration that a container start needs. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  readonly stopSignal?: string | undefined;
  readonly volumes: readonly string[];
}

export interface RegistryCredential {
  readonly username: string;
  readonly password: string;
}

export interface PullProgress {
  readonly layersTotal: number;
  readonly layersDone: number;
  readonly bytesTotal: number;
  readonly bytesDone: number;
}

export interface ImageStore {
  /** The image if all its layers are on this host, without any network. */
  find(reference: string): Promise<ResolvedImage | undefined>;
  /** Control plane's store first, then the registry; concurrent pulls of one layer are one. Throws ImagePullError. */
  pull(
    reference: string,
    credentials: readonly RegistryCredential[],
    onProgress: (progress: PullProgress) => void,
    signal: CancelSignal,
  ): Promise<ResolvedImage>;
  /** For NodeStatus.images. */
  list(): Promise<readonly { readonly names: readonly string[]; readonly sizeBytes: number }[]>;
}

export class ImagePullError extends Error {
  override readonly name = 'ImagePullError';
  constructor(
    /** `ErrImagePull`, `InvalidImageName`, `ErrImageNeverPull`: the waiting reason. */
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** Data that volumes are made of; reads come from the agent's assignment. `binaryData` and a secret's `data` are base64, as in the API. */
export interface VolumeSources {
  configMap(
    namespace: string,
    name: string,
  ): { readonly data: Readonly<Record<string, string>>; readonly binaryData: Readonly<Record<string, string>> } | undefined;
  secret(namespace: string, name: string): { readonly data: Readonly<Record<string, string>> } | undefined;
  /** The volume that the claim is bound to; `undefined` while it is not, or is not known here yet. */
  claimed(namespace: string, claim: string): PersistentVolume | undefined;
  /** A bound service account token for a projected volume. */
  token(
    pod: Stored<Pod>,
    audience: string | undefined,
    expirationSeconds: number,
  ): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
  /** PEM of the cluster CA, for `kube-root-ca.crt`. */
  readonly clusterCa: string;
}

/** Volumes on the host: emptyDir, hostPath, configMap, secret, downwardAPI, projected, and what claims are bound to. */
export interface VolumeStore {
  /** Prepares every volume of the pod and answers host paths by volume name. Idempotent: refreshes changed content atomically (symlink swap), keeps emptyDir. Throws VolumeError for a missing non-optional source. */
  prepare(
    pod: Stored<Pod>,
    sources: VolumeSources,
    facts: { readonly podIp?: string | undefined; readonly hostIp: string },
  ): Promise<ReadonlyMap<Volume['name'], string>>;
  /** Unmounts and deletes all of the pod's volumes (never the content behind hostPath). Idempotent. */
  remove(podUid: PodUid): Promise<void>;
  /** Bytes that a volume of the pod takes on disk; 0 where there is none. For emptyDir's sizeLimit. */
  usedBytes(podUid: PodUid, volume: string): Promise<number>;
  /** Handles of the persistent folders on this host (class `local`), whether mounted or not. */
  folders(): Promise<readonly string[]>;
  /** Deletes a persistent folder and all that is in it. Idempotent. */
  removeFolder(handle: string): Promise<void>;
}

export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

/** Usage read from cgroup files (v1, hybrid, v2). */
export interface UsageReader {
  node(): Promise<{ readonly cpuNanos: number; readonly memoryBytes: number }>;
  /** Cumulative CPU and working set of each running container. */
  containers(): Promise<
    readonly { readonly podUid: PodUid; readonly name: string; readonly cpuNanos: number; readonly memoryBytes: number }[]
  >;
}

/** Network probes, made from the host into the pod's address. Exec probes go through `ContainerRuntime.execSync`. */
export interface Prober {
  http(request: {
    readonly scheme: 'HTTP' | 'HTTPS';
    readonly host: string;
    readonly port: number;
    readonly path: string;
    readonly headers: readonly { readonly name: string; readonly value: string }[];
    readonly timeoutMs: number;
  }): Promise<ProbeOutcome>;
  tcp(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome>;
  /** `grpc.health.v1.Health/Check` of `service` ('' = the server as a whole). */
  grpc(target: {
    readonly host: string;
    readonly port: number;
    readonly service: string;
    readonly timeoutMs: number;
  }): Promise<ProbeOutcome>;
}
/** `output` is the text that the event shows. */
export type ProbeOutcome = { readonly ok: true } | { readonly ok: false; readonly output: string };

/** What the agent tells the gateway. */
export interface StatusSink {
  podStatus(status: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: PodUid;
    readonly status: object;
    readonly released: boolean;
  }): void;
  event(event: {
    readonly pod: Stored<Pod>;
    readonly type: 'Normal' | 'Warning';
    readonly reason: string;
    readonly message: string;
    readonly container?: string | undefined;
  }): void;
}

/** Remembers the last assignment across restarts. */
export interface AssignmentDisk {
  load(): Promise<string | undefined>;
  /** Atomic: the old or the new text is on disk, never half. */
  save(text: string): Promise<void>;
}

export type { ContainerStatus };
