/** One line of a CRI log file: `2026-11-22T08:00:00.000000000+00:00 stdout F text`. P marks a part of a longer line, F its end. Pure. */

export interface CriLine {
  /** As written, with nanoseconds and zone. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly isPartial: boolean;
  /** Without the newline. */
  readonly content: string;
}

/** `undefined` for a line that was cut short or is none. */
export function parseCriLine(line: string): CriLine | undefined {
  const afterTime = line.indexOf(' ');
  const afterStream = line.indexOf(' ', afterTime + 1);
  const afterTag = line.indexOf(' ', afterStream + 1);
  if (afterTime <= 0 || afterStream < 0 || afterTag < 0) return undefined;
  const stream = line.slice(afterTime + 1, afterStream);
  const tag = line.slice(afterStream + 1, afterTag);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  // Tags after the first, separated by colons, are reserved.
  if (tag[0] !== 'P' && tag[0] !== 'F') return undefined;
  return { time: line.slice(0, afterTime), stream, isPartial: tag[0] === 'P', content: line.slice(afterTag + 1) };
}
