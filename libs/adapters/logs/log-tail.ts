/** Finds where the last N lines of a log begin, reading from the end. */
import { open } from 'node:fs/promises';
import { fileSize } from './log-files.js';

export interface LogPosition {
  /** Index into the parts, oldest first. */
  readonly part: number;
  readonly offset: number;
}

const FIRST_BLOCK_BYTES = 64 * 1024;

/** Parts of a split line count as one line. */
export async function tailPosition(parts: readonly string[], lines: number): Promise<LogPosition> {
  let wanted = lines;
  for (let part = parts.length - 1; part >= 0; part--) {
    const path = parts[part] ?? '';
    if (wanted <= 0 && part === parts.length - 1) return { part, offset: fileSize(path) };
    const found = await tailOfFile(path, wanted);
    if (found.offset > 0 || found.lines >= wanted) return { part, offset: found.offset };
    wanted -= found.lines;
  }
  return { part: 0, offset: 0 };
}

async function tailOfFile(path: string, wanted: number): Promise<{ readonly offset: number; readonly lines: number }> {
  const size = fileSize(path);
  for (let block = FIRST_BLOCK_BYTES; ; block *= 2) {
    const start = Math.max(0, size - block);
    const starts = lineStarts(await readFrom(path, start, size), start === 0);
    const begin = starts.at(-wanted);
    if (begin !== undefined && starts.length >= wanted) return { offset: start + begin, lines: wanted };
    if (start === 0) return { offset: 0, lines: starts.length };
  }
}

/** Where full lines begin: after the newline of an F line. The first one is only known where the text starts with the file. */
function lineStarts(text: string, isFileStart: boolean): readonly number[] {
  const starts: number[] = isFileStart && text !== '' ? [0] : [];
  for (let begin = 0; ;) {
    const end = text.indexOf('\n', begin);
    if (end < 0 || end + 1 >= text.length) return starts;
    if (/^\S+ \S+ F/.test(text.slice(begin, begin + 64))) starts.push(end + 1);
    begin = end + 1;
  }
}

async function readFrom(path: string, start: number, end: number): Promise<string> {
  if (end <= start) return '';
  await using file = await open(path, 'r');
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  return buffer.toString('latin1', 0, bytesRead);
}
