import { afterEach, describe, expect, test } from '@jest/globals';
import { CommandShells } from './command-shells.js';
import { CommandError } from './run-command.js';

describe('commands through long-lived shells', () => {
  const shells = new CommandShells(2);
  afterEach(() => shells[Symbol.dispose]());

  test('answer what they print, whatever their words hold', async () => {
    const words = ["it's", '$HOME `id` "x" \\', 'two\nlines', '', '*', 'END'];
    expect(await shells.run(['printf', '%s|', ...words])).toBe(`${words.join('|')}|`);
  });

  test('read their input, and nothing of the script', async () => {
    expect(await shells.run(['cat'], { input: "$(id) 'x'\nEND\n" })).toBe("$(id) 'x'\nEND\n");
    expect(await shells.run(['cat'])).toBe('');
  });

  test('see what is added to the environment', async () => {
    expect(await shells.run(['sh', '-c', 'printf %s "$GREETING"'], { env: { GREETING: "good 'day" } })).toBe("good 'day");
  });

  test('fail with their status and their own words', async () => {
    const failure = await shells.run(['sh', '-c', 'echo out; echo sorry >&2; exit 3']).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandError);
    expect(failure).toMatchObject({ code: 3, stderr: 'sorry\n', stdout: 'out\n' });
    await expect(shells.run(['no-such-command'])).rejects.toMatchObject({ code: 127 });
  });

  test('that take too long are ended, and others go on', async () => {
    await expect(shells.run(['sleep', '30'], { timeoutMs: 50 })).rejects.toBeInstanceOf(CommandError);
    expect(await shells.run(['echo', 'still here'])).toBe('still here\n');
  });

  test('wait for a free shell and keep their outputs apart', async () => {
    const numbers = Array.from({ length: 20 }, (_, index) => String(index));
    expect(await Promise.all(numbers.map((number) => shells.run(['echo', number])))).toEqual(numbers.map((number) => `${number}\n`));
  });
});
