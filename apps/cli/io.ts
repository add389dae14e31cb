/** Where a verb reads and writes. Data goes to `out`, progress and errors to `err`, so that output can be piped. */
import type { Readable, Writable } from 'node:stream';

export interface Io {
  readonly in: Readable;
  readonly out: Writable;
  readonly err: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True when `out` is a terminal and NO_COLOR is not set. */
  readonly color: boolean;
  /** True when `err` is a terminal: progress may rewrite its line. */
  readonly interactive: boolean;
}

export function processIo(): Io {
  return {
    in: process.stdin,
    out: process.stdout,
    err: process.stderr,
    env: process.env,
    color: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
    interactive: process.stderr.isTTY === true,
  };
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** Wraps text in an ANSI style where the terminal shows it. */
export function paint(io: Io, style: keyof typeof codes, text: string): string {
  return io.color ? `\u001b[${codes[style]}m${text}\u001b[0m` : text;
}

/** One named piece of work with its elapsed time on `err`; on a terminal the line is shown while it runs. */
export async function progress<T>(io: Io, name: string, work: (note: (text: string) => void) => Promise<T>): Promise<T> {
  const startedAt = process.hrtime.bigint();
  let noted = '';
  const show = (mark: string, end: string): void => {
    const seconds = (Number(process.hrtime.bigint() - startedAt) / 1e9).toFixed(1);
    io.err.write(`${io.interactive ? '\r\u001b[K' : ''}${mark} ${name}${noted === '' ? '' : ` (${noted})`}  ${seconds} s${end}`);
  };
  if (io.interactive) show('  ..', '');
  try {
    const result = await work((text) => {
      noted = text;
      if (io.interactive) show('  ..', '');
    });
    show('  ok', '\n');
    return result;
  } catch (error) {
    show('FAIL', '\n');
    throw error;
  }
}
