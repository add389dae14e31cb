/** The parent's side of one client process. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadResult, LoadTask, Task, TaskAnswer, WatchResult, WatchTask, WatchUntil } from './tasks.js';

const program = fileURLToPath(new URL('client-process.js', import.meta.url));

export class ClientProcess implements Disposable {
  private readonly child: ChildProcess = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

  /** Throws what went wrong in the process. */
  async load(task: LoadTask): Promise<LoadResult> {
    return (await this.perform(task)) as LoadResult; // the process answers each task with its own kind
  }

  async watch(task: WatchTask): Promise<void> {
    await this.perform(task);
  }

  async until(task: WatchUntil): Promise<WatchResult> {
    return (await this.perform(task)) as WatchResult;
  }

  [Symbol.dispose](): void {
    this.child.kill();
  }

  private perform(task: Task): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`a client process ended with ${code}`));
      this.child.once('exit', ended);
      this.child.once('message', (answer: TaskAnswer) => {
        this.child.off('exit', ended);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.result);
      });
      this.child.send(task);
    });
  }
}
