/**
 * The ports through which pure code meets time, chance, identity, cancellation and the log. Real implementations live
 * in `libs/adapters/system`, deterministic ones in `libs/kit/testing` and `libs/simulation`.
 */

/** Milliseconds since the Unix epoch, UTC. */
export type Instant = number & { readonly __brand: 'Instant' };

/** Structurally an `AbortSignal`; pure code sees only this part of it. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface Clock {
  now(): Instant;
  /** Runs `task` once, `delayMs` from now. Disposing the result cancels it; disposing twice is harmless. */
  schedule(delayMs: number, task: () => void): Disposable;
  /** Resolves after `delayMs`, or at once when `signal` aborts (it never rejects: callers look at the signal). */
  sleep(delayMs: number, signal?: CancelSignal): Promise<void>;
}

export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

export interface IdSource {
  /** A fresh RFC 4122 UUID in lower case. */
  uid(): string;
  /** `length` characters of `bcdfghjklmnpqrstvwxz2456789`, the alphabet of generated Kubernetes names. */
  suffix(length: number): string;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Constant message plus fields: `log.info('pod scheduled', { pod, node })`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}
