/** Ends a container: its stop signal, the grace period, then SIGKILL for everything in its cgroup. */
import { constants } from 'node:os';
import type { ContainerId } from '../../agent/index.js';
import type { CgroupTree } from '../cgroups/cgroup-tree.js';
import { isAlive, signalProcess } from '../process/process-identity.js';
import type { ContainerTable } from './container-table.js';

export interface StopInput {
  readonly id: ContainerId;
  readonly table: ContainerTable;
  readonly cgroups: CgroupTree;
  readonly graceMs: number;
  readonly signal?: string | undefined;
}

/** How often the kill is repeated while the exit is not known: a fork bomb makes processes between the look and the kill. */
const KILL_AGAIN_MS = 100;

/** Resolves once the exit is recorded. Unknown and ended containers are no error. May be called again while it runs, with a shorter grace. */
export async function stopContainer(input: StopInput): Promise<void> {
  const { id, table, cgroups, graceMs } = input;
  const record = table.find(id);
  if (record === undefined || record.exit !== undefined) return;
  const ended = table.ended(id);
  if (graceMs > 0 && record.init !== undefined && isAlive(record.init)) {
    signalProcess(record.init.pid, signalNumber(input.signal ?? record.stopSignal));
    if (await isDoneWithin(ended, graceMs)) return;
  }
  for (;;) {
    cgroups.kill(record.cgroupPath);
    if (record.init !== undefined && isAlive(record.init)) signalProcess(record.init.pid, 'SIGKILL');
    await table.settle(id);
    if (await isDoneWithin(ended, KILL_AGAIN_MS)) return;
  }
}

async function isDoneWithin(done: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const isDone = await Promise.race([done.then(() => true as const), late]);
  clearTimeout(timer);
  return isDone;
}

/** `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`: as images and pods write them. Unknown names stop politely. */
export function signalNumber(name: string): number {
  const word = name.toUpperCase().replace(/^SIG/, '');
  if (/^\d+$/.test(word)) return Number(word);
  const realTime = /^RTMIN(?:\+(\d+))?$/.exec(word);
  if (realTime !== null) return REAL_TIME_SIGNAL_MIN + Number(realTime[1] ?? 0);
  const known = Object.entries(constants.signals).find(([key]) => key === `SIG${word}`);
  return known?.[1] ?? constants.signals.SIGTERM;
}

/** SIGRTMIN as programs see it: the C library keeps the first two for itself. */
const REAL_TIME_SIGNAL_MIN = 34;
