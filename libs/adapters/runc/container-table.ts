/** All containers of this host, in memory and on disk, and how each one ends. */
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerId, ContainerRecord, PodUid } from '../../agent/index.js';
import { deferred } from '../../kit/index.js';
import type { Deferred, Logger } from '../../kit/index.js';
import type { CgroupTree } from '../cgroups/cgroup-tree.js';
import { messageOf, modifiedAtMs, readTextSync } from '../process/files.js';
import { identifyProcess, isAlive, signalProcess } from '../process/process-identity.js';
import { removeFolder } from './container-folder.js';
import { containerFolders, readRecords, toContainerRecord, writeRecord } from './container-record.js';
import type { StoredContainer, StoredExit } from './container-record.js';
import type { ContainerPaths, RuntimePaths } from './paths.js';
import { terminationMessage } from './termination-message.js';

/** What a container is said to have exited with where nobody saw it end (a reboot, a killed monitor). */
const EXIT_CODE_UNKNOWN = 255;

export interface ContainerTableOptions {
  readonly paths: RuntimePaths;
  readonly cgroups: CgroupTree;
  readonly log: Logger;
}

export class ContainerTable {
  readonly #options: ContainerTableOptions;
  readonly #records = new Map<ContainerId, StoredContainer>();
  readonly #ends = new Map<ContainerId, Deferred<void>>();
  readonly #settling = new Map<ContainerId, Promise<void>>();
  readonly #listeners = new Set<(record: ContainerRecord) => void>();

  constructor(options: ContainerTableOptions) {
    this.#options = options;
  }

