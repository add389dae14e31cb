/** Resident memory of processes, as the kernel counts it. */
import { readFileSync, readdirSync } from 'node:fs';

const KIB_PER_MB = 1024;

/** VmRSS in MiB; 0 for a process that is gone. */
export function residentMb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / KIB_PER_MB;
  } catch {
    return 0;
  }
}

/** As residentMb, but pages that several processes share are divided among them. */
export function proportionalMb(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / KIB_PER_MB;
  } catch {
    return 0;
  }
}

/** Processes whose command line `matches`. */
export function processesWith(matches: (commandLine: readonly string[]) => boolean): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return matches(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'));
      } catch {
        return false;
      }
    });
}
