/** The part of the OCI runtime specification (config.json, 1.0.2) that Berth writes. */

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface OciDevice {
  readonly path: string;
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface OciUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

export interface OciCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
}

export interface OciNamespace {
  readonly type: 'pid' | 'network' | 'ipc' | 'uts' | 'mount' | 'cgroup';
  readonly path?: string | undefined;
}

export interface OciSyscallRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number | undefined;
  readonly args?: readonly { readonly index: number; readonly value: number; readonly valueTwo?: number; readonly op: string }[];
}

export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number | undefined;
  readonly architectures?: readonly string[];
  readonly syscalls: readonly OciSyscallRule[];
}

export interface OciConfig {
  readonly ociVersion: '1.0.2';
  readonly hostname?: string | undefined;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly process: {
    readonly terminal: boolean;
    readonly user: OciUser;
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly cwd: string;
    readonly capabilities: OciCapabilities;
    readonly noNewPrivileges: boolean;
    readonly oomScoreAdj?: number | undefined;
  };
  readonly mounts: readonly OciMount[];
  readonly linux: {
    readonly namespaces: readonly OciNamespace[];
    readonly devices: readonly OciDevice[];
    readonly cgroupsPath: string;
    readonly resources: {
      readonly devices: readonly { readonly allow: boolean; readonly access: string }[];
      readonly cpu: { readonly shares?: number | undefined; readonly quota?: number | undefined; readonly period?: number | undefined };
      readonly memory: { readonly limit?: number | undefined; readonly swap?: number | undefined };
    };
    readonly maskedPaths: readonly string[];
    readonly readonlyPaths: readonly string[];
    readonly rootfsPropagation?: string | undefined;
    readonly seccomp?: OciSeccomp | undefined;
  };
}
