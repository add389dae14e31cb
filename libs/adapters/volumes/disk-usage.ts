/** What a folder takes on disk, as `du` counts: blocks, each file once. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK_BYTES = 512;

/** Files that vanish while they are counted count as nothing. */
export async function diskUsage(root: string): Promise<number> {
  const seen = new Set<number>();
  let bytes = 0;
  const pending = [root];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stat = await lstat(path).catch(() => undefined);
    if (stat === undefined || seen.has(stat.ino)) continue;
    seen.add(stat.ino);
    bytes += stat.blocks * BLOCK_BYTES;
    if (!stat.isDirectory()) continue;
    for (const name of await readdir(path).catch(() => [])) pending.push(join(path, name));
  }
  return bytes;
}
