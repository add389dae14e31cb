/** One client process of the api bench: does the tasks that its parent sends, one after the other. */
import { loadConnection } from '../../../apps/cli/client/kubeconfig.js';
import { load } from './load.js';
import type { Task, TaskAnswer } from './tasks.js';
import { Watchers } from './watchers.js';

const watchers = new Watchers();

async function perform(task: Task): Promise<TaskAnswer> {
  switch (task.do) {
    case 'load':
      return { result: await load(task, loadConnection(task.kubeconfig)) };
    case 'watch':
      await watchers.open(task, loadConnection(task.kubeconfig));
      return { result: { ready: true } };
    case 'until':
      return { result: await watchers.until(task) };
  }
}

process.on('message', (task: Task) => {
  perform(task).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
