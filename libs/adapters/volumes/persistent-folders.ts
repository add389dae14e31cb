/** Folders that outlive their pods: the volumes of class `local`, one folder each below one root. */
import { chmodSync, chownSync, existsSync, lchownSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VolumeError } from '../../agent/index.js';

export class PersistentFolders {
  constructor(private readonly root: string) {}

  /** Made where it is missing, kept as it is where it is not; answers its path. With `fsGroup` the group can read and write everything in it. */
  prepare(handle: string, fsGroup: number | undefined): string {
    const path = this.#path(handle);
    if (!existsSync(path)) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o777);
    }
    if (fsGroup !== undefined && statSync(path).gid !== fsGroup) giveToGroup(path, fsGroup);
    return path;
  }

  async list(): Promise<readonly string[]> {
    return existsSync(this.root) ? (await readdir(this.root)).toSorted() : [];
  }

  async remove(handle: string): Promise<void> {
    await rm(this.#path(handle), { recursive: true, force: true });
  }

  #path(handle: string): string {
    if (handle === '' || handle === '.' || handle === '..' || handle.includes('/'))
      throw new VolumeError(`not a volume handle: "${handle}"`);
    return join(this.root, handle);
  }
}

/** Kubernetes docs, "Configure volume permission and ownership change policy": once, as the root shows whether it was done. */
function giveToGroup(path: string, gid: number): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) {
    lchownSync(path, stat.uid, gid);
    return;
  }
  if (stat.isDirectory()) for (const name of readdirSync(path)) giveToGroup(join(path, name), gid);
  chownSync(path, stat.uid, gid);
  chmodSync(path, (stat.mode & 0o7777) | (stat.isDirectory() ? 0o2770 : 0o660));
}
