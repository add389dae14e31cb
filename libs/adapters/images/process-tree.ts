/** The processes below a process, read from /proc, so that a cancelled build leaves none of them. */
import { readFile, readdir } from 'node:fs/promises';

export interface ProcessMark {
  readonly pid: number;
  /** Start time in ticks: tells a reused id. */
  readonly started: string;
}

/** `root` and everything that it started, directly or not. */
export async function processTree(root: number): Promise<readonly ProcessMark[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = (await Promise.all(pids.map(readProcess))).filter((found) => found !== undefined);
  const tree = all.filter((found) => found.pid === root);
  for (let at = 0; at < tree.length; at += 1) tree.push(...all.filter((found) => found.parent === tree[at]?.pid));
  return tree.map(({ pid, started }) => ({ pid, started }));
}

/** Sends `signal` to those that are still the same processes. */
export async function signalAll(processes: readonly ProcessMark[], signal: NodeJS.Signals): Promise<void> {
  for (const { pid, started } of processes) {
    if ((await readProcess(pid))?.started !== started) continue;
    try {
      process.kill(pid, signal);
    } catch {
      // It ended in between.
    }
  }
}

async function readProcess(pid: number): Promise<(ProcessMark & { readonly parent: number }) | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The name in field 2 may hold spaces and brackets; what follows its last bracket are fields 3 and on.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), started: fields[19] ?? '' };
}
