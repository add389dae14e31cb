/** File operations whose "not there" is an answer rather than an error. */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';

/** The text of a file; `undefined` where it cannot be read. */
export function readTextSync(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Last modification in ms since the epoch; `undefined` where there is no such file. */
export function modifiedAtMs(path: string): number | undefined {
  try {
    return Math.trunc(statSync(path).mtimeMs);
  } catch {
    return undefined;
  }
}

/** Readers see the old or the new text, never half of it. Survives a crash of this process, not of the machine. */
export function replaceFileSync(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode });
  renameSync(temporary, path);
}

export async function replaceFile(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.new`;
  await writeFile(temporary, text, { mode, flush: true });
  await rename(temporary, path);
}

/** The `code` of a Node system error (`ENOENT`), else `undefined`. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
