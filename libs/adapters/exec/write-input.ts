/** Writes to a pipe of a process that may end at any time. */
import type { Writable } from 'node:stream';

/** Resolves when the pipe took the data, so that a slow program slows its sender. Data for a closed pipe is dropped, as a terminal does. */
export function writeInput(pipe: Writable, data: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (pipe.destroyed || !pipe.writable) return resolve();
    pipe.write(data, () => resolve());
  });
}

/** A broken pipe is the end of the reader, which its exit tells; never an error of ours. */
export function ignoreBrokenPipe(pipe: Writable): void {
  pipe.on('error', () => undefined);
}
