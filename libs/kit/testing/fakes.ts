/** Deterministic ids, randomness and a log that is kept: the other ports of libs/kit for tests and the simulator. */
import type { IdSource, LogFields, Logger, Random } from '../ports.js';

/** Counts up: `00000000-0000-4000-8000-000000000001`, suffixes in the alphabet of generated names. */
export class FakeIds implements IdSource {
  #count = 0;

  uid(): string {
    return `00000000-0000-4000-8000-${String(++this.#count).padStart(12, '0')}`;
  }

  suffix(length: number): string {
    const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
    let text = '';
    for (let rest = ++this.#count; text.length < length; rest = Math.floor(rest / alphabet.length)) {
      text = (alphabet[rest % alphabet.length] ?? 'b') + text;
    }
    return text;
  }
}

/** Mulberry32: the same seed gives the same numbers. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed = 1) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps what was logged, for assertions and for transcripts. */
export class RecordingLogger implements Logger {
  constructor(
    readonly lines: LogLine[] = [],
    private readonly fields: LogFields = {},
  ) {}

  debug(message: string, fields: LogFields = {}): void {
    this.#add('debug', message, fields);
  }
  info(message: string, fields: LogFields = {}): void {
    this.#add('info', message, fields);
  }
  warn(message: string, fields: LogFields = {}): void {
    this.#add('warn', message, fields);
  }
  error(message: string, fields: LogFields = {}): void {
    this.#add('error', message, fields);
  }
  child(fields: LogFields): Logger {
    return new RecordingLogger(this.lines, { ...this.fields, ...fields });
  }

  #add(level: LogLine['level'], message: string, fields: LogFields): void {
    this.lines.push({ level, message, fields: { ...this.fields, ...fields } });
  }
}
