/** Tells a process from a later one with the same pid: pid plus start time (field 22 of /proc/<pid>/stat, in clock ticks). */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot; a text because it is only ever compared. */
  readonly startTicks: string;
}

/** The identity of the running process `pid`; `undefined` where there is none, or it is a zombie. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = fields[19];
  if (startTicks === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTicks };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startTicks === identity.startTicks;
}

/** Sends a signal; false where the process is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The process and all its descendants, parents first. */
export function processTree(root: number): readonly number[] {
  const found = [root];
  for (let i = 0; i < found.length; i++) {
    for (const child of childrenOf(found[i] ?? root)) if (!found.includes(child)) found.push(child);
  }
  return found;
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