  /** Finds again what an earlier agent started. Starts that it did not finish are undone. */
  async load(): Promise<void> {
    const { records, broken } = readRecords(this.#options.paths);
    for (const id of broken) await this.#undo(id, undefined);
    for (const record of records) {
      if (record.startedAtMs === undefined && record.exit === undefined) await this.#undo(record.id, record.cgroupPath);
      else this.#records.set(record.id, record);
    }
    await this.rescan();
  }

  find(id: ContainerId): StoredContainer | undefined {
    return this.#records.get(id);
  }

  all(): readonly StoredContainer[] {
    return [...this.#records.values()];
  }

  /** Container folders of the pod on disk, whether or not anything is known of them. */
  foldersOf(podUid: PodUid): readonly ContainerId[] {
    return containerFolders(this.#options.paths).filter((id) => id.startsWith(`${podUid}_`));
  }

  paths(id: ContainerId): ContainerPaths {
    return this.#options.paths.container(id);
  }

  put(record: StoredContainer): void {
    this.#records.set(record.id, record);
    writeRecord(this.paths(record.id), record);
  }

  describe(record: StoredContainer): ContainerRecord {
    const state = record.exit === undefined ? (record.startedAtMs === undefined ? 'created' : 'running') : 'exited';
    return toContainerRecord(record, state);
  }

  /** Calls `listener` for each exit from now on. */
  onExit(listener: (record: ContainerRecord) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Resolves when the exit of the container is known, at once if it is, or if there is no such container. */
  async ended(id: ContainerId): Promise<void> {
    const record = this.#records.get(id);
    if (record === undefined || record.exit !== undefined) return;
    const end = this.#ends.get(id) ?? deferred<void>();
    this.#ends.set(id, end);
    await end.promise;
  }

  /** Whether the log of this attempt is complete: no such container runs. */
  isOver(podUid: PodUid, name: string, attempt: number): boolean {
    return !this.all().some(
      (record) => record.podUid === podUid && record.name === name && record.attempt === attempt && record.exit === undefined,
    );
  }

  /** Looks at every container that should be running; finds the exits of which no news came. */
  async rescan(): Promise<void> {
    await Promise.all(this.all().map((record) => this.settle(record.id)));
  }

  /** Records the exit of the container if it has ended. May be called at any time, also twice at once. */
  settle(id: ContainerId): Promise<void> {
    const running = this.#settling.get(id);
    if (running !== undefined) return running;
    const record = this.#records.get(id);
    if (record === undefined || record.exit !== undefined || record.init === undefined) return Promise.resolve();
    const ending = this.#exitOf(record);
    if (ending === undefined) return Promise.resolve();
    const done = this.#finish(record, ending).finally(() => this.#settling.delete(id));
    this.#settling.set(id, done);
    return done;
  }

  /** Forgets the container and deletes everything it had. It must have ended. Idempotent. */
  async remove(id: ContainerId): Promise<void> {
    await this.#settling.get(id);
    await this.#undo(id, this.#records.get(id)?.cgroupPath);
    this.#records.delete(id);
    this.#ends.get(id)?.resolve();
    this.#ends.delete(id);
  }

  /** conmon writes the code when all output is in the log. Without a monitor nobody will: then a dead init is the exit. */
  #exitOf(record: StoredContainer): { readonly code: number; readonly finishedAtMs: number } | undefined {
    const paths = this.paths(record.id);
    for (const file of [paths.exitFile, join(paths.persist, 'exit')]) {
      const text = readTextSync(file);
      if (text !== undefined && text !== '') return { code: Number.parseInt(text, 10), finishedAtMs: modifiedAtMs(file) ?? Date.now() };
    }
    const isRunning = record.init !== undefined && isAlive(record.init);
    const isWatched = record.monitor !== undefined && isAlive(record.monitor);
    return isRunning || isWatched ? undefined : { code: EXIT_CODE_UNKNOWN, finishedAtMs: Date.now() };
  }

  async #finish(record: StoredContainer, ending: { readonly code: number; readonly finishedAtMs: number }): Promise<void> {
    const paths = this.paths(record.id);
    const isOutOfMemory = this.#options.cgroups.oomKills(record.cgroupPath) > 0 || readTextSync(join(paths.bundle, 'oom')) !== undefined;
    const exit: StoredExit = {
      ...ending,
      oomKilled: isOutOfMemory && ending.code !== 0,
      terminationMessage: terminationMessage({
        file: paths.terminationLog,
        logPath: record.logPath,
        policy: record.terminationMessagePolicy,
        exitCode: ending.code,
      }),
    };
    // Known before the clean-up: kubectl shows the exit, and a restart may begin, while the kernel still tears the cgroup down.
    const ended = { ...record, exit };
    this.put(ended);
    this.#ends.get(record.id)?.resolve();
    this.#ends.delete(record.id);
    for (const listener of this.#listeners) listener(this.describe(ended));
    await this.#release(record.id, record.cgroupPath);
  }

  /** What an ended container still holds of the kernel. A cgroup that will not go is left to the removal of the pod. */
  async #release(id: ContainerId, cgroupPath: string): Promise<void> {
    const paths = this.paths(id);
    try {
      await this.#options.cgroups.remove(cgroupPath);
    } catch (error) {
      this.#options.log.warn('container cgroup stays', { container: id, error: messageOf(error) });
    }
    await rm(paths.state, { recursive: true, force: true });
    rmSync(paths.exitFile, { force: true });
  }

  async #undo(id: ContainerId, cgroupPath: string | undefined): Promise<void> {
    const paths = this.paths(id);
    const monitor = identifyProcess(Number(readTextSync(paths.conmonPidFile) ?? 0));
    const init = identifyProcess(Number(readTextSync(paths.pidFile) ?? 0));
    const record = this.#records.get(id);
    // After an exit the pid files may name strangers.
    if (record?.exit === undefined) {
      for (const process of [init, monitor])
        if (process !== undefined && isOurs(process.pid, id, cgroupPath)) signalProcess(process.pid, 'SIGKILL');
    }
    if (cgroupPath !== undefined) await this.#options.cgroups.remove(cgroupPath);
    await rm(paths.state, { recursive: true, force: true });
    rmSync(paths.exitFile, { force: true });
    await removeFolder(paths);
  }
}

/** A pid from a file may be someone else's by now: the monitor names its container on its command line, the init is in its cgroup. */
function isOurs(pid: number, id: ContainerId, cgroupPath: string | undefined): boolean {
  if (readTextSync(`/proc/${pid}/cmdline`)?.split('\0').includes(id)) return true;
  return cgroupPath !== undefined && (readTextSync(`/proc/${pid}/cgroup`)?.includes(cgroupPath) ?? false);
}
