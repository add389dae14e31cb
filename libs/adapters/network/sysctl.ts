/** Kernel settings of the current network namespace (`/proc/sys/net` shows that of the reading process). */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

/** Writes only what differs: on real hosts `/proc/sys` may be read-only while the value is already right. */
export async function setSysctl(key: string, value: string, where: 'everywhere' | 'where-present' = 'everywhere'): Promise<void> {
  const path = `/proc/sys/${key}`;
  if (where === 'where-present' && !existsSync(path)) return;
  const present = await readFile(path, 'utf8');
  if (present.trim() !== value) await writeFile(path, value);
}
