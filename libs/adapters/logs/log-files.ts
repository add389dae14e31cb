/** Names of a container's log files: `<pod logs>/<container>/<attempt>.log`, older parts `.1`, `.2`, ... */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export function logFile(podLogs: string, container: string, attempt: number): string {
  return join(podLogs, container, `${attempt}.log`);
}

/** Attempts that have a log, newest first. */
export function attemptsWithLogs(podLogs: string, container: string): readonly number[] {
  return filesIn(join(podLogs, container))
    .flatMap((name) => /^(\d+)\.log$/.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => b - a);
}

/** All parts of one attempt's log, oldest first. */
export function logParts(podLogs: string, container: string, attempt: number): readonly string[] {
  const directory = join(podLogs, container);
  const numbers = filesIn(directory).flatMap((name) => new RegExp(`^${attempt}\\.log\\.(\\d+)$`).exec(name)?.[1] ?? []);
  const older = numbers.map(Number).toSorted((a, b) => b - a);
  return [...older.map((number) => join(directory, `${attempt}.log.${number}`)), join(directory, `${attempt}.log`)];
}

export function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
