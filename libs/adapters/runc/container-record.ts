/** What is remembered of a container on disk. Written before it is created, after it started, and when its exit has been seen. */
import { readdirSync } from 'node:fs';
import type { ContainerId, ContainerRecord, PodUid } from '../../agent/index.js';
import { readTextSync, replaceFileSync } from '../process/files.js';
import type { ProcessIdentity } from '../process/process-identity.js';
import type { ContainerPaths, RuntimePaths } from './paths.js';

export interface StoredContainer {
  readonly id: ContainerId;
  readonly podUid: PodUid;
  readonly name: string;
  readonly attempt: number;
  readonly imageId: string;
  readonly imageRef: string;
  readonly specHash: string;
  readonly cgroupPath: string;
  readonly logPath: string;
  readonly stopSignal: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly terminationMessagePolicy: 'File' | 'FallbackToLogsOnError';
  /** Init and monitor, known once created. */
  readonly init?: ProcessIdentity | undefined;
  readonly monitor?: ProcessIdentity | undefined;
  readonly startedAtMs?: number | undefined;
  readonly exit?: StoredExit | undefined;
}

export interface StoredExit {
  readonly code: number;
  readonly finishedAtMs: number;
  readonly oomKilled: boolean;
  readonly terminationMessage: string;
}

export function writeRecord(paths: ContainerPaths, record: StoredContainer): void {
  replaceFileSync(paths.record, JSON.stringify(record));
}

/** Records of all container folders; folders without a readable record are named in `broken`. */
export function readRecords(paths: RuntimePaths): {
  readonly records: readonly StoredContainer[];
  readonly broken: readonly ContainerId[];
} {
  const records: StoredContainer[] = [];
  const broken: ContainerId[] = [];
  for (const id of containerFolders(paths)) {
    const record = decodeRecord(readTextSync(paths.container(id).record));
    if (record === undefined) broken.push(id);
    else records.push(record);
  }
  return { records, broken };
}

/** Ids of all container folders, with or without a record. */
export function containerFolders(paths: RuntimePaths): readonly ContainerId[] {
  try {
    return readdirSync(paths.containers);
  } catch {
    return [];
  }
}

function decodeRecord(text: string | undefined): StoredContainer | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as StoredContainer;
  } catch {
    return undefined;
  }
}

/** The record in the agent's words. */
export function toContainerRecord(record: StoredContainer, state: ContainerRecord['state']): ContainerRecord {
  return {
    id: record.id,
    podUid: record.podUid,
    name: record.name,
    attempt: record.attempt,
    state,
    pid: state === 'exited' ? undefined : record.init?.pid,
    startedAtMs: record.startedAtMs,
    finishedAtMs: record.exit?.finishedAtMs,
    exitCode: record.exit?.code,
    oomKilled: record.exit?.oomKilled,
    imageId: record.imageId,
    imageRef: record.imageRef,
    specHash: record.specHash,
    terminationMessage: record.exit?.terminationMessage,
  };
}
