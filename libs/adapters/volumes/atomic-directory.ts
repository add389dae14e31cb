/**
 * Writes the files of a volume so that a reader sees all of the old or all of the new ones, with the layout Kubernetes uses:
 * `key -> ..data/key`, `..data -> ..2026_11_22_...`, the files in that folder. Swapping `..data` is the change.
 */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../process/files.js';
import type { Payload, PayloadFile } from './payload.js';

const DATA = '..data';

export interface AtomicDirectoryOptions {
  readonly directory: string;
  readonly payload: Payload;
  readonly fsGroup?: number | undefined;
  /** Names the folder of this version. */
  readonly nowMs: number;
}

/** Answers whether anything changed. The directory must exist. */
export function writeAtomically(options: AtomicDirectoryOptions): boolean {
  const { directory, payload } = options;
  const current = currentVersion(directory);
  if (current !== undefined && isSame(join(directory, current), options)) return false;
  const version = mkdtempSync(join(directory, `..${timestamp(options.nowMs)}.`));
  setAccess(version, 0o755, options, true);
  for (const [path, file] of payload) writeOne(version, path, file, options);
  linkTo(directory, DATA, version.slice(directory.length + 1));
  const names = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  for (const name of names) linkTo(directory, name, `${DATA}/${name}`);
  for (const name of readdirSync(directory)) {
    const isStale = name.startsWith('..') ? name !== DATA && join(directory, name) !== version : !names.has(name);
    if (isStale) rmSync(join(directory, name), { recursive: true, force: true });
  }
  return true;
}

function writeOne(version: string, path: string, file: PayloadFile, options: AtomicDirectoryOptions): void {
  const target = join(version, path);
  for (const parent of parentsOf(path)) {
    mkdirSync(join(version, parent), { recursive: true });
    setAccess(join(version, parent), 0o755, options, true);
  }
  writeFileSync(target, file.content);
  setAccess(target, file.mode, options, false);
}

/** With an fsGroup, the group may read whatever the mode says, and enter folders. */
function setAccess(path: string, mode: number, options: AtomicDirectoryOptions, isDirectory: boolean): void {
  if (options.fsGroup !== undefined) chownSync(path, 0, options.fsGroup);
  // After chown, which clears the set-group-id bit.
  chmodSync(path, grantedMode(mode, options, isDirectory));
}

function grantedMode(mode: number, options: AtomicDirectoryOptions, isDirectory: boolean): number {
  if (options.fsGroup === undefined) return mode;
  return mode | (isDirectory ? 0o2550 : 0o440);
}

function parentsOf(path: string): readonly string[] {
  const parents: string[] = [];
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) parents.unshift(parent);
  return parents;
}

/** Replaces a link in one step. */
function linkTo(directory: string, name: string, target: string): void {
  const path = join(directory, name);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(path) === target) return;
  const temporary = join(directory, `..link_tmp`);
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

function currentVersion(directory: string): string | undefined {
  try {
    return readlinkSync(join(directory, DATA));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isSame(version: string, options: AtomicDirectoryOptions): boolean {
  const { payload } = options;
  const present = filesBelow(version, '');
  if (present === undefined || present.length !== payload.size) return false;
  return present.every((path) => {
    const wanted = payload.get(path);
    if (wanted === undefined) return false;
    const stat = statSync(join(version, path));
    const isMode = (stat.mode & 0o7777) === grantedMode(wanted.mode, options, false);
    return isMode && stat.size === wanted.content.length && readFileSync(join(version, path)).equals(wanted.content);
  });
}

function filesBelow(root: string, prefix: string): readonly string[] | undefined {
  try {
    return readdirSync(join(root, prefix), { withFileTypes: true }).flatMap((entry) => {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      return entry.isDirectory() ? (filesBelow(root, path) ?? []) : [path];
    });
  } catch {
    return undefined;
  }
}

/** `2026_11_22_08_00_00` */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '_');
}
