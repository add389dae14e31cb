/** Reads the mount table and unmounts; mounting itself is `runCommand('mount', ...)` at the caller. */
import { readFileSync } from 'node:fs';
import { tryCommand } from './run-command.js';

/** Mount points at or below `directory`, deepest (and newest) first, as they must be unmounted. */
export function mountsBelow(directory: string): readonly string[] {
  const points: string[] = [];
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const point = unescapeMountPath(line.split(' ')[4] ?? '');
    if (point === directory || point.startsWith(`${directory}/`)) points.push(point);
  }
  return points.toReversed();
}

/** Unmounts everything at or below `directory`. Idempotent. Throws where a mount stays. */
export async function unmountBelow(directory: string): Promise<void> {
  const points = mountsBelow(directory);
  if (points.length === 0) return;
  // Lazy: a process that still looks at the mount must not keep the pod from being removed.
  const result = await tryCommand('umount', ['-l', '-n', ...points]);
  const left = mountsBelow(directory);
  if (left.length > 0) throw new Error(`cannot unmount ${left.join(', ')}: ${result.stderr.trim()}`);
}

/** The kernel writes space, tab, newline and backslash in octal. */
function unescapeMountPath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
