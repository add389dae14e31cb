/** What the request pipeline needs from outside, in its own words. */
import type { CancelSignal } from '../kit/index.js';
import type { KubeObject, Pod, Stored } from '../api/index.js';

export interface UserInfo {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** A request, freed of HTTP: `path` without query, `query` decoded, header names in lower case. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: ReadonlyMap<string, readonly string[]>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** UTF-8 text (the transport refuses invalid UTF-8 and bodies over the limit). */
  readonly body: string;
  /** Common name and organisations of a verified client certificate. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] } | undefined;
  /** Aborts when the client goes away. */
  readonly signal: CancelSignal;
}

/** The whole text of an answer that is not sent in pieces. */
export type WholeResponse = Extract<ApiResponse, { kind: 'body' | 'list' }>;

/** `stream` bodies are written as they come (watch, logs -f). `upgrade` answers ask the transport to speak WebSocket and hand the channels over. */
export type ApiResponse =
  | { readonly kind: 'body'; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  /** A list of stored texts: `head`, the items' texts with commas between them, `tail`. The items are the cache's own, so a transport may keep their encoded form. */
  | {
      readonly kind: 'list';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly head: string;
      readonly items: readonly { readonly json: string }[];
      readonly tail: string;
    }
  | {
      readonly kind: 'stream';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly chunks: AsyncIterable<string | Uint8Array>;
    }
  | { readonly kind: 'upgrade'; readonly session: RemoteSessionRequest };

/** What a pod subresource asks of the node that runs the pod. Already authorized; container name resolved and checked. */
export type RemoteSessionRequest =
  | {
      readonly verb: 'exec';
      readonly pod: Stored<Pod>;
      readonly container: string;
      readonly command: readonly string[];
      readonly stdin: boolean;
      readonly stdout: boolean;
      readonly stderr: boolean;
      readonly tty: boolean;
    }
  | {
      readonly verb: 'attach';
      readonly pod: Stored<Pod>;
      readonly container: string;
      readonly stdin: boolean;
      readonly stdout: boolean;
      readonly stderr: boolean;
      readonly tty: boolean;
    }
  | { readonly verb: 'portforward'; readonly pod: Stored<Pod> };

export interface LogOptions {
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly sinceSeconds?: number | undefined;
  readonly sinceTime?: string | undefined;
  readonly tailLines?: number | undefined;
  readonly limitBytes?: number | undefined;
}

/** How a process ended, or why it could not start. */
export type ExitStatus = { readonly kind: 'exited'; readonly code: number } | { readonly kind: 'failed'; readonly message: string };

/** A running exec or attach session. */
export interface RemoteProcess extends AsyncDisposable {
  writeStdin(data: Uint8Array): Promise<void>;
  closeStdin(): void;
  resize(columns: number, rows: number): void;
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }>;
  readonly exit: Promise<ExitStatus>;
}

/** One forwarded TCP connection into the pod's network namespace. */
export interface RemoteConnection extends AsyncDisposable {
  write(data: Uint8Array): Promise<void>;
  end(): void;
  readonly input: AsyncIterable<Uint8Array>;
}

/** Reaches into pods through the agent of their node. Implemented by libs/gateway. Throws StatusError (ServiceUnavailable when the node is away). */
export interface NodeStreams {
  logs(pod: Stored<Pod>, options: LogOptions, signal: CancelSignal): AsyncIterable<Uint8Array>;
  exec(request: Extract<RemoteSessionRequest, { verb: 'exec' }>, signal: CancelSignal): Promise<RemoteProcess>;
  attach(request: Extract<RemoteSessionRequest, { verb: 'attach' }>, signal: CancelSignal): Promise<RemoteProcess>;
  /** Opens one connection to a TCP port of the pod. */
  connect(pod: Stored<Pod>, port: number, signal: CancelSignal): Promise<RemoteConnection>;
}

/** An HTTP request to a port of a pod, and its answer as it comes. Throws StatusError ServiceUnavailable where nothing answers. */
export type PodHttp = (
  pod: Stored<Pod>,
  port: number,
  request: {
    readonly method: string;
    /** With query. */
    readonly path: string;
    readonly headers: Readonly<Record<string, string | undefined>>;
    readonly body: string;
  },
  signal: CancelSignal,
) => Promise<{ readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly chunks: AsyncIterable<Uint8Array> }>;

/** Newest usage per node and pod, kept in memory by libs/gateway: the source of `metrics.k8s.io` and of the autoscaler. */
export interface ContainerUsage {
  readonly name: string;
  readonly cpuCores: number;
  readonly memoryBytes: number;
}
export interface PodUsage {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** When the window ended, ms since the epoch. */
  readonly at: number;
  readonly windowMs: number;
  readonly containers: readonly ContainerUsage[];
}
export interface NodeUsage {
  readonly name: string;
  readonly at: number;
  readonly windowMs: number;
  readonly cpuCores: number;
  readonly memoryBytes: number;
}
export interface UsageSource {
  nodes(): readonly NodeUsage[];
  pods(namespace?: string): readonly PodUsage[];
}

/** Signs and checks service account tokens (JWT). Implemented by libs/adapters/x509 with jose. */
export interface TokenSigner {
  issue(claims: {
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly serviceAccountUid: string;
    readonly pod?: { readonly name: string; readonly uid: string };
    readonly audiences: readonly string[];
    readonly expiresInSeconds: number;
  }): Promise<{ readonly token: string; readonly expiresAt: number }>;
  /** `undefined` where the token is not ours, expired or for other audiences. */
  verify(
    token: string,
    audiences?: readonly string[],
  ): Promise<{ readonly user: UserInfo; readonly audiences: readonly string[] } | undefined>;
}

/** Passwords of the house: static bearer tokens (admin, bootstrap) to users. */
export interface StaticTokens {
  find(token: string): UserInfo | undefined;
}

/** One component's health, for `/readyz?verbose`, `/livez`, `/healthz`. */
export interface HealthCheck {
  readonly name: string;
  /** `undefined` = healthy, otherwise the reason. */
  check(): Promise<string | undefined>;
  /** False: shown by `/readyz?verbose` as a warning but does not fail readiness (Redis). */
  readonly critical: boolean;
}

/** An admission step: may change the object (mutating) or refuse it by throwing StatusError. Order is a table in libs/apiserver/admission. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
  readonly subresource: string | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
}
