/** Turns lines of CRI log files into what `kubectl logs` prints. Pure: one formatter per request. */
import { parseTime } from '../../kit/index.js';
import { parseCriLine } from './cri-line.js';
import type { CriLine } from './cri-line.js';

export interface LogFormat {
  readonly timestamps: boolean;
  /** Lines before this instant (ms since the epoch) are left out. */
  readonly sinceMs?: number | undefined;
  readonly limitBytes?: number | undefined;
}

export interface FormattedChunk {
  readonly stream: CriLine['stream'];
  readonly text: string;
}

/** Lines come as latin1 text, one character a byte, so that output of any encoding passes unchanged. */
export class LogFormatter {
  readonly #format: LogFormat;
  #left: number;
  /** Streams are interleaved: a line of one may come between two parts of the other's. */
  readonly #isInsideLine = { stdout: false, stderr: false };

  constructor(format: LogFormat) {
    this.#format = format;
    this.#left = format.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /** True when `limitBytes` have been given out. */
  get isFull(): boolean {
    return this.#left <= 0;
  }

  /** `undefined` for lines that are left out or were cut short by a crash. */
  format(line: string): FormattedChunk | undefined {
    const parsed = parseCriLine(line);
    if (parsed === undefined || this.isFull) return undefined;
    if (this.#format.sinceMs !== undefined && (parseTime(parsed.time) ?? 0) < this.#format.sinceMs) return undefined;
    const isStart = !this.#isInsideLine[parsed.stream];
    this.#isInsideLine[parsed.stream] = parsed.isPartial;
    const prefix = this.#format.timestamps && isStart ? `${utcSuffix(parsed.time)} ` : '';
    const text = `${prefix}${parsed.content}${parsed.isPartial ? '' : '\n'}`.slice(0, this.#left);
    this.#left -= text.length;
    return { stream: parsed.stream, text };
  }
}

/** `kubectl logs --timestamps` shows UTC as Z. */
function utcSuffix(time: string): string {
  return time.replace(/\+00:00$/, 'Z');
}
