/** Reads the lines of a log from a position on, across rotation, and follows it while its container runs. */
import { watch } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deferred, onCancel } from '../../kit/index.js';
import type { CancelSignal } from '../../kit/index.js';
import { errorCode } from '../process/files.js';
import type { LogPosition } from './log-tail.js';

export interface LogLinesOptions {
  /** Oldest first; the last is the one that is being written. */
  readonly parts: readonly string[];
  readonly from: LogPosition;
  /** Absent: read to the end. `isOver` answers true once nothing more will be written. */
  readonly follow?: { readonly isOver: () => boolean } | undefined;
  readonly signal: CancelSignal;
}

const READ_BYTES = 64 * 1024;
/** A file change wakes the reader at once; this is how late it may notice the end of the container. */
const FOLLOW_CHECK_MS = 200;

/** Batches of lines, without newlines, as latin1 text. */
export async function* readLogLines(options: LogLinesOptions): AsyncGenerator<readonly string[], void, undefined> {
  const last = options.parts.length - 1;
  for (let part = options.from.part; part <= last; part++) {
    const offset = part === options.from.part ? options.from.offset : 0;
    const path = options.parts[part] ?? '';
    if (part === last && options.follow !== undefined) yield* followFile(path, offset, options, options.follow.isOver);
    else yield* readFile(path, offset, options.signal);
  }
}

async function* readFile(path: string, offset: number, signal: CancelSignal): AsyncGenerator<readonly string[], void, undefined> {
  const file = await openLog(path);
  if (file === undefined) return;
  try {
    yield* new LineReader(file, offset).toEnd(signal);
  } finally {
    await file.close();
  }
}

async function* followFile(
  path: string,
  offset: number,
  options: LogLinesOptions,
  isOver: () => boolean,
): AsyncGenerator<readonly string[], void, undefined> {
  using changes = new DirectoryChanges(dirname(path), options.signal);
  let file = await openLog(path);
  let reader = file === undefined ? undefined : new LineReader(file, offset);
  try {
    while (!options.signal.aborted) {
      // Asked before reading: what was written before the end is still read after it.
      const wasOver = isOver();
      if (reader !== undefined) yield* reader.toEnd(options.signal);
      const next = await openIfOther(path, file);
      if (next !== undefined) {
        // Rotated: whatever came into the old file after the last look is read before it is left.
        if (reader !== undefined) yield* reader.toEnd(options.signal);
        await file?.close();
        file = next;
        reader = new LineReader(next, 0);
        continue;
      }
      if (wasOver) return;
      await changes.next(FOLLOW_CHECK_MS);
    }
  } finally {
    await file?.close();
  }
}

class LineReader {
  #rest = '';
  constructor(
    readonly file: FileHandle,
    private offset: number,
  ) {}

  /** Everything that is there now; the beginning of an unfinished line is kept for the next call. */
  async *toEnd(signal: CancelSignal): AsyncGenerator<readonly string[], void, undefined> {
    const buffer = Buffer.alloc(READ_BYTES);
    while (!signal.aborted) {
      const { bytesRead } = await this.file.read(buffer, 0, buffer.length, this.offset);
      if (bytesRead === 0) return;
      this.offset += bytesRead;
      const lines = (this.#rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      this.#rest = lines.pop() ?? '';
      if (lines.length > 0) yield lines;
    }
  }
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A handle on the file that bears the name now, if it is another than `current`. */
async function openIfOther(path: string, current: FileHandle | undefined): Promise<FileHandle | undefined> {
  try {
    if (current !== undefined && (await stat(path)).ino === (await current.stat()).ino) return undefined;
  } catch {
    return undefined;
  }
  return openLog(path);
}

/** Waits for any change in a directory. */
class DirectoryChanges implements Disposable {
  #changed = false;
  #wake: () => void = () => undefined;
  readonly #stop: () => void;

  constructor(directory: string, signal: CancelSignal) {
    const note = (): void => {
      this.#changed = true;
      this.#wake();
    };
    const cancel = onCancel(signal, note);
    let watcher: ReturnType<typeof watch> | undefined;
    try {
      watcher = watch(directory, { persistent: false }, note);
      watcher.on('error', note);
    } catch {
      // No inotify instance left, or no folder yet: the timer below still looks.
    }
    this.#stop = () => {
      cancel[Symbol.dispose]();
      watcher?.close();
    };
  }

  async next(atMostMs: number): Promise<void> {
    if (!this.#changed) {
      const woken = deferred<void>();
      this.#wake = () => woken.resolve();
      const timer = setTimeout(() => woken.resolve(), atMostMs);
      await woken.promise;
      clearTimeout(timer);
    }
    this.#changed = false;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}
