/** Keeps log files bounded: renames a full one and lets conmon open a new one. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { fileSize } from './log-files.js';

/** Kubernetes' defaults: containerLogMaxSize 10Mi, containerLogMaxFiles 5. */
export const LOG_BYTES_MAX = 10 * 1024 * 1024;
export const LOG_FILES_MAX = 5;

/** Rotates if the file is full. `reopen` must make the writer open `path` anew. Answers whether it rotated. */
export async function rotateIfFull(path: string, reopen: () => Promise<void>, bytesMax = LOG_BYTES_MAX): Promise<boolean> {
  if (fileSize(path) < bytesMax) return false;
  rmSync(`${path}.${LOG_FILES_MAX - 1}`, { force: true });
  for (let number = LOG_FILES_MAX - 2; number >= 1; number--) {
    if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
  }
  renameSync(path, `${path}.1`);
  await reopen();
  return true;
}
