/** Merges the output pipes of a child process into one stream that the reader can slow down. */
import type { Readable } from 'node:stream';
import { Channel } from '../../kit/index.js';

export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

/** Chunks (of up to 64 KiB) that wait for the reader before the pipes are paused. */
const WAITING_CHUNKS_MAX = 32;

const RELEASE_CHECK_MS = 5;

export class ChildOutput implements AsyncIterable<OutputChunk> {
  readonly #channel = new Channel<OutputChunk>();
  readonly #sources: readonly Readable[];
  #held: OutputChunk[] | undefined = [];
  #isReleased: () => boolean;

  /** Output is held back until `isReleased` answers true: what a runtime prints before the program runs is not the program's. */
  constructor(sources: { readonly stdout: Readable; readonly stderr: Readable }, isReleased: () => boolean = () => true) {
    this.#isReleased = isReleased;
    this.#sources = [sources.stdout, sources.stderr];
    this.#connect(sources.stdout, 'stdout');
    this.#connect(sources.stderr, 'stderr');
  }

  /** No more output: ends the iteration after what is queued. With `drop`, output still held back is thrown away and answered. */
  end(options: { readonly drop: boolean }): string {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (!options.drop) for (const chunk of held) this.#channel.push(chunk);
    for (const source of this.#sources) source.destroy();
    this.#channel.end();
    return Buffer.concat(held.map((chunk) => chunk.data)).toString('utf8');
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, undefined> {
    for await (const chunk of this.#channel) {
      if (this.#channel.size < WAITING_CHUNKS_MAX) for (const source of this.#sources) source.resume();
      yield chunk;
    }
  }

  #connect(source: Readable, stream: 'stdout' | 'stderr'): void {
    source.on('data', (data: Buffer) => this.#take({ stream, data }));
    source.on('error', () => undefined);
  }

  #take(chunk: OutputChunk): void {
    if (this.#held !== undefined) {
      this.#held.push(chunk);
      this.#release();
    } else {
      this.#channel.push(chunk);
    }
    if (this.#channel.size >= WAITING_CHUNKS_MAX) for (const source of this.#sources) source.pause();
  }

  /** A prompt is printed once: it must not wait for the next output to be let through. */
  #release(): void {
    if (this.#held === undefined) return;
    if (!this.#isReleased()) {
      setTimeout(() => this.#release(), RELEASE_CHECK_MS).unref();
      return;
    }
    for (const held of this.#held) this.#channel.push(held);
    this.#held = undefined;
  }
}
