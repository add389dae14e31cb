/** The absolute path of a host program, for those that insist on one (conmon wants its runtime so). */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where Debian puts system programs, which the PATH of a user may lack. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Throws where it is not installed. */
export function findProgram(name: string): string {
  const directories = [...(process.env['PATH'] ?? '').split(':'), ...SYSTEM_DIRECTORIES];
  const found = directories.map((directory) => join(directory, name)).find(isExecutable);
  if (found === undefined) throw new Error(`${name}: not installed on this host (looked in ${directories.join(':')})`);
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
