/** The log on standard error: one JSON object a line, or readable lines on a terminal. */
import type { LogFields, Logger } from '../../kit/index.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export interface LoggerOptions {
  /** Lines below this level are dropped; default `info`. */
  readonly level?: LogLevel;
  /** Default: `human` on a terminal, else `json`. */
  readonly format?: 'json' | 'human';
  readonly stream?: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly fields?: LogFields;
  readonly now?: () => number;
}

const rank = { debug: 0, info: 1, warn: 2, error: 3 } as const satisfies Record<LogLevel, number>;
const colour = { debug: 2, info: 36, warn: 33, error: 31 } as const satisfies Record<LogLevel, number>;

export function createLogger(options: LoggerOptions = {}): Logger {
  const stream = options.stream ?? process.stderr;
  const human = (options.format ?? (stream.isTTY === true ? 'human' : 'json')) === 'human';
  const from = rank[options.level ?? 'info'];
  const now = options.now ?? Date.now;
  const format = human ? (stream.isTTY === true ? humanColour : humanPlain) : jsonLine;
  const make = (base: LogFields): Logger => {
    const write = (level: LogLevel, message: string, fields?: LogFields): void => {
      if (rank[level] < from) return;
      stream.write(format(level, message, { at: now(), fields: fields === undefined ? base : { ...base, ...fields } }));
    };
    return {
      debug: (message, fields) => write('debug', message, fields),
      info: (message, fields) => write('info', message, fields),
      warn: (message, fields) => write('warn', message, fields),
      error: (message, fields) => write('error', message, fields),
      child: (fields) => make({ ...base, ...fields }),
    };
  };
  return make(options.fields ?? {});
}

type Body = { readonly at: number; readonly fields: LogFields };

function jsonLine(level: LogLevel, message: string, body: Body): string {
  const fields = Object.fromEntries(Object.entries(body.fields).map(([name, value]) => [name, plain(value)]));
  return `${JSON.stringify({ time: new Date(body.at).toISOString(), level, message, ...fields }, replaceBigInt)}\n`;
}

function humanPlain(level: LogLevel, message: string, body: Body): string {
  return `${new Date(body.at).toISOString().slice(11, 23)} ${level.padEnd(5)} ${message}${humanFields(body.fields)}\n`;
}

function humanColour(level: LogLevel, message: string, body: Body): string {
  const time = new Date(body.at).toISOString().slice(11, 23);
  return `\u001b[2m${time}\u001b[0m \u001b[${colour[level]}m${level.padEnd(5)}\u001b[0m ${message}\u001b[2m${humanFields(body.fields)}\u001b[0m\n`;
}

function humanFields(fields: LogFields): string {
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${humanValue(plain(value))}`)
    .join('');
}

function humanValue(value: unknown): string {
  if (typeof value === 'string') return /[\s"=]/.test(value) || value === '' ? JSON.stringify(value) : value;
  return JSON.stringify(value, replaceBigInt) ?? String(value);
}

/** Errors say their message (and their stack when they are unexpected programming errors). */
function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const unexpected = value instanceof TypeError || value instanceof ReferenceError || value instanceof RangeError;
  return unexpected ? (value.stack ?? value.message) : `${value.name}: ${value.message}`;
}

function replaceBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
