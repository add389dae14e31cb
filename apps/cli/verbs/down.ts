/** berth down: ends the cluster on this machine. */
import type { Command } from 'commander';
import { defaultOptions, layoutOf, loadOptions } from '../cluster/layout.js';
import { stopCluster } from '../cluster/down.js';
import type { Io } from '../io.js';
import { examples, type Verb } from '../verb.js';

export const down: Verb = {
  register(program: Command, io: Io): void {
    const command = program
      .command('down')
      .summary('end the cluster on this machine')
      .description(
        'Ends every process of the cluster and removes its mounts, namespaces, cgroups, links, tables and routes.\nThe data (etcd, images, volumes) stays for the next "berth up", unless --purge is given.',
      )
      .option('--data-dir <folder>', "where the cluster's files are", defaultOptions.dataDir)
      .option('--purge', 'delete the data as well', false)
      .action(async (flags: { dataDir: string; purge: boolean }) => {
        const options = loadOptions(flags.dataDir);
        if (options === undefined) io.err.write(`nothing to do: no cluster in ${flags.dataDir}\n`);
        else await stopCluster(layoutOf(options), io, { purge: flags.purge });
      });
    examples(command, [
      ['Stop, keep the data', 'berth down'],
      ['Leave no trace', 'berth down --purge'],
    ]);
  },
};
