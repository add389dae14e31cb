/** A connection into a pod as a Node stream, so that Node's HTTP client can speak over it. */
import { Duplex } from 'node:stream';
import type { RemoteConnection } from '../../apiserver/index.js';

/** Destroying the stream closes the connection. Reading waits for the reader: one piece is asked for at a time. */
export function connectionStream(connection: RemoteConnection): Duplex {
  const pieces = connection.input[Symbol.asyncIterator]();
  return new Duplex({
    read() {
      pieces.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
      );
    },
    write(piece: Uint8Array, _encoding, done) {
      void settle(connection.write(piece), done);
    },
    final(done) {
      connection.end();
      done();
    },
    destroy(error, done) {
      void settle(connection[Symbol.asyncDispose](), () => done(error));
    },
  });
}

/** Node's streams want to be called back. */
async function settle(work: PromiseLike<void>, done: (error?: Error | null) => void): Promise<void> {
  try {
    await work;
  } catch (error) {
    return done(error instanceof Error ? error : new Error(String(error)));
  }
  done();
}
