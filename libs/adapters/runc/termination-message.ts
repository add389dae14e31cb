/** The last words of a container, as `status.containerStatuses[].lastState.terminated.message` shows them. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parseCriLine } from '../logs/cri-line.js';

/** Kubernetes docs, "Determine the Reason for Pod Failure": 4096 bytes of the file; 2048 bytes or 80 lines of the log. */
const MESSAGE_BYTES_MAX = 4096;
const FALLBACK_BYTES_MAX = 2048;
const FALLBACK_LINES_MAX = 80;
/** Log lines carry a prefix of about 40 bytes each, which does not count. */
const FALLBACK_READ_BYTES = FALLBACK_BYTES_MAX + FALLBACK_LINES_MAX * 64;

export function terminationMessage(options: {
  readonly file: string;
  readonly logPath: string;
  readonly policy: 'File' | 'FallbackToLogsOnError';
  readonly exitCode: number;
}): string {
  const message = readEnd(options.file, MESSAGE_BYTES_MAX);
  if (message !== '' || options.policy === 'File' || options.exitCode === 0) return message;
  const lines = readEnd(options.logPath, FALLBACK_READ_BYTES).split('\n');
  const words = lines.flatMap((line) => {
    const parsed = parseCriLine(line);
    return parsed === undefined ? [] : [parsed.content + (parsed.isPartial ? '' : '\n')];
  });
  return words.slice(-FALLBACK_LINES_MAX).join('').slice(-FALLBACK_BYTES_MAX);
}

function readEnd(path: string, bytesMax: number): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, bytesMax));
    const count = readSync(fd, buffer, 0, buffer.length, Math.max(0, size - bytesMax));
    return buffer.toString('utf8', 0, count);
  } finally {
    closeSync(fd);
  }
}
