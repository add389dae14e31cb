/** AssignmentDisk: the agent's last assignment in one file, so that a restart without a control plane goes on with it. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AssignmentDisk } from '../../agent/index.js';
import { errorCode, replaceFile } from '../process/files.js';

/** The file holds Secrets: only root reads it. Saves are written one after the other, and of those that wait only the last. */
export class AssignmentFile implements AssignmentDisk {
  #writing: Promise<void> | undefined;
  #next: { readonly text: string; readonly done: Promise<void> } | undefined;

  constructor(readonly path: string) {}

  async load(): Promise<string | undefined> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  save(text: string): Promise<void> {
    if (this.#writing === undefined) return this.#write(text);
    // A write is under way: this text, or a later one, follows it.
    const done = this.#next?.done ?? this.#writing.catch(() => undefined).then(() => this.#write(this.#next?.text ?? text));
    this.#next = { text, done };
    return done;
  }

  #write(text: string): Promise<void> {
    this.#next = undefined;
    this.#writing = this.#replace(text).finally(() => {
      if (this.#next === undefined) this.#writing = undefined;
    });
    return this.#writing;
  }

  async #replace(text: string): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o711 });
    await replaceFile(this.path, text);
  }
}
