/** An Io whose output can be read: for tests of verbs. */
import { PassThrough, Writable } from 'node:stream';
import type { Io } from '../io.js';

export interface FakeIo extends Io {
  /** Everything written to standard output so far. */
  output(): string;
  /** Everything written to standard error so far. */
  errors(): string;
}

export interface FakeIoOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly color?: boolean;
}

export function fakeIo({ input = '', env = {}, color = false }: FakeIoOptions = {}): FakeIo {
  const [out, err] = [new Recorder(), new Recorder()];
  const stdin = new PassThrough();
  stdin.end(input);
  return { in: stdin, out, err, env, color, interactive: false, output: () => out.text, errors: () => err.text };
}

class Recorder extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}
