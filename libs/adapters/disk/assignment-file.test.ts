import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AssignmentFile } from './assignment-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync('/tmp/berth-disk-');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the assignment on disk', () => {
  test('is absent before the first save', async () => {
    expect(await new AssignmentFile(join(folder, 'assignment.json')).load()).toBeUndefined();
  });

  test('is found by the next agent, and read by root only', async () => {
    const path = join(folder, 'state', 'assignment.json');
    await new AssignmentFile(path).save('{"version":1}');
    expect(await new AssignmentFile(path).load()).toBe('{"version":1}');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('is the last of many saves at once', async () => {
    const file = new AssignmentFile(join(folder, 'assignment.json'));
    await Promise.all(Array.from({ length: 50 }, (_, index) => file.save(String(index))));
    expect(await file.load()).toBe('49');
    await file.save('again');
    expect(await file.load()).toBe('again');
  });
});
