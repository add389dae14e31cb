import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LogOptions } from '../../apiserver/index.js';
import { CancelSource, neverCancelled } from '../../kit/index.js';
import { fileSize } from './log-files.js';
import { readLogs } from './read-logs.js';
import { rotateIfFull } from './rotate-logs.js';

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync('/tmp/berth-logs-');
  mkdirSync(join(root, 'main'));
  path = join(root, 'main', '0.log');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (second: number): string => `2026-11-22T08:00:${String(second).padStart(2, '0')}.000000000+00:00`;
const line = (second: number, text: string, tag = 'F', stream = 'stdout'): string => `${at(second)} ${stream} ${tag} ${text}\n`;
const NOW = Date.UTC(2026, 10, 22, 8, 0, 30);

function open(options: Partial<LogOptions> = {}, isOver = (): boolean => true, signal = neverCancelled) {
  const all: LogOptions = { container: 'main', follow: false, previous: false, timestamps: false, ...options };
  return readLogs({ podLogs: root, options: all, nowMs: NOW, isOver, signal });
}

async function read(options: Partial<LogOptions> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of open(options)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

describe('kubectl logs', () => {
  test('prints lines of both streams, joins parts, and skips what a crash cut short', async () => {
    writeFileSync(path, `${line(1, 'one')}${line(2, 'tw', 'P')}${line(2, 'o')}${line(3, 'err', 'F', 'stderr')}2026-11-22T08`);
    expect(await read()).toBe('one\ntwo\nerr\n');
  });

  test('shows timestamps once a line', async () => {
    writeFileSync(path, line(1, 'a', 'P') + line(2, 'b') + line(3, 'c'));
    expect(await read({ timestamps: true })).toBe('2026-11-22T08:00:01.000000000Z ab\n2026-11-22T08:00:03.000000000Z c\n');
  });

  test('begins at a time, or some seconds ago', async () => {
    writeFileSync(path, line(1, 'old') + line(25, 'new'));
    expect(await read({ sinceSeconds: 10 })).toBe('new\n');
    expect(await read({ sinceTime: '2026-11-22T08:00:02Z' })).toBe('new\n');
  });

  test('ends after so many bytes', async () => {
    writeFileSync(path, line(1, 'abcdef') + line(2, 'ghi'));
    expect(await read({ limitBytes: 8 })).toBe('abcdef\ng');
  });

  test('of the previous container are those of the attempt before, if there was one', async () => {
    writeFileSync(path, line(1, 'first'));
    await expect(read({ previous: true })).rejects.toThrow('previous terminated container "main" not found');
    writeFileSync(join(root, 'main', '1.log'), line(2, 'second'));
    expect([await read({ previous: true }), await read()]).toEqual(['first\n', 'second\n']);
  });

  test('keep bytes that are no UTF-8', async () => {
    writeFileSync(path, Buffer.concat([Buffer.from(`${at(1)} stdout F `), Buffer.from([0xff, 0xfe, 0x00, 0x0a])]));
    const chunks: Uint8Array[] = [];
    for await (const chunk of open()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString('hex')).toBe('fffe000a');
  });

  test('with a tail are the last lines, whatever the log and across rotated parts', async () => {
    const texts = fc.array(
      fc.array(
        fc.string({ minLength: 0, maxLength: 200 }).map((s) => s.replaceAll(/[^ -~]/g, '.')),
        { minLength: 1, maxLength: 3 },
      ),
      { maxLength: 400 },
    );
    await fc.assert(
      fc.asyncProperty(texts, fc.nat(450), fc.nat(400), async (lines, tail, cut) => {
        const render = (parts: string[]): string => parts.map((part, i) => line(1, part, i === parts.length - 1 ? 'F' : 'P')).join('');
        writeFileSync(`${path}.1`, lines.slice(0, cut).map(render).join(''));
        writeFileSync(path, lines.slice(cut).map(render).join(''));
        const expected = tail === 0 ? [] : lines.slice(-tail);
        expect(await read({ tailLines: tail })).toBe(expected.map((parts) => `${parts.join('')}\n`).join(''));
      }),
      { numRuns: 60 },
    );
  });
});

describe('kubectl logs -f', () => {
  test('follows across rotation without losing or repeating a line, and ends with the container', async () => {
    writeFileSync(path, line(1, 'one'));
    let isOver = false;
    const stream = open({ follow: true }, () => isOver)[Symbol.asyncIterator]();
    let seen = '';
    const until = async (text: string): Promise<void> => {
      while (!seen.endsWith(text)) seen += Buffer.from((await stream.next()).value ?? []).toString();
    };
    await until('one\n');
    appendFileSync(path, line(2, 'two'));
    await until('two\n');
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, line(3, 'late'));
    writeFileSync(path, line(4, 'after'));
    await until('after\n');
    isOver = true;
    expect((await stream.next()).done).toBe(true);
    expect(seen).toBe('one\ntwo\nlate\nafter\n');
  });

  test('ends when the client goes away', async () => {
    writeFileSync(path, line(1, 'one'));
    const client = new CancelSource();
    const stream = open({ follow: true }, () => false, client.signal)[Symbol.asyncIterator]();
    await stream.next();
    const next = stream.next();
    client.abort();
    expect((await next).done).toBe(true);
  });
});

describe('rotation', () => {
  test('keeps five files and lets the writer begin a new one', async () => {
    for (let round = 0; round < 7; round++) {
      writeFileSync(path, line(round, `round ${round}`));
      await rotateIfFull(path, async () => writeFileSync(path, ''), 10);
    }
    expect(await read()).toBe('round 3\nround 4\nround 5\nround 6\n');
    expect(fileSize(`${path}.5`)).toBe(0);
  });

  test('leaves a small file alone', async () => {
    writeFileSync(path, line(1, 'x'));
    expect(await rotateIfFull(path, async () => undefined)).toBe(false);
  });
});
