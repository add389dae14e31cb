/** Mounts below a folder, found in the kernel's own table. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ROUNDS_MAX = 5;

/** Unmounts everything at or below `folder`, deepest first; mounts that are busy are detached lazily. */
export function unmountBelow(folder: string): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const targets = mountsBelow(folder);
    if (targets.length === 0) return;
    for (const target of [...targets].reverse()) spawnSync('umount', round === 0 ? [target] : ['--lazy', target], { stdio: 'ignore' });
  }
}

/** In mount order; stacked mounts appear as often as they are stacked. */
export function mountsBelow(folder: string): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => decodeOctal(line.split(' ')[4] ?? ''))
    .filter((target) => target === folder || target.startsWith(`${folder}/`));
}

/** The kernel writes blanks and backslashes as octal escapes. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
