import { expect, test } from '@jest/globals';
import { LatestOnly } from './latest.js';

test('states that a newer one overtakes while waiting are skipped, and their callers wait for the newer one', async () => {
  const applied: number[] = [];
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const queue = new LatestOnly<number>(async (state) => {
    if (state === 1) await gate;
    applied.push(state);
  });
  const first = queue.submit(1);
  await Promise.resolve().then(() => undefined);
  const waiting = [2, 3, 4].map((state) => queue.submit(state).then(() => applied.at(-1)));
  open();
  await first;
  expect(await Promise.all(waiting)).toEqual([4, 4, 4]);
  expect(applied).toEqual([1, 4]);
});

test('a failure reaches its callers and does not stop later states', async () => {
  const queue = new LatestOnly<string>((state) => (state === 'bad' ? Promise.reject(new Error('refused')) : Promise.resolve()));
  await expect(queue.submit('bad')).rejects.toThrow('refused');
  await expect(queue.submit('good')).resolves.toBeUndefined();
});
