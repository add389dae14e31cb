/**
 * Binds one path inside a volume for a container, so that no symlink that a container planted leads out of the volume.
 * The path is walked by directory handles (`/proc/self/fd/N/name`, never following links), and the handle is what gets mounted:
 * a swap of a component between the check and the mount changes nothing.
 */
import { constants, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, open, realpath, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join, normalize, relative } from 'node:path';
import { errorCode } from '../process/files.js';
import { runCommand } from '../process/run-command.js';

/** O_PATH: a handle on the name, without opening what it names (devices, sockets, files without permission). */
const O_PATH = 0x20_0000;
const WALK_FLAGS = constants.O_DIRECTORY | constants.O_NOFOLLOW;

export class SubPathError extends Error {
  override readonly name = 'SubPathError';
}

/**
 * Makes `target` show `<volume>/<subPath>` and answers `target`. A missing path becomes a directory, as in Kubernetes.
 * Throws SubPathError where the path would leave the volume.
 */
export async function bindSubPath(volume: string, subPath: string, target: string): Promise<string> {
  const wanted = normalize(subPath);
  if (wanted.startsWith('/') || wanted === '..' || wanted.startsWith('../')) {
    throw new SubPathError(`failed to create subPath directory for volumeMount: subPath "${subPath}" must not leave the volume`);
  }
  const root = await realpath(volume);
  const inside = await resolveInside(root, wanted);
  await using handle = await walk(
    root,
    inside.split('/').filter((part) => part !== '' && part !== '.'),
  );
  const source = `/proc/${process.pid}/fd/${handle.fd}`;
  if ((await stat(source)).isDirectory()) mkdirSync(target, { recursive: true });
  else writeFileSync(target, '');
  await runCommand('mount', ['-n', '-c', '--bind', source, target]);
  return target;
}

/** Resolves the links that stay inside the volume, and makes what is missing. The result is checked again by the walk. */
async function resolveInside(root: string, subPath: string): Promise<string> {
  let existing = join(root, subPath);
  const missing: string[] = [];
  for (;;) {
    const real = await realpathOf(existing);
    if (real !== undefined) {
      if (real !== root && !real.startsWith(`${root}/`)) {
        throw new SubPathError(`failed to prepare subPath for volumeMount: ${subPath} resolves to a path outside of the volume`);
      }
      return join(relative(root, real), ...missing.toReversed());
    }
    missing.push(existing.slice(existing.lastIndexOf('/') + 1));
    existing = existing.slice(0, existing.lastIndexOf('/'));
  }
}

async function realpathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function walk(root: string, parts: readonly string[]): Promise<FileHandle> {
  let handle = await open(root, WALK_FLAGS);
  for (const [index, part] of parts.entries()) {
    const parent = handle;
    try {
      handle = await step(parent, part, index === parts.length - 1);
    } catch (error) {
      throw new SubPathError(`subPath component ${part}: ${errorCode(error) ?? String(error)}`);
    } finally {
      await parent.close();
    }
  }
  return handle;
}

async function step(parent: FileHandle, name: string, isLast: boolean): Promise<FileHandle> {
  const path = `/proc/self/fd/${parent.fd}/${name}`;
  try {
    return await openStep(path, isLast);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    await mkdir(path, 0o750);
    return openStep(path, isLast);
  }
}

async function openStep(path: string, isLast: boolean): Promise<FileHandle> {
  if (!isLast) return open(path, WALK_FLAGS);
  const handle = await open(path, O_PATH | constants.O_NOFOLLOW);
  if ((await handle.stat()).isSymbolicLink()) {
    await handle.close();
    throw new SubPathError('is a symbolic link now');
  }
  return handle;
}
