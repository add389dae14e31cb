/** Notices ended containers: conmon drops a file into the exit folder, and a slow rescan finds what no file told. */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import type { Logger } from '../../kit/index.js';
import { messageOf } from '../process/files.js';

/** inotify tells exits at once; the rescan is for lost events and killed monitors. */
const RESCAN_MS = 2_000;

export interface ExitWatchOptions {
  readonly directory: string;
  readonly onFile: (containerId: string) => Promise<void>;
  readonly onRescan: () => Promise<void>;
  readonly log: Logger;
}

export class ExitWatch implements Disposable {
  readonly #options: ExitWatchOptions;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(options: ExitWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#watcher = watch(this.#options.directory, (_event, name) => {
      // conmon writes `.name` first and renames it.
      if (name !== null && !name.startsWith('.')) this.#guard(this.#options.onFile(name));
    });
    this.#watcher.on('error', (error) => this.#options.log.warn('exit folder is not watched', { error: messageOf(error) }));
    this.#scheduleRescan();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#watcher?.close();
    clearTimeout(this.#timer);
  }

  #scheduleRescan(): void {
    this.#timer = setTimeout(() => {
      this.#guard(this.#options.onRescan().finally(() => void (this.#isDisposed || this.#scheduleRescan())));
    }, RESCAN_MS);
    this.#timer.unref();
  }

  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => this.#options.log.error('cannot settle a container exit', { error: messageOf(error) }));
  }
}
