/** Locks between processes of one machine: a file that names its owner. A dead owner's lock is taken over. */
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/** Runs `work` while holding the lock at `path`. Waits for a living owner as long as `signal` allows. */
export async function withFileLock<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, await ownIdentity());
  try {
    while (!(await tryTake(mine, path))) await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    await rm(mine, { force: true });
    throw error;
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
    await rm(mine, { force: true });
  }
}

/** A hard link is made by one process only, and the lock has its content from the first instant. */
async function tryTake(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (!isExists(error)) throw error;
  }
  const owner = await readFile(path, 'utf8').catch(() => undefined);
  if (owner === undefined || (await isAlive(owner))) return false;
  // Moved away first, so that of two who see a dead owner only one removes the lock; a fresh lock of a third is put back.
  const stale = `${mine}.stale`;
  await rename(path, stale).catch(() => undefined);
  const moved = await readFile(stale, 'utf8').catch(() => undefined);
  if (moved !== undefined && moved !== owner) await link(stale, path).catch(() => undefined);
  await rm(stale, { force: true });
  return false;
}

/** Process id and its start time: an id alone is reused. */
async function ownIdentity(): Promise<string> {
  return `${process.pid} ${(await startTime(process.pid)) ?? ''}`;
}

async function isAlive(identity: string): Promise<boolean> {
  const [pid = '', started = ''] = identity.split(' ');
  return (await startTime(Number(pid))) === started && started !== '';
}

/** Field 22 of /proc/<pid>/stat; the name in field 2 may hold spaces and brackets. */
async function startTime(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

function isExists(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST';
}
