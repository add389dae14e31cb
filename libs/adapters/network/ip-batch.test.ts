import { expect, test } from '@jest/globals';
import { CommandError } from '../commands/index.js';
import type { RunCommand } from '../commands/index.js';
import { IpBatch } from './ip-batch.js';

/** Does what `ip -batch` does: stops at the first line that says `bad`, and names it. */
function anIp() {
  const runs: string[][] = [];
  const done: string[] = [];
  const run: RunCommand = async (argv, options) => {
    await Promise.resolve();
    const lines = (options?.input ?? '').trim().split('\n');
    runs.push(lines);
    const bad = lines.findIndex((line) => line.startsWith('bad'));
    done.push(...(bad < 0 ? lines : lines.slice(0, bad)));
    if (bad >= 0) throw new CommandError(argv, 1, `RTNETLINK answers: File exists\nCommand failed -:${bad + 1}\n`);
    return '';
  };
  return { batch: new IpBatch(run), runs, done };
}

test('callers that come while a process runs share the next one', async () => {
  const { batch, runs } = anIp();
  await Promise.all([batch.submit(['a1', 'a2']), batch.submit(['b1']), batch.submit(['c1', 'c2'])]);
  expect(runs).toEqual([
    ['a1', 'a2'],
    ['b1', 'c1', 'c2'],
  ]);
});

test('a failing line reaches its own caller, and the others still run', async () => {
  const { batch, done } = anIp();
  const results = await Promise.allSettled(
    [['first'], ['a1', 'a2'], ['b1', 'bad', 'b3'], ['c1'], ['bad'], ['e1']].map((lines) => batch.submit(lines)),
  );
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
  expect(done).toEqual(['first', 'a1', 'a2', 'b1', 'c1', 'e1']);
});
