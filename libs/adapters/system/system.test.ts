import { expect, test } from '@jest/globals';
import { SystemClock, SystemIds, createLogger } from './index.js';

test('a log line is one JSON object with constant message and fields', () => {
  const lines: string[] = [];
  const log = createLogger({ format: 'json', stream: { write: (text) => lines.push(text) }, now: () => 0, fields: { part: 'api' } });
  log.debug('hidden');
  log.child({ node: 'n1' }).error('pull failed', { error: new Error('no such host'), bytes: 3n });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      time: '1970-01-01T00:00:00.000Z',
      level: 'error',
      message: 'pull failed',
      part: 'api',
      node: 'n1',
      error: 'Error: no such host',
      bytes: '3',
    },
  ]);
});

test('readable lines quote values with spaces', () => {
  const lines: string[] = [];
  createLogger({ format: 'human', stream: { write: (text) => lines.push(text) }, now: () => 0 }).info('ready', { url: 'x y', n: 1 });
  expect(lines).toEqual(['00:00:00.000 info  ready url="x y" n=1\n']);
});

test('a cancelled sleep resolves and leaves no timer', async () => {
  const cancel = new AbortController();
  const sleep = new SystemClock().sleep(60_000, cancel.signal);
  cancel.abort();
  await sleep;
});

test('name suffixes have the alphabet of generated names', () => {
  expect(new SystemIds().suffix(200)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{200}$/);
});
