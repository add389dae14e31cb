/** hostPath volumes: the checks that their `type` asks for. */
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { VolumeError } from '../../agent/index.js';
import type { HostPathVolumeSource } from '../../api/index.js';

interface TypeCheck {
  readonly noun: string;
  readonly accepts: (stat: Stats) => boolean;
  readonly create?: (path: string) => void;
}

/** Kubernetes docs, "hostPath volume types". */
const CHECKS: Readonly<Record<string, TypeCheck>> = {
  DirectoryOrCreate: { noun: 'directory', accepts: (stat) => stat.isDirectory(), create: makeDirectory },
  Directory: { noun: 'directory', accepts: (stat) => stat.isDirectory() },
  FileOrCreate: { noun: 'file', accepts: (stat) => stat.isFile(), create: makeFile },
  File: { noun: 'file', accepts: (stat) => stat.isFile() },
  Socket: { noun: 'socket file', accepts: (stat) => stat.isSocket() },
  CharDevice: { noun: 'character device', accepts: (stat) => stat.isCharacterDevice() },
  BlockDevice: { noun: 'block device', accepts: (stat) => stat.isBlockDevice() },
};

/** Answers the path. Throws VolumeError where it is not what the type says. Without a type a missing path becomes a directory. */
export function prepareHostPath(source: HostPathVolumeSource): string {
  const { path } = source;
  const check = CHECKS[source.type ?? ''];
  const stat = statSync(path, { throwIfNoEntry: false });
  if (check === undefined) {
    if (stat === undefined) makeDirectory(path);
    return path;
  }
  if (stat === undefined && check.create !== undefined) check.create(path);
  else if (stat === undefined || !check.accepts(stat)) throw new VolumeError(`hostPath type check failed: ${path} is not a ${check.noun}`);
  return path;
}

function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
}

function makeFile(path: string): void {
  writeFileSync(path, '', { flag: 'a' });
  chmodSync(path, 0o644);
}
